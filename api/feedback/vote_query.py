"""Filters of votes as query parameters."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from api.feedback.query import Id, ListFilterQuery, PageQuery, none_if_blank
from chat.campaigns.models import VoteChoice
from chat.campaigns.validation import MOST_VARIANTS
from chat.feedback.vote_models import VoteFilter

Variant = Annotated[int, Field(ge=0, lt=MOST_VARIANTS)]


class VoteQuery(ListFilterQuery):
    """The filter of votes. `pages.feedback.votes.votes_path` uses the same names."""

    choice: Annotated[VoteChoice | None, BeforeValidator(none_if_blank)] = None
    winner: Annotated[Variant | None, BeforeValidator(none_if_blank)] = None
    task: Id = ""
    tester: Id = ""
    commented: bool = False

    def value(self) -> VoteFilter:
        return VoteFilter(
            **self.list_fields(),
            choice=self.choice,
            winner=self.winner,
            task_id=self.task,
            tester=self.tester,
            commented=self.commented,
        )


class VoteListQuery(VoteQuery, PageQuery):
    """A page of the list of votes."""
