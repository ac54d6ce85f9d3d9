"""Values of the search in rated answers: filters, pages, counts and exports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from chat.campaigns.models import Comparison, VoteChoice
from chat.conversations.models import Message
from chat.feedback.filter_models import Cursor, ListFilter
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
class RatingFilter(ListFilter):
    """Which rated answers. What is empty does not matter; days are those of UTC, both included.

    `verdict`, `reason` and `corrected` are what one person says of the answer now, not before.
    Every word of `words` occurs in the question, the answer, the comment or the correction.
    """

    preset_id: str = ""
    verdict: Verdict | None = None
    reason: str = ""
    corrected: bool = False
    language: str = ""
    model: str = ""
    standing: ReviewStatus | None = None
    assignee: str = ""

    @property
    def is_of_ratings(self) -> bool:
        """Whether it asks for what only a rating has, and no vote."""
        criteria = (self.verdict, self.reason, self.corrected, self.standing, self.assignee)
        return any(criteria) or bool(self.words.strip())


@dataclass(frozen=True, slots=True)
class ReviewChange:
    """Changes of a review; None keeps a field. An empty `assignee` removes the assignment."""

    standing: ReviewStatus | None = None
    assignee: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class RatingCounts:
    """Counts of answers, of ratings by kind, and of open reviews.

    `votes` are those of blind comparisons with the same filter; with a language it is an upper
    bound.
    """

    answers: int = 0
    up: int = 0
    down: int = 0
    corrected: int = 0
    open: int = 0
    votes: int = 0


@dataclass(frozen=True, slots=True)
class RatingPage:
    """A page of the list, newest first. `next` is the cursor of the next page, if any."""

    items: tuple[RatedAnswer, ...]
    next: Cursor | None = None


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """The options of the filter. Campaigns and presets are names by id."""

    campaigns: Mapping[str, str] = field(default_factory=dict)
    presets: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerDetail:
    """A rated answer with all versions of its ratings, oldest first.

    `beside` are the other rated answers to the same prompt in the same conversation.
    """

    rated: RatedAnswer
    versions: tuple[Rating, ...]
    beside: tuple[RatedAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportChunk:
    """Some answers of an export, by time of the first rating. `next` None: the last chunk."""

    items: tuple[RatedAnswer, ...]
    next: int | None = None


Path = tuple[Message, ...]
"""The messages from the root of a conversation to an answer, inclusive."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of users, campaigns and presets by id."""

    users: Mapping[str, str] = field(default_factory=dict)
    campaigns: Mapping[str, str] = field(default_factory=dict)
    presets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExportContext:
    """Additional data of the answers of a chunk, as far as a file requests them.

    By snapshot id: `versions` of the ratings, and `tried_again`, the paths to earlier answers that
    were retried. `siblings` are the rated answers by conversation.
    """

    versions: Mapping[str, Sequence[Rating]] = field(default_factory=dict)
    siblings: Mapping[str, Sequence[RatedAnswer]] = field(default_factory=dict)
    tried_again: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    names: Names = field(default_factory=Names)


@dataclass(frozen=True, slots=True)
class VotedComparison:
    """A comparison with a vote, and the paths to its answers.

    A path is empty when the answer was deleted. `unusable`: a reviewer marked one of them so.
    """

    comparison: Comparison
    left: Path
    right: Path
    unusable: bool = False

    @property
    def has_winner(self) -> bool:
        return self.comparison.choice in (VoteChoice.LEFT, VoteChoice.RIGHT)
