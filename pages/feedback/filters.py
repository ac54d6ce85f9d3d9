"""The fields of lists that are filtered by their address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from chat.feedback.filter_models import Cursor, ListFilter
from pages.html import PageLocale

Options = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class FilterField:
    """A field of a filter: a select of (value, text), or a day where `options` is None.

    `label` is the key of its text; empty: that of `filter-NAME`.
    """

    name: str
    value: str
    options: Options | None = None
    label: str = ""


def select_field(locale: PageLocale, name: str, options: Options, chosen: str) -> FilterField:
    """A select that begins with "any". A chosen value that no longer exists stays selectable."""
    is_listed = chosen in ("", *(value for value, _ in options))
    unlisted = [] if is_listed else [(chosen, chosen)]
    return FilterField(name, chosen, [("", locale.text("any")), *options, *unlisted])


def day_field(name: str, day: date | None, label: str = "") -> FilterField:
    """A day of UTC."""
    return FilterField(name, day.isoformat() if day else "", label=label)


def query_string(filters: ListFilter, after: Cursor | None = None, **own: str) -> str:
    """The fields that are set and the cursor of a page as the query of an address, with its "?".

    `own` are the fields of one of the lists. Empty without any.
    """
    values = {
        "campaign": filters.campaign_id,
        **own,
        "since": filters.since.isoformat() if filters.since else "",
        "until": filters.until.isoformat() if filters.until else "",
        "words": filters.words,
        "after": f"{after.at.isoformat()}~{after.row_id}" if after else "",
    }
    chosen = urlencode({name: value for name, value in values.items() if value})
    return f"?{chosen}" if chosen else ""


def excerpt(text: str, limit: int = 90) -> str:
    """The beginning of a text in one line of at most `limit` characters and an ellipsis."""
    # Whole texts are long: white space is joined only in the first characters.
    line = " ".join(text[: 4 * limit].split())
    return line[:limit] + ("…" if len(line) > limit else "")
