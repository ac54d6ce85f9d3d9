"""Filters of results as they stand in addresses."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from chat.evidence import Verdict
from chat.findings import Filter, Place, Standing


def _none_if_blank(value: object) -> object:
    return None if value == "" else value


Id = Annotated[str, Field(max_length=100)]
Word = Annotated[str, Field(max_length=200)]
Day = Annotated[date | None, BeforeValidator(_none_if_blank)]


class FilterQuery(BaseModel):
    """What is empty does not matter. The names are those that `pages.results.query_of` writes."""

    campaign: Id = ""
    preset: Id = ""
    verdict: Annotated[Verdict | None, BeforeValidator(_none_if_blank)] = None
    reason: Word = ""
    corrected: bool = False
    since: Day = None
    until: Day = None
    language: Id = ""
    model: Word = ""
    standing: Annotated[Standing | None, BeforeValidator(_none_if_blank)] = None
    assignee: Id = ""
    words: Word = ""

    def value(self) -> Filter:
        return Filter(
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
    """`after`: where a page of the list begins, as a time and an id."""

    after: Word = ""

    def place(self) -> Place | None:
        """None for the beginning, also where nobody knows what place it is."""
        moment, _, evidence_id = self.after.partition("~")
        try:
            at = datetime.fromisoformat(moment)
        except ValueError:
            return None
        return Place(at, evidence_id) if at.tzinfo else None
