"""Line breaks and raised or lowered text in cells of tables, where Markdown has no other way."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

TAGS = re.compile(
    r"<(?:br ?/?>|(?P<tag>su[bp])>(?P<inside>[^<>]{1,100})</(?P=tag)>)", re.IGNORECASE
)


def keep_tags_in_cells(markdown: MarkdownIt) -> None:
    """Register the rule after the parser of inline text. Elsewhere such tags are text."""
    markdown.core.ruler.after("inline", "tags_in_cells", _in_cells)


def _in_cells(state: StateCore) -> None:
    is_cell = False
    for token in state.tokens:
        if token.type in ("td_open", "th_open"):
            is_cell = True
        elif token.type in ("td_close", "th_close"):
            is_cell = False
        elif is_cell and token.type == "inline":
            token.children = [piece for child in token.children or [] for piece in _pieces(child)]


def _pieces(token: Token) -> Iterator[Token]:
    """A text with such tags as several tokens."""
    if token.type != "text":
        yield token
        return
    end = 0
    for tag in TAGS.finditer(token.content):
        yield _text(token.content[end : tag.start()])
        if name := tag["tag"]:
            yield Token("raised_open", name.lower(), 1)
            yield _text(tag["inside"])
            yield Token("raised_close", name.lower(), -1)
        else:
            yield Token("hardbreak", "br", 0)
        end = tag.end()
    yield _text(token.content[end:])


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
