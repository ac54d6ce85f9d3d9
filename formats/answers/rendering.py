"""Answers as HTML: whole ones, and those that are being written."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from cachetools import LRUCache, cached
from markdown_it.token import Token
from markupsafe import Markup

from formats.answers.parser import parser
from formats.answers.sanitiser import sanitised
from formats.answers.unfinished import settled

STYLE = Path(__file__).with_name("answer.css")
"""The style sheet of code, tasks, tables and formulas, for every page with answers."""

CHUNK = 4_000
"""About as many characters of HTML are one piece of a long answer that is being written."""

KEPT = 8 * 2**20
"""Characters of HTML that are kept of whole answers: a page is drawn again and again."""


@cached(LRUCache(KEPT, getsizeof=len), lock=Lock())
def render(text: str, *, picture: str, copy: str = "") -> Markup:
    """Markdown as HTML, with HTML in it as text. Links lead to the web only, images become links.

    `picture` is the word for an image that has none; with `copy`, the label of a button, code can
    be copied (the page's script does it).
    """
    return sanitised(parser().render(text, {"picture": picture, "copy": copy}))


class GrowingAnswer:
    """An answer that is being written, as pieces of HTML of which only the last ones change.

    Markdown's top-level blocks do not depend on each other, and text only comes at the end: all but
    the last two blocks are rendered once and kept. (A link whose target is given at the end of the
    text is one when the answer is rendered whole.)
    """

    def __init__(self, *, picture: str, copy: str = "") -> None:
        self._env = {"picture": picture, "copy": copy}
        self._text = ""
        self._done = 0
        self._chunks: list[Markup] = []

    def pieces(self, text: str) -> Sequence[Markup]:
        """The HTML of the text so far. The last piece is of what is being written."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if not text.startswith(self._text[: self._done]):  # another text: begin again
            self._done, self._chunks = 0, []
        self._text = text
        tail = settled(text[self._done :])
        tokens = parser().parse(tail, self._env)
        starts = [place for place, token in enumerate(tokens) if not token.level and token.map]
        kept = starts[-2] if len(starts) > 2 else 0
        if kept:
            self._keep(self._html(tokens[:kept]))
            self._done += _offset(tail, tokens[kept])
        return [*self._chunks, self._html(tokens[kept:], open=True)]

    def _keep(self, html: Markup) -> None:
        """Add it to the last finished piece, until that is long."""
        if self._chunks and len(self._chunks[-1]) < CHUNK:
            self._chunks[-1] += html
        else:
            self._chunks.append(html)

    def _html(self, tokens: Sequence[Token], **env: Any) -> Markup:
        markdown = parser()
        return sanitised(markdown.renderer.render(tokens, markdown.options, self._env | env))


def _offset(text: str, token: Token) -> int:
    """Where the block of a token begins in the text."""
    assert token.map
    place = 0
    for _ in range(token.map[0]):
        place = text.index("\n", place) + 1
    return place
