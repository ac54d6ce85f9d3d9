"""LaTeX as MathML, which browsers draw by themselves: no script, no font, nothing from outside.

latex2mathml reads the LaTeX into a tree, which `mathml_tree` writes: its own writing leaves what
somebody typed unescaped. Knows no Markdown.
"""

import re
from functools import lru_cache
from pathlib import Path

from latex2mathml import exceptions
from latex2mathml.converter import convert_to_element
from markupsafe import Markup

from formats.formulas.mathml_tree import written

STYLE = Path(__file__).with_name("math.css")
"""What browsers need beside the MathML to draw it: for whoever shows formulas."""

LONGEST = 2_000
"""Characters of a formula that is read; reading takes time that others wait."""

DEEPEST = 40
"""Braces, environments and the like in each other."""

MACROS = re.compile(r"\\(?:def|newcommand|newenvironment|DeclareMathOperator)(?![A-Za-z])")
"""What makes commands: a few lines of these can grow without end."""

NESTING = re.compile(r"\\(?:begin|end|left|right)(?![A-Za-z])|\\.|[{}]", re.DOTALL)
OPENING = frozenset({"{", r"\begin", r"\left"})
CLOSING = frozenset({"}", r"\end", r"\right"})

REWRITTEN = (
    (re.compile(r"\\(begin|end)\s*\{(?:aligned|eqnarray|align)\*?\}"), r"\\\1{align*}"),
    (re.compile(r"\\(begin|end)\s*\{gather(?:ed)?\*?\}"), r"\\\1{matrix}"),
    (re.compile(r"\\(?:begin|end)\s*\{equation\*?\}"), ""),
    (re.compile(r"\\\\\s*\[[^\]\n]*\]"), r"\\\\"),
    (re.compile(r"\\mathrm\s*\{([A-Za-z/]+)\}"), r"\\text{\1}"),
    (re.compile(r"\\tag\*?\s*\{([^{}\\]*)\}"), r"\\qquad\\text{(\1)}"),
    (re.compile(r"\\not\s*="), r"\\neq "),
)
"""What the reader does not know, or reads as what is not drawn, in words that it does know."""

FAILURES: tuple[type[Exception], ...] = (
    *(kind for kind in vars(exceptions).values() if isinstance(kind, type)),
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    StopIteration,
    RuntimeError,  # a generator that ran out, or too much in each other
)
"""What the reader raises on LaTeX that it does not understand."""


@lru_cache(maxsize=512)
def mathml(latex: str, *, block: bool) -> Markup | None:
    """The formula as HTML that is safe; None where it cannot be drawn. `block`: on its own line."""
    if len(latex) > LONGEST or not latex.strip() or MACROS.search(latex) or not _is_closed(latex):
        return None
    source = latex
    for pattern, words in REWRITTEN:
        source = pattern.sub(words, source)
    if r"\\" in source and r"\begin" not in source:
        source = rf"\begin{{align*}}{source}\end{{align*}}"
    try:
        element = convert_to_element(source, display="block" if block else "inline")
        return Markup(written(element))  # noqa: S704 - written from elements, all text escaped
    except FAILURES:
        return None


def _is_closed(latex: str) -> bool:
    """Whether all that is opened is closed, and not too much of it is in each other."""
    depth = 0
    for sign in NESTING.findall(latex):
        depth += (sign in OPENING) - (sign in CLOSING)
        if not 0 <= depth <= DEEPEST:
            return False
    return depth == 0
