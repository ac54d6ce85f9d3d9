"""The folders import in one direction only, and files and functions stay short."""

import ast
import re
from pathlib import Path

import pytest

from ui.assets import script

ROOT = Path(__file__).parents[2]
MAY_IMPORT: dict[str, set[str]] = {
    "chat": set(),
    "config": {"env_file"},
    "env_file": set(),
    "i18n": set(),
    "templating": {"i18n"},
    "logs": set(),
    "auth": {"chat"},
    "engine": {"chat", "config"},
    "store": {"chat", "config"},
    "formats": {"chat", "i18n", "templating"},
    "judging": {"chat"},
    "pages": {"chat", "i18n", "templating"},
    "api": {"chat", "config", "formats", "i18n", "pages"},
    "ui": {"chat", "config", "formats", "i18n", "templating"},
    "download_model": {"chat", "config", "engine"},
    "app": {
        "api",
        "auth",
        "chat",
        "commands",
        "config",
        "formats",
        "loading",
        "logs",
        "parts",
        "store",
        "ui",
    },
    "loading": {"chat", "config", "engine"},
    "parts": {"api", "auth", "chat", "config", "judging", "store"},
    "commands": {"api", "auth", "chat", "config", "formats", "judging", "store"},
    "bench": {
        "api",
        "app",
        "chat",
        "config",
        "engine",
        "formats",
        "loading",
        "parts",
        "store",
        "ui",
    },
}
ROOMS: dict[str, tuple[str, ...]] = {
    "chat": (
        "errors tools models validation languages diff",
        "accounts",
        "serving",
        "conversations",
        "campaigns",
        "feedback",
        "evaluation",
        "maintenance",
    ),
    "api": (
        "downloads event_stream html",
        "ops",
        "edge",
        "public_address",
        "conversations",
        "accounts",
        "campaigns",
        "feedback",
        "evaluation",
        "openai",
        "server",
    ),
    "store": (
        "search_words error_messages engines",
        "schema",
        "migrations migrate lock search_index transactions queries",
        "conversations",
        "accounts",
        "campaigns",
        "feedback",
        "evaluation",
        "erasure",
        "routing",
    ),
    "pages": (
        "i18n html host_nav errors preview sharing",
        "conversations",
        "accounts",
        "campaigns",
        "evaluation",
        "feedback",
    ),
    "engine": ("weights", "*"),
}
"""The rooms of a package, lowest first: each may import itself and those below it."""
LIVES_IN: dict[str, set[str]] = {
    "chardetng_py": {"formats"},
    "cachetools": {"api", "auth", "chat", "engine", "formats"},
    "torch": {"engine", "bench"},
    "transformers": {"engine", "bench"},
    "huggingface_hub": {"engine"},
    "llguidance": {"engine"},
    "gradio": {"ui"},
    "fastapi": {"api"},
    "argon2": {"auth"},
    "authlib": {"auth"},
    "jinja2": {"engine", "pages", "templating"},
    "joserfc": {"auth"},
    "latex2sympy2_extended": {"judging"},
    "mermaidx": {"pages"},
    "ua_parser": {"pages"},
    "math_verify": {"judging"},
    "phonenumbers": {"formats"},
    "prometheus_client": {"api"},
    "sqlalchemy": {"store", "bench"},  # which fills a store faster than people would
    "sympy": {"judging"},
    "sqlite3": {"store", "bench"},  # which locks the file from outside
    "segno": {"pages"},
    "stdnum": {"formats"},
    "alembic": {"store"},
    "xlsxwriter": {"formats"},
}
SOURCES = sorted(
    path
    for path in ROOT.rglob("*.py")
    if path.relative_to(ROOT).parts[0].removesuffix(".py") in MAY_IMPORT
)


def imported_roots(tree: ast.AST) -> set[str]:
    roots: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            roots.add(node.module.partition(".")[0])
    return roots


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_source_file_keeps_to_its_room_and_stays_short(path: Path) -> None:
    home = path.relative_to(ROOT).parts[0].removesuffix(".py")
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    used = imported_roots(tree)
    assert used & MAY_IMPORT.keys() <= MAY_IMPORT[home] | {home}
    assert not {name for name in used & LIVES_IN.keys() if home not in LIVES_IN[name]}
    assert len(text.splitlines()) < 400
    if "versions" not in path.parts:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                assert length <= 40, f"{node.name} has {length} lines"


def _floor(module: str) -> tuple[str, int] | None:
    """The package of a module of ours, and how high its room is there."""
    package, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    for height, rooms in enumerate(ROOMS.get(package, ())):
        if room in rooms.split() or rooms == "*":
            return package, height
    return None


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_source_file_imports_no_room_above_its_own(path: Path) -> None:
    own = _floor(".".join(path.relative_to(ROOT).with_suffix("").parts))
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = [
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
    ]
    above = [
        module
        for module in modules
        if own and (floor := _floor(module)) and floor[0] == own[0] and floor[1] > own[1]
    ]
    assert above == []


def test_a_migration_imports_nothing_of_ours() -> None:
    versions = sorted((ROOT / "store" / "migrations" / "versions").glob("*.py"))
    assert len(versions) > 6
    for path in versions:
        roots = imported_roots(ast.parse(path.read_text(encoding="utf-8")))
        assert not roots & (MAY_IMPORT.keys() | ROOMS.keys()), path.name


def test_every_room_is_known() -> None:
    for package, rooms in ROOMS.items():
        if "*" not in rooms:
            known = set(" ".join(rooms).split()) | {"__init__"}
            assert {
                path.stem
                for path in (ROOT / package).iterdir()
                if path.suffix == ".py" or (path / "__init__.py").exists()
            } <= known


def test_no_two_public_classes_have_the_same_name() -> None:
    homes: dict[str, list[str]] = {}
    for path in SOURCES:
        if path.relative_to(ROOT).parts[0] == "bench":
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


def test_durations_are_measured_by_the_monotonic_clock() -> None:
    """A clock set back must lock no user out: `time.time` is only for dates in responses."""
    with_dates = {"api/openai/__init__.py"}
    by_time_of_day = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(r"\btime\.time(_ns)?\b|from time import .*\btime\b", path.read_text("utf-8"))
    }
    assert {path for path in by_time_of_day if not path.startswith("bench/")} == with_dates


def test_every_python_file_at_the_top_is_known() -> None:
    assert {path.stem for path in ROOT.glob("*.py")} <= MAY_IMPORT.keys()


def test_no_two_scripts_of_the_page_define_the_same_function() -> None:
    # They share one scope: the later one would silently stand in for the earlier.
    defined = re.findall(r"^(?:async )?function \*?(\w+)", script(), re.MULTILINE)
    assert sorted(set(defined)) == sorted(defined)
