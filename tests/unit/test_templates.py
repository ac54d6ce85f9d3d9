"""Templates: values are escaped, missing ones raise, and no Python code makes HTML beside them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from pages.html import TEMPLATES
from templating import Templates, environment, markup_text

ROOT = Path(__file__).parents[2]
ONLY_TEMPLATES = ("formats", "pages", "ui")
"""Packages whose HTML comes only from templates."""

SOURCES = [path for package in ONLY_TEMPLATES for path in sorted((ROOT / package).rglob("*.py"))]
TAG = re.compile(r"(?<!\?)(?<!\?P)</?[a-zA-Z!](?!\w*_)")
"""A tag. Groups of regular expressions and the tool_call of a prompt are none."""


def tags_in(tree: ast.Module) -> Iterator[str]:
    """Strings with HTML tags, docstrings left out; the parts of f-strings are strings too."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    for node in constants:
        if isinstance(node.value, str) and id(node) not in docstrings and TAG.search(node.value):
            yield f"line {node.lineno}: {node.value}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_python_code_makes_html(path: Path) -> None:
    assert list(tags_in(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "code",
    ['f"<b>{name}</b>"', '"<b>%s</b>" % name', '"<b>" + name', '"<b>{}".format(name)', '"</b>"'],
)
def test_html_in_code_is_found_in_every_spelling(code: str) -> None:
    assert list(tags_in(ast.parse(f"html = {code}")))


@pytest.mark.parametrize("code", ['"""A <b>docstring</b>."""', 'x = "a < b"', "x = a <b> c"])
def test_docstrings_and_comparisons_are_no_html(code: str) -> None:
    assert list(tags_in(ast.parse(code))) == []


@pytest.mark.parametrize("name", environment(TEMPLATES).list_templates())
def test_every_template_compiles(name: str) -> None:
    assert environment(TEMPLATES).get_template(name)


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    (tmp_path / "list.html").write_text(
        "<ul>\n  {% for item in items %}\n    <li>{{ item }}</li>\n  {% endfor %}\n</ul>\n"
        "two\n  words <i>a</i> <i>b</i>\n"
    )
    return tmp_path


def test_values_are_escaped_unless_they_are_markup(templates: Path) -> None:
    made = environment(templates).get_template("list.html")
    html = made.render(items=["<b>", Markup("<b>")])
    assert html.startswith("<ul><li>&lt;b&gt;</li><li><b></li></ul>")


def test_line_breaks_of_a_template_are_no_text_and_those_of_values_stay(templates: Path) -> None:
    made = environment(templates).get_template("list.html")
    html = made.render(items=["a\n  b "])
    assert html == "<ul><li>a\n  b </li></ul>two words <i>a</i> <i>b</i>"


def test_a_missing_value_raises(templates: Path) -> None:
    with pytest.raises(UndefinedError):
        environment(templates).get_template("list.html").render()


def test_a_macro_is_called_by_its_file_and_name(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text(
        "{% macro item(a, b) %}<b>{{ a }}</b>{{ name(b) }}{% endmacro %}"
    )
    made = Templates(tmp_path, name=str.upper)("x.item", a="<", b="b")
    assert made == "<b>&lt;</b>B"
    assert isinstance(made, Markup)


def test_a_text_keeps_the_tags_of_finished_html_only() -> None:
    made = markup_text(
        "{a} & {b}: {count} {count:line|lines}", a="<i>", b=Markup("<b>x</b>"), count=2
    )
    assert made == "&lt;i&gt; &amp; <b>x</b>: 2 lines"
