"""Where formulas stand in Markdown: between \\( and \\), \\[ and \\], or two dollars.

To Markdown the backslash of \\( would be an escape, and a line of a formula that begins with a
minus a list. A single dollar is money. What a formula is drawn as, the renderer says.
"""

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

KIND = "formula"
"""Of its tokens: `content` is the LaTeX, `markup` how it began, `meta` has the whole source."""

LONGEST = 4_000
"""Characters that are looked through for a formula's end, so that many beginnings cost little."""

ENDS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}


def keep_formulas(markdown: MarkdownIt) -> None:
    """Let that parser find formulas before anything else in them."""
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
    """Lines that are one formula, from its beginning to its end."""
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
    """The line at whose end the formula of that line closes, without an empty one before; or -1."""
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
