"""What the lists of rated answers and of votes have in common: the filter and the cursor."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class ListFilter:
    """The criteria that both lists have, with the same names in addresses."""

    campaign_id: str = ""
    since: date | None = None
    until: date | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page, newest first.

    The next page has rows with earlier times, or the same time and smaller ids.
    """

    at: datetime
    row_id: str
