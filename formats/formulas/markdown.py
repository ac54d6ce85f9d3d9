"""Parses formulas in Markdown: between \\( and \\), \\[ and \\], dollars, and bare environments.

Plain Markdown would treat the backslash of \\( as an escape, and a formula line that begins with a
minus as a list item. A single dollar may be money: it begins a formula only where the text between
two of them touches both, and no letter or digit touches them from outside.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

KIND = "formula"
"""The token type: `content` is the LaTeX, `markup` the opening delimiter, `meta` the source."""

LONGEST = 4_000
"""Most characters searched for a closing delimiter, to bound the cost of unclosed ones."""

SINGLE = re.compile(r"\$(?![\s$])((?:\\.|[^\\$\n])+?)(?<!\s)\$(?![\w$])", re.ASCII)
"""A formula between single dollars, on one line."""

ENVIRONMENT = re.compile(
    r"\\begin\{((?:equation|align|gather|eqnarray|multline|alignat|[bBpvV]?matrix|cases)\*?)\}"
)
"""The beginning of a formula without delimiters."""

ENDS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}


def keep_formulas(markdown: MarkdownIt) -> None:
    """Register the rules before the parser's own."""
    markdown.inline.ruler.before("escape", KIND, _in_a_line)
    ended = RuleOptionsType(alt=["paragraph", "reference", "blockquote", "list"])
    markdown.block.ruler.before("fence", KIND, _on_its_own, ended)


def _in_a_line(state: StateInline, silent: bool) -> bool:
    start = state.src[state.pos : state.pos + 2]
    if start not in ENDS:
        return _single(state, silent)
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


def _single(state: StateInline, silent: bool) -> bool:
    """Inline rule: a formula between single dollars."""
    if state.src[state.pos] != "$":
        return False
    before = state.src[state.pos - 1] if state.pos else " "
    if (before.isascii() and before.isalnum()) or before in "\\$":
        return False
    last = min(state.posMax, state.pos + LONGEST)
    match = SINGLE.match(state.src, state.pos, last)
    if not match:
        return False
    if not silent:
        token = state.push(KIND, "", 0)
        token.markup, token.content = "$", match[1]
        token.meta["source"] = match[0]
    state.pos = match.end()
    return True


def _on_its_own(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """Block rule: lines that form one formula."""
    if state.is_code_block(first):
        return False
    at = state.bMarks[first] + state.tShift[first]
    start = state.src[at : at + 2]
    environment = ENVIRONMENT.match(state.src, at, state.eMarks[first])
    if environment:
        closing = rf"\end{{{environment[1]}}}"
    elif start in ("\\[", "$$"):
        closing = ENDS[start]
    else:
        return False
    end = _end(state, first, last, closing)
    if end < 0:
        return False
    if silent:
        return True
    source = state.getLines(first, end + 1, state.blkIndent, False).strip()
    token = state.push(KIND, "", 0)
    token.block, token.map = True, [first, end + 1]
    token.markup, token.content = start, source if environment else source[2:-2]
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
            return line if found == len(words) - len(closing) else -1
    return -1
