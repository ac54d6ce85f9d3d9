"""The filter, the list and the counts of votes as hosts see them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chat.campaigns.models import Campaign, Comparison, VoteChoice
from chat.campaigns.validation import MOST_VARIANTS
from chat.feedback.filter_models import Cursor, ListFilter


@dataclass(frozen=True, slots=True)
class VoteFilter(ListFilter):
    """A filter of votes. Empty fields match all; days are UTC days, inclusive.

    `winner` is the index of the variant that was voted for. Every word of `words` occurs in the
    question or in the comment.
    """

    choice: VoteChoice | None = None
    winner: int | None = None
    task_id: str = ""
    tester: str = ""
    commented: bool = False


@dataclass(frozen=True, slots=True)
class VoteCounts:
    """Counts of votes by kind. `won`: of left and right, how many were for each variant."""

    votes: int = 0
    left: int = 0
    right: int = 0
    ties: int = 0
    both_bad: int = 0
    commented: int = 0
    won: tuple[int, ...] = (0,) * MOST_VARIANTS


@dataclass(frozen=True, slots=True)
class VotePage:
    """A page of the list, newest first. `next` is the cursor of the next page, if any."""

    items: tuple[Comparison, ...]
    next: Cursor | None = None


@dataclass(frozen=True, slots=True)
class VoteFilterOptions:
    """The options of the filter: campaigns of blind comparisons by id, and the ids of voters."""

    campaigns: Mapping[str, Campaign] = field(default_factory=dict)
    testers: tuple[str, ...] = ()
