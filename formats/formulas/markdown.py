"""Parses formulas in Markdown: between \\( and \\), \\[ and \\], or two dollars.

Plain Markdown would treat the backslash of \\( as an escape, and a formula line that begins with a
minus as a list item. A single dollar is not a delimiter, because it may be money.
"""

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

KIND = "formula"
"""The token type: `content` is the LaTeX, `markup` the opening delimiter, `meta` the source."""

LONGEST = 4_000
"""Most characters searched for a closing delimiter, to bound the cost of unclosed ones."""

ENDS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}


def keep_formulas(markdown: MarkdownIt) -> None:
    """Register the rules before the parser's own."""
    markdown.inline.ruler.before("escape", KIND, _in_a_line)
    ended = RuleOptionsType(alt=["paragraph", "reference", "blockquote", "list"])
    markdown.block.ruler.before("fence", KIND, _on_its_own, ended)


def _in_a_line(state: StateInline, silent: bool) -> bool:
    start = state.src[state.pos : state.pos + 2]
    if start not in ENDS:
        return False
    last = min(state.posMax, state.pos + LONGEST)
    close = state.src.find(ENDS[start], state.pos + 2, last)
    if close < 0:
        return False
    if not silent:
        token = state.push(KIND, "", 0)
        token.markup, token.content = start, state.src[state.pos + 2 : close]
        token.meta["source"] = state.src[state.pos : close + 2]
    state.pos = close + 2
    return True


def _on_its_own(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """Block rule: lines that form one formula."""
    if state.is_code_block(first):
        return False
    at = state.bMarks[first] + state.tShift[first]
    start = state.src[at : at + 2]
    if start not in ("\\[", "$$"):
        return False
    end = _end(state, first, last, ENDS[start])
    if end < 0:
        return False
    if silent:
        return True
    source = state.getLines(first, end + 1, state.blkIndent, False).strip()
    token = state.push(KIND, "", 0)
    token.block, token.map = True, [first, end + 1]
    token.markup, token.content = start, source[2:-2]
    token.meta["source"] = source
    state.line = end + 1
    return True


def _end(state: StateBlock, first: int, last: int, closing: str) -> int:
    """The line that ends with the closing delimiter, before any blank line; -1 without one."""
    length, begin = 0, state.bMarks[first] + state.tShift[first] + 2
    for line in range(first, last):
        if line > first:
            begin = state.bMarks[line] + state.tShift[line]
            if state.isEmpty(line) or state.sCount[line] < state.blkIndent:
                return -1
        words = state.src[begin : state.eMarks[line]].rstrip()
        length += len(words)
        if length > LONGEST:
            return -1
        found = words.find(closing)
        if found >= 0:
            return line if found == len(words) - 2 else -1
    return -1
