"""How answers are drawn on pages of the server's own: as the chat shows them, with set formulas."""

from functools import partial

from formats.html import render
from formats.words import Language
from pages.compare import Draw
from pages.frame import Reader


def draw_for(reader: Reader) -> Draw:
    """Makes Markdown into HTML that is safe, with the words of the reader's language."""
    return partial(render, words=Language(reader.language.value).words, set_formulas=True)
