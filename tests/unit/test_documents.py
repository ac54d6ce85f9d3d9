"""The documents agree with the code."""

import re
from pathlib import Path

import pytest

from api.edge.bodies import CASES_PATH, IMPORT_PATH, KIB, PRESET_PATH, bounds_of
from api.edge.options import MIB, EdgeOptions
from config import Settings, flag
from engine.weights.catalogue import find_entry

ROOT = Path(__file__).parents[2]
READMES = ["README.md", "README.zh-CN.md"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def default_of(name: str) -> str:
    default = Settings.model_fields[name].default
    if default is None or default in ("", ()):
        return "–"
    if isinstance(default, bool):
        return "on" if default else "off"
    return f"`{default}`"


def row(name: str, text: str) -> str:
    """The README's line for one setting."""
    return f"| `{flag(name)}` | {default_of(name)} | {text} |"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_readme_describes_each_setting_as_in_the_code(name: str) -> None:
    assert row(name, str(Settings.model_fields[name].description)) in read("README.md")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_chinese_readme_has_each_setting_with_its_default(name: str) -> None:
    assert row(name, "")[:-2].rstrip() in read("README.zh-CN.md")


@pytest.mark.parametrize("readme", READMES)
def test_a_readme_names_no_setting_that_does_not_exist(readme: str) -> None:
    named = set(re.findall(r"^\| `(--[a-z-]+)`", read(readme), flags=re.MULTILINE))
    assert named == {flag(name) for name in Settings.model_fields}


@pytest.mark.parametrize("readme", READMES)
def test_everything_in_the_tree_exists(readme: str) -> None:
    tree = re.search(r"^app\.py[, ].*?^```", read(readme), flags=re.MULTILINE | re.DOTALL)
    assert tree
    folder = ROOT
    for line in tree.group().splitlines()[:-1]:
        names = re.match(r" *([\w./-]+(?:, [\w.]+)*)", line)
        assert names, line
        for name in names.group(1).split(", "):
            path = (folder if line.startswith("  ") else ROOT) / name
            assert path.exists(), line
        if not line.startswith("  "):
            folder = path


@pytest.mark.parametrize("document", [*READMES, "DEPLOYMENT.md", "CHANGELOG.md"])
def test_links_lead_somewhere(document: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", read(document)):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


@pytest.mark.parametrize("size", ["0.5B", "1.5B", "3B", "7B", "14B", "32B", "72B"])
def test_the_hardware_table_is_computed_from_the_catalogue(size: str) -> None:
    entry = find_entry(f"Qwen2.5-{size}-Instruct")
    assert entry
    sizes = [entry.memory_bytes[kind] for kind in ("none", "int8", "nf4")]
    cells = " | ".join(f"{size_bytes / 1e9:.1f} GB" for size_bytes in sizes)
    kv_bytes_per_token = entry.shape.layers * 2 * entry.shape.kv * 2  # keys and values, in bf16
    cache = kv_bytes_per_token * 8192 / 1e9
    assert f"| {size} | {cells} | {cache:.2f} GB |" in read("DEPLOYMENT.md")


BODIES = {
    "signing in, and all about one's account (`/api/account/…`)": "/api/account/sign-in",
    "the API (`/v1/…`), forms of the pages": "/v1/chat/completions",
    "a preset as a file": PRESET_PATH,
    "regression cases as a file": CASES_PATH,
    "an import of conversations": IMPORT_PATH,
}


@pytest.mark.parametrize("what", BODIES)
def test_the_size_of_each_body_is_documented_as_it_is_in_the_code(what: str) -> None:
    most = bounds_of(BODIES[what], EdgeOptions()).max_bytes
    size = f"{most // MIB} MiB" if most >= MIB else f"{most // KIB} KiB"
    assert f"| {what} | {size} |" in read("DEPLOYMENT.md")


def figure(pattern: str, name: str) -> int:
    """The only number at that place of a file."""
    (found,) = re.findall(pattern, read(name), flags=re.MULTILINE)
    return int(found)


def test_the_proxy_takes_every_body_that_the_app_takes() -> None:
    most = max(bounds_of(path, EdgeOptions()).max_bytes for path in BODIES.values())
    taken = figure(r"^ *client_max_body_size (\d+)m;", "deploy/nginx.conf")
    assert taken * MIB == most
    assert f"client_max_body_size {taken}m" in read("DEPLOYMENT.md")


def test_the_proxy_and_the_service_wait_as_long_as_the_app_works() -> None:
    default = {name: field.default for name, field in Settings.model_fields.items()}
    waits = figure(r"^ *proxy_read_timeout (\d+)s;", "deploy/nginx.conf")
    assert waits >= default["queue_timeout_s"] + default["request_timeout_s"]
    stops = figure(r"^TimeoutStopSec=(\d+)$", "deploy/qwen-chat.service")
    assert stops >= default["shutdown_notice_s"] + default["shutdown_grace_s"]


def test_every_requirement_is_pinned_and_has_a_comment() -> None:
    for name in ("requirements.txt", "tests/requirements.txt"):
        for line in read(name).splitlines():
            if line and not line.startswith(("#", "-")):
                assert re.fullmatch(r"[A-Za-z0-9_\[\]-]+==\S+\s+# .+", line), line


def references(text: str) -> set[str]:
    """Names of our modules and what is in them, as `chat.models.Usage`, in backticks."""
    packages = "api|auth|chat|engine|formats|judging|pages|store|ui"
    return set(re.findall(rf"`((?:{packages})(?:\.[A-Za-z_]+)+)`", text))


def is_there(reference: str) -> bool:
    """Whether the module exists and mentions the name behind it."""
    parts = reference.split(".")
    for length in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:length])
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.exists():
                return length == len(parts) or parts[length] in file.read_text("utf-8")
    return False


def test_names_of_modules_in_docstrings_lead_somewhere() -> None:
    for path in sorted(ROOT.rglob("*.py")):
        if ".venv" not in path.parts:
            lost = {name for name in references(path.read_text("utf-8")) if not is_there(name)}
            assert lost == set(), path.relative_to(ROOT)
