"""LaTeX as MathML, which browsers render natively: no script, no font, no external resource.

latex2mathml parses the LaTeX into a tree, and `mathml_tree` writes it, because the writer of
latex2mathml does not escape input. Knows no Markdown.
"""

import re
from functools import lru_cache

from latex2mathml import exceptions
from latex2mathml.converter import convert_to_element
from markupsafe import Markup

from formats.formulas.mathml_tree import written

LONGEST = 2_000
"""Most characters of a formula, because parsing blocks the process."""

DEEPEST = 40
"""Deepest nesting of braces and environments."""

MACROS = re.compile(r"\\(?:def|newcommand|newenvironment|DeclareMathOperator)(?![A-Za-z])")
"""Macro definitions, which can expand without bound."""

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
"""Rewrites of commands that latex2mathml does not support or parses wrongly."""

FAILURES: tuple[type[Exception], ...] = (
    *(kind for kind in vars(exceptions).values() if isinstance(kind, type)),
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    StopIteration,
    RuntimeError,  # an exhausted generator, or too deep nesting
)
"""The exceptions of latex2mathml for unsupported LaTeX."""


@lru_cache(maxsize=512)
def mathml(latex: str, *, block: bool) -> Markup | None:
    """The formula as safe HTML; None if it cannot be rendered. `block`: on its own line."""
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
    """Whether delimiters are balanced and not nested too deeply."""
    depth = 0
    for sign in NESTING.findall(latex):
        depth += (sign in OPENING) - (sign in CLOSING)
        if not 0 <= depth <= DEEPEST:
            return False
    return depth == 0
