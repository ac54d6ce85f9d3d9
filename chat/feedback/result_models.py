"""What is asked of rated answers and what comes of it, as values. Knows no SQL and no page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from chat.campaigns.models import Comparison, VoteChoice
from chat.conversations.models import Message
from chat.feedback.models import RatedAnswer, Rating, Review, ReviewState, Verdict


class ReviewStatus(StrEnum):
    """How far the review of an answer is. OPEN: nobody has said yet what to make of it."""

    OPEN = "open"
    CHECKED = "checked"
    USABLE = "usable"
    UNUSABLE = "unusable"

    @classmethod
    def of(cls, review: Review | None) -> "ReviewStatus":
        return cls(review.state.value) if review and review.state else cls.OPEN

    @property
    def state(self) -> ReviewState | None:
        return None if self is ReviewStatus.OPEN else ReviewState(self.value)


@dataclass(frozen=True, slots=True)
class RatingFilter:
    """Which rated answers. What is empty does not matter; days are those of UTC, both included.

    `verdict`, `reason` and `corrected` are what one person says of the answer now, not before.
    Every word of `words` occurs in the question, the answer, the comment or the correction.
    """

    campaign_id: str = ""
    preset_id: str = ""
    verdict: Verdict | None = None
    reason: str = ""
    corrected: bool = False
    since: date | None = None
    until: date | None = None
    language: str = ""
    model: str = ""
    standing: ReviewStatus | None = None
    assignee: str = ""
    words: str = ""

    @property
    def is_of_ratings(self) -> bool:
        """Whether it asks for what only a rating has, and no vote."""
        criteria = (self.verdict, self.reason, self.corrected, self.standing, self.assignee)
        return any(criteria) or bool(self.words.strip())


@dataclass(frozen=True, slots=True)
class ReviewChange:
    """What of a review is to change; None stays. An empty `assignee` is nobody."""

    standing: ReviewStatus | None = None
    assignee: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of the list ends: what comes next was rated before, or has a smaller id."""

    rated_at: datetime
    snapshot_id: str


@dataclass(frozen=True, slots=True)
class RatingCounts:
    """How many answers there are, how many ratings of each kind, how many are to be reviewed.

    `votes` are those of blind comparisons that go along with the answers; where a language is
    wanted, it is the most that there can be.
    """

    answers: int = 0
    up: int = 0
    down: int = 0
    corrected: int = 0
    open: int = 0
    votes: int = 0


@dataclass(frozen=True, slots=True)
class RatingPage:
    """A piece of the list, newest first. `next` is where the following one begins, if any."""

    items: tuple[RatedAnswer, ...]
    next: Cursor | None = None


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """What the rated answers can be filtered by. Campaigns and presets are names by id."""

    campaigns: Mapping[str, str] = field(default_factory=dict)
    presets: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerDetail:
    """One rated answer with everything around it, oldest version first.

    `beside` are the other rated answers to the very same prompt, in the same conversation.
    """

    rated: RatedAnswer
    versions: tuple[Rating, ...]
    beside: tuple[RatedAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportChunk:
    """Some of the answers of an export, in the order of their first rating; all if no `next`."""

    items: tuple[RatedAnswer, ...]
    next: int | None = None


Path = tuple[Message, ...]
"""The messages from the first of a conversation to an answer, itself included."""


@dataclass(frozen=True, slots=True)
class Names:
    """What people, campaigns and presets are called, by their ids."""

    users: Mapping[str, str] = field(default_factory=dict)
    campaigns: Mapping[str, str] = field(default_factory=dict)
    presets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExportContext:
    """What stands around the answers of a chunk, as far as a file asks for it.

    `versions` are all that was ever said of an answer, and `tried_again` the paths to those that
    were tried again before it, both by snapshot; `siblings` are the rated answers by conversation.
    """

    versions: Mapping[str, Sequence[Rating]] = field(default_factory=dict)
    siblings: Mapping[str, Sequence[RatedAnswer]] = field(default_factory=dict)
    tried_again: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    names: Names = field(default_factory=Names)


@dataclass(frozen=True, slots=True)
class VotedComparison:
    """A comparison that was voted on, with the paths that end at its answers.

    A path is empty when the answer was deleted. `unusable`: a reviewer took one of them out.
    """

    comparison: Comparison
    left: Path
    right: Path
    unusable: bool = False

    @property
    def has_winner(self) -> bool:
        return self.comparison.choice in (VoteChoice.LEFT, VoteChoice.RIGHT)
