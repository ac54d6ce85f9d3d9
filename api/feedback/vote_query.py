"""Filters of votes as query parameters."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from api.feedback.query import Day, Id, Word, moment_and_id, none_if_blank
from chat.campaigns.models import VoteChoice
from chat.feedback.vote_models import VoteCursor, VoteFilter


class VoteQuery(BaseModel):
    """Empty fields do not filter. `pages.feedback.votes.votes_path` uses the same names."""

    campaign: Id = ""
    choice: Annotated[VoteChoice | None, BeforeValidator(none_if_blank)] = None
    winner: Annotated[Annotated[int, Field(ge=0, le=1)] | None, BeforeValidator(none_if_blank)] = (
        None
    )
    task: Id = ""
    tester: Id = ""
    commented: bool = False
    since: Day = None
    until: Day = None
    words: Word = ""

    def value(self) -> VoteFilter:
        return VoteFilter(
            campaign_id=self.campaign,
            choice=self.choice,
            winner=self.winner,
            task_id=self.task,
            tester=self.tester,
            commented=self.commented,
            since=self.since,
            until=self.until,
            words=self.words,
        )


class VoteListQuery(VoteQuery):
    """`after`: the cursor of a page of the list, "time~id"."""

    after: Word = ""

    def place(self) -> VoteCursor | None:
        """The cursor; None for the first page or an invalid cursor."""
        at, comparison_id = moment_and_id(self.after)
        return VoteCursor(at, comparison_id) if at else None
