"""HTML is made in templates alone, and what is put into it stays text."""

import ast
import re
from pathlib import Path

import pytest
from markupsafe import Markup

from templating import Templates, markup_text

ROOT = Path(__file__).parents[2]
PACKAGES = ("formats", "ui")
TAG = re.compile(r"(?<!\?P)</?[a-z][a-z0-9]*(\s|>|/|$)")
"""A tag; (?P<name>…) of a regular expression is none."""
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def docstrings(tree: ast.AST) -> set[int]:
    """The ids of string nodes that stand alone as a statement."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_html_is_written_outside_templates(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = docstrings(tree)
    found = [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in skipped
        and TAG.search(node.value)
    ]
    assert found == []


def test_values_are_escaped_and_line_breaks_between_tags_removed(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text(
        '{% macro item(value) %}\n<b title="{{ value }}">\n  <i>{{ value }}</i>\n</b>\n'
        "{% endmacro %}"
    )
    made = Templates(tmp_path)("x.item", value='<"&')
    assert made == '<b title="&lt;&#34;&amp;"><i>&lt;&#34;&amp;</i></b>'
    assert isinstance(made, Markup)


def test_a_text_keeps_the_tags_of_finished_html_only() -> None:
    made = markup_text(
        "{a} & {b}: {count} {count:line|lines}", a="<i>", b=Markup("<b>x</b>"), count=2
    )
    assert made == "&lt;i&gt; &amp; <b>x</b>: 2 lines"
