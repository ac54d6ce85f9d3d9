"""The folders import in one direction only, and files and functions stay short."""

import ast
import re
from pathlib import Path

import pytest

from ui.assets import script

ROOT = Path(__file__).parents[2]
MAY_IMPORT: dict[str, set[str]] = {
    "chat": set(),
    "config": set(),
    "logs": set(),
    "auth": {"chat"},
    "engine": {"chat", "config"},
    "store": {"chat", "config"},
    "formats": {"chat"},
    "judging": {"chat"},
    "pages": {"chat"},
    "api": {"chat", "config", "formats", "pages"},
    "ui": {"chat", "config"},
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
    "bench": {"api", "app", "chat", "config", "engine", "formats", "store", "ui"},
}
LIVES_IN: dict[str, set[str]] = {
    "cachetools": {"chat", "engine"},
    "torch": {"engine", "bench"},
    "transformers": {"engine", "bench"},
    "huggingface_hub": {"engine"},
    "llguidance": {"engine"},
    "gradio": {"ui"},
    "fastapi": {"api"},
    "argon2": {"auth"},
    "authlib": {"auth"},
    "joserfc": {"auth"},
    "latex2sympy2_extended": {"judging"},
    "limits": {"auth"},
    "math_verify": {"judging"},
    "prometheus_client": {"api"},
    "sqlalchemy": {"store", "bench"},  # which fills a store faster than people would
    "sympy": {"judging"},
    "sqlite3": {"store"},
    "alembic": {"store"},
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


def test_every_python_file_at_the_top_is_known() -> None:
    assert {path.stem for path in ROOT.glob("*.py")} <= MAY_IMPORT.keys()


def test_no_two_scripts_of_the_page_define_the_same_function() -> None:
    # They share one scope: the later one would silently stand in for the earlier.
    defined = re.findall(r"^(?:async )?function \*?(\w+)", script(), re.MULTILINE)
    assert sorted(set(defined)) == sorted(defined)
