"""What a host sees of the votes of blind comparisons: found, and read with both answers.

Owns which: those of the campaigns that the person may see. Knows no SQL and no page; how votes
are cast stands in `chat.campaigns.comparisons`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from chat.accounts.access import visible_owner
from chat.accounts.models import LOCAL, User
from chat.campaigns.models import Campaign, Comparison, VoteChoice
from chat.feedback.queries import VotedComparison

PAGE = 50
"""Votes on a page of the list."""


@dataclass(frozen=True, slots=True)
class VoteFilter:
    """Which votes. What is empty does not matter; days are those of UTC, both included.

    `winner` is the index of the variant that was voted for. Every word of `words` occurs in the
    question or in the comment.
    """

    campaign_id: str = ""
    choice: VoteChoice | None = None
    winner: int | None = None
    task_id: str = ""
    tester: str = ""
    commented: bool = False
    since: date | None = None
    until: date | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class VoteCursor:
    """Where a page of the list ends: what comes next was voted before, or has a smaller id."""

    voted_at: datetime
    comparison_id: str


@dataclass(frozen=True, slots=True)
class VoteCounts:
    """How many votes there are, of each kind. `first` of left and right were for variant 0."""

    votes: int = 0
    left: int = 0
    right: int = 0
    ties: int = 0
    both_bad: int = 0
    commented: int = 0
    first: int = 0

    @property
    def second(self) -> int:
        """How many were for variant 1."""
        return self.left + self.right - self.first


@dataclass(frozen=True, slots=True)
class VotePage:
    """A piece of the list, newest first. `next` is where the following one begins, if any."""

    items: tuple[Comparison, ...]
    next: VoteCursor | None = None


@dataclass(frozen=True, slots=True)
class VoteFilterOptions:
    """What votes can be filtered by: the campaigns that compare, by id, and who has voted."""

    campaigns: Mapping[str, Campaign] = field(default_factory=dict)
    testers: tuple[str, ...] = ()


class VoteStore(Protocol):
    """Finds votes. `seen_by` is a person's id: only what they may see; None is everything."""

    async def page(
        self, seen_by: str | None, filters: VoteFilter, *, after: VoteCursor | None, limit: int
    ) -> Sequence[Comparison]:
        """Newest vote first."""
        ...

    async def counts(self, seen_by: str | None, filters: VoteFilter) -> VoteCounts: ...

    async def choices(self, seen_by: str | None, campaign_id: str) -> VoteFilterOptions:
        """All campaigns that compare; who has voted in that one, or without an id in any."""
        ...

    async def voted_comparison(self, seen_by: str | None, comparison_id: str) -> VotedComparison:
        """Raises NotFound, also where nobody has voted yet."""
        ...


class Votes:
    """The service of votes. Every call takes the person; not-yours: NotFound."""

    def __init__(self, store: VoteStore) -> None:
        self._store = store

    async def page(
        self, user: User, filters: VoteFilter, after: VoteCursor | None = None
    ) -> VotePage:
        """A page of the list, newest vote first."""
        found = await self._store.page(visible_owner(user), filters, after=after, limit=PAGE + 1)
        items = tuple(found[:PAGE])
        return VotePage(items, place_of_vote(items[-1]) if len(found) > PAGE else None)

    async def counts(self, user: User, filters: VoteFilter) -> VoteCounts:
        """Of all that the filter finds."""
        return await self._store.counts(visible_owner(user), filters)

    async def choices(self, user: User, campaign_id: str = "") -> VoteFilterOptions:
        return await self._store.choices(visible_owner(user), campaign_id)

    async def read(self, user: User, comparison_id: str) -> VotedComparison:
        """Raises NotFound."""
        return await self._store.voted_comparison(visible_owner(user), comparison_id)

    async def next_id(self, user: User, filters: VoteFilter, comparison: Comparison) -> str | None:
        """The id of the vote that stands below this one in the list."""
        found = await self._store.page(
            visible_owner(user), filters, after=place_of_vote(comparison), limit=1
        )
        return found[0].id if found else None


def place_of_vote(comparison: Comparison) -> VoteCursor:
    """Where it stands in the list."""
    assert comparison.voted_at
    return VoteCursor(comparison.voted_at, comparison.id)


def is_own_trial(comparison: Comparison, campaign: Campaign) -> bool:
    """Whether the host voted, which no rate counts; unless everybody is the local user."""
    return comparison.user_id == campaign.owner_id != LOCAL.id
