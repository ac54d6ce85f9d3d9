"""Filters of results as query parameters."""

from datetime import date, datetime
from typing import Annotated, TypedDict

from pydantic import BaseModel, BeforeValidator, Field

from chat.feedback.filter_models import Cursor
from chat.feedback.models import Verdict
from chat.feedback.result_models import RatingFilter, ReviewStatus
from chat.validation import EARLIEST_DAY, LATEST_DAY, is_bounded


def none_if_blank(value: object) -> object:
    """None for an empty form field."""
    return None if value == "" else value


Id = Annotated[str, Field(max_length=100)]
Word = Annotated[str, Field(max_length=200)]
Day = Annotated[
    Annotated[date, Field(ge=EARLIEST_DAY, le=LATEST_DAY)] | None, BeforeValidator(none_if_blank)
]


class ListFields(TypedDict):
    """The fields of a `ListFilter`."""

    campaign_id: str
    since: date | None
    until: date | None
    words: str


class ListFilterQuery(BaseModel):
    """What both lists are filtered by. Empty fields do not filter."""

    campaign: Id = ""
    since: Day = None
    until: Day = None
    words: Word = ""

    def list_fields(self) -> ListFields:
        return {
            "campaign_id": self.campaign,
            "since": self.since,
            "until": self.until,
            "words": self.words,
        }


class PageQuery(BaseModel):
    """`after`: the cursor of a page of a list, "time~id"."""

    after: Word = ""

    def place(self) -> Cursor | None:
        """The cursor; None for the first page or an invalid cursor."""
        moment, _, row_id = self.after.partition("~")
        try:
            at = datetime.fromisoformat(moment)
        except ValueError:
            return None
        return Cursor(at, row_id) if at.tzinfo and is_bounded(at) else None


class FilterQuery(ListFilterQuery):
    """The filter of rated answers. `pages.feedback.results.query_of` uses the same names."""

    preset: Id = ""
    verdict: Annotated[Verdict | None, BeforeValidator(none_if_blank)] = None
    reason: Word = ""
    corrected: bool = False
    language: Id = ""
    model: Word = ""
    standing: Annotated[ReviewStatus | None, BeforeValidator(none_if_blank)] = None
    assignee: Id = ""

    def value(self) -> RatingFilter:
        return RatingFilter(
            **self.list_fields(),
            preset_id=self.preset,
            verdict=self.verdict,
            reason=self.reason,
            corrected=self.corrected,
            language=self.language,
            model=self.model,
            standing=self.standing,
            assignee=self.assignee,
        )


class ListQuery(FilterQuery, PageQuery):
    """A page of the list of rated answers."""
