"""Lists that are filtered by an address: the form of the filter, and the ways to more of them."""

from collections.abc import Sequence
from datetime import date
from html import escape

from pages.html import ReaderContext


def filter_form(
    reader: ReaderContext, path: str, label: str, words: str, fields: Sequence[str]
) -> str:
    """`words` are what is searched for, below the words of `label`; then the other fields."""
    search = (
        f'<label class="search"><span>{reader.say(label)}</span><input type="search" '
        f'name="words" value="{escape(words)}" maxlength="200"></label>'
    )
    at = reader.link(path)
    return (
        f'<form data-filter="{at}">{search}<div class="numbers">{"".join(fields)}</div>'
        f'<div class="row"><button>{reader.say("show")}</button>'
        f'<a class="button quiet" href="{at}">{reader.say("show-all")}</a></div></form>'
    )


def select_of(
    reader: ReaderContext, name: str, options: Sequence[tuple[str, str]], chosen: str
) -> str:
    """Of (value, escaped words); what is chosen and not there any more is still shown."""
    known = chosen in ("", *(value for value, _ in options))
    offered = [("", reader.say("any")), *options, *([] if known else [(chosen, escape(chosen))])]
    listed = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{said}</option>'
        for value, said in offered
    )
    return (
        f"<label><span>{reader.say(f'filter-{name}')}</span>"
        f'<select name="{name}">{listed}</select></label>'
    )


def day_of(reader: ReaderContext, name: str, day: date | None, *, words: str = "") -> str:
    """A day of UTC; its label is that of `filter-NAME`, or of `words`."""
    return (
        f"<label><span>{reader.say(words or f'filter-{name}')}</span>"
        f'<input type="date" name="{name}" value="{day.isoformat() if day else ""}"></label>'
    )


def further(reader: ReaderContext, first: str, following: str) -> str:
    """The ways to the first page of a list and to the following one, where there are any."""
    said = "".join(
        f'<a class="button quiet" href="{reader.link(path)}">{reader.say(key)}</a>'
        for path, key in ((first, "page-first"), (following, "page-next"))
        if path
    )
    return f'<p class="row">{said}</p>'
