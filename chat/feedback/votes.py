"""Votes of blind comparisons for hosts: search, and detail with both answers.

Limits them to the campaigns that the user may see. Knows no SQL and no page; voting itself is in
`chat.campaigns.comparisons`.
"""

from chat.accounts.access import visible_owner
from chat.accounts.models import LOCAL, User
from chat.campaigns.models import Campaign, Comparison
from chat.feedback.filter_models import Cursor
from chat.feedback.ports import VoteStore
from chat.feedback.result_models import VotedComparison
from chat.feedback.vote_models import (
    VoteCounts,
    VoteFilter,
    VoteFilterOptions,
    VotePage,
)

PAGE = 50
"""Votes on a page of the list."""


class Votes:
    """The service of votes. What the user may not see raises NotFound."""

    def __init__(self, store: VoteStore) -> None:
        self._store = store

    async def page(self, user: User, filters: VoteFilter, after: Cursor | None = None) -> VotePage:
        """A page of the list, newest vote first."""
        found = await self._store.page(visible_owner(user), filters, after=after, limit=PAGE + 1)
        items = tuple(found[:PAGE])
        return VotePage(items, place_of_vote(items[-1]) if len(found) > PAGE else None)

    async def counts(self, user: User, filters: VoteFilter) -> VoteCounts:
        """The counts of all votes that match."""
        return await self._store.counts(visible_owner(user), filters)

    async def choices(self, user: User, campaign_id: str = "") -> VoteFilterOptions:
        return await self._store.choices(visible_owner(user), campaign_id)

    async def read(self, user: User, comparison_id: str) -> VotedComparison:
        """Raises NotFound."""
        return await self._store.voted_comparison(visible_owner(user), comparison_id)

    async def next_id(self, user: User, filters: VoteFilter, comparison: Comparison) -> str | None:
        """The id of the next vote in the list."""
        found = await self._store.page(
            visible_owner(user), filters, after=place_of_vote(comparison), limit=1
        )
        return found[0].id if found else None


def place_of_vote(comparison: Comparison) -> Cursor:
    """The cursor of a vote in the list."""
    assert comparison.voted_at
    return Cursor(comparison.voted_at, comparison.id)


def is_own_trial(comparison: Comparison, campaign: Campaign) -> bool:
    """Whether the campaign's owner voted, which counts in no rate; never for the local user."""
    return comparison.user_id == campaign.owner_id != LOCAL.id
