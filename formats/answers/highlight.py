"""Code with the kinds of its words marked, by Pygments."""

from functools import lru_cache

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

LONGEST = 20_000
"""Most characters that are highlighted, because that blocks the process."""

PREFIX = "hl-"
"""Of the classes: "hl-k…" keywords, "hl-s…" strings, "hl-m…" numbers, "hl-c…" comments."""


@lru_cache(maxsize=32)  # while it stands next to what is being written, it is made again
def highlighted(code: str, language: str) -> Markup:
    """The code as HTML; without marks if it is too long or the language is unknown."""
    if len(code) > LONGEST or not language:
        return escape(code)
    try:
        # The lexer's defaults strip empty lines and add one.
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return escape(code)
    formatter: HtmlFormatter[str] = HtmlFormatter(nowrap=True, classprefix=PREFIX)
    return Markup(highlight(code, lexer, formatter))  # noqa: S704 - the formatter escapes
