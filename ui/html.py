"""Calls the macros in `templates/`: the only place where HTML of the page comes from.

`data-do` on a button names the script's action for a click on it.
"""

from collections.abc import Iterable
from pathlib import Path

from markupsafe import Markup

from chat.conversations.models import Attachment, Excerpt
from i18n import Language
from templating import Templates, markup_text
from ui.i18n import words

TEMPLATES = Path(__file__).parent / "templates"
KIB = 1024


def text_html(language: Language, key: str, **values: object) -> Markup:
    """The text for `key` as HTML; values that are Markup keep their tags."""
    return markup_text(words(language)[key], **values)


def file_size(item: Attachment) -> str:
    """The size of a file's text in UTF-8, in B or kB."""
    size = len(item.text.encode())
    return f"{size} B" if size < KIB else f"{size / KIB:,.1f} kB"


def pieces(excerpt: Excerpt) -> Iterable[tuple[str, bool]]:
    """The text in pieces; each has a flag whether it is a match."""
    end = 0
    for start, stop in excerpt.marks:
        yield excerpt.text[end:start], False
        yield excerpt.text[start:stop], True
        end = stop
    yield excerpt.text[end:], False


html = Templates(TEMPLATES, text=text_html, pieces=pieces, file_size=file_size)
"""The HTML of a macro, named as in "chrome.header": `header` in `templates/chrome.html`."""
