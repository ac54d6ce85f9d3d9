"""Emphasis that ends beside Chinese, Japanese or Korean punctuation, as in **要点：**商品.

CommonMark lets a run of asterisks between punctuation and a letter close nothing, for languages
with spaces between words. The rule here is that of the proposal for CJK-friendly emphasis
(https://github.com/tats-u/markdown-cjk-friendly): wide punctuation is none in that rule, and wide
characters beside other punctuation count as a space would. `mdit-py-cjk-friendly` has it too, but
needs an older parser, changes its class for all, and knows no Korean.
"""

import unicodedata
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.emphasis import tokenize as emphasis
from markdown_it.rules_inline.strikethrough import tokenize as strikethrough

Rule = Callable[[StateInline, bool], bool]

PUNCTUATION = frozenset({"P", "S"})
"""The major categories of Unicode that CommonMark takes for punctuation."""


def keep_wide_emphasis(markdown: MarkdownIt) -> None:
    """Replace the rules for * and ~~; an underscore within words stays one."""
    markdown.inline.ruler.at("emphasis", _with_wide_characters(emphasis))
    markdown.inline.ruler.at("strikethrough", _with_wide_characters(strikethrough))


def _with_wide_characters(rule: Rule) -> Rule:
    def tokenise(state: StateInline, silent: bool) -> bool:
        start, known = state.pos, len(state.delimiters)
        if not rule(state, silent):
            return False
        if state.src[start] != "_":
            before = state.src[start - 1] if start else " "
            after = state.src[state.pos] if state.pos < state.posMax else " "
            for delimiter in state.delimiters[known:]:
                delimiter.open = _touches(after, before)
                delimiter.close = _touches(before, after)
        return True

    return tokenise


def _touches(inside: str, outside: str) -> bool:
    """Whether emphasis can begin or end between the two characters."""
    if inside.isspace():
        return False
    is_narrow_punctuation = _is_punctuation(inside) and not _is_wide(inside)
    return (
        not is_narrow_punctuation
        or outside.isspace()
        or _is_punctuation(outside)
        or _is_wide(outside)
    )


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in PUNCTUATION


def _is_wide(character: str) -> bool:
    """Whether it is Chinese, Japanese or Korean; emoji are wide, but symbols."""
    is_wide = unicodedata.east_asian_width(character) in ("W", "F", "H")
    return is_wide and unicodedata.category(character) != "So"
