"""The filter, the list and the counts of votes as hosts see them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from chat.campaigns.models import Campaign, Comparison, VoteChoice


@dataclass(frozen=True, slots=True)
class VoteFilter:
    """A filter of votes. Empty fields match all; days are UTC days, inclusive.

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
    """The last vote of a page. The next page has earlier times, or the same and smaller ids."""

    voted_at: datetime
    comparison_id: str


@dataclass(frozen=True, slots=True)
class VoteCounts:
    """Counts of votes by kind. `first` of left and right were for variant 0."""

    votes: int = 0
    left: int = 0
    right: int = 0
    ties: int = 0
    both_bad: int = 0
    commented: int = 0
    first: int = 0

    @property
    def second(self) -> int:
        """The number of votes for variant 1."""
        return self.left + self.right - self.first


@dataclass(frozen=True, slots=True)
class VotePage:
    """A page of the list, newest first. `next` is the cursor of the next page, if any."""

    items: tuple[Comparison, ...]
    next: VoteCursor | None = None


@dataclass(frozen=True, slots=True)
class VoteFilterOptions:
    """The options of the filter: campaigns of blind comparisons by id, and the ids of voters."""

    campaigns: Mapping[str, Campaign] = field(default_factory=dict)
    testers: tuple[str, ...] = ()
