"""Filters of results as query parameters."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from chat.feedback.models import Verdict
from chat.feedback.result_models import Cursor, RatingFilter, ReviewStatus
from chat.validation import EARLIEST_DAY, LATEST_DAY, is_bounded


def none_if_blank(value: object) -> object:
    """None for an empty form field."""
    return None if value == "" else value


Id = Annotated[str, Field(max_length=100)]
Word = Annotated[str, Field(max_length=200)]
Day = Annotated[
    Annotated[date, Field(ge=EARLIEST_DAY, le=LATEST_DAY)] | None, BeforeValidator(none_if_blank)
]


class FilterQuery(BaseModel):
    """Empty fields do not filter. `pages.feedback.results.query_of` uses the same names."""

    campaign: Id = ""
    preset: Id = ""
    verdict: Annotated[Verdict | None, BeforeValidator(none_if_blank)] = None
    reason: Word = ""
    corrected: bool = False
    since: Day = None
    until: Day = None
    language: Id = ""
    model: Word = ""
    standing: Annotated[ReviewStatus | None, BeforeValidator(none_if_blank)] = None
    assignee: Id = ""
    words: Word = ""

    def value(self) -> RatingFilter:
        return RatingFilter(
            campaign_id=self.campaign,
            preset_id=self.preset,
            verdict=self.verdict,
            reason=self.reason,
            corrected=self.corrected,
            since=self.since,
            until=self.until,
            language=self.language,
            model=self.model,
            standing=self.standing,
            assignee=self.assignee,
            words=self.words,
        )


class ListQuery(FilterQuery):
    """`after`: the cursor of a page of the list, "time~id"."""

    after: Word = ""

    def place(self) -> Cursor | None:
        """The cursor; None for the first page or an invalid cursor."""
        at, evidence_id = moment_and_id(self.after)
        return Cursor(at, evidence_id) if at else None


def moment_and_id(place: str) -> tuple[datetime | None, str]:
    """Time and id of a cursor "time~id"; (None, "") if it is invalid."""
    moment, _, row_id = place.partition("~")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None, ""
    return (at, row_id) if at.tzinfo and is_bounded(at) else (None, "")
