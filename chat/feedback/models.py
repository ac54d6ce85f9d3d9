"""Values of ratings: the answer snapshot, the ratings of users, and the review.

Knows no page, no file format and no SQL.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chat.models import ChatMessage, Finish, Provenance, Status, Timing, Usage
from chat.serving.observer import Source


class Verdict(StrEnum):
    """Thumbs."""

    UP = "up"
    DOWN = "down"


REASONS = (
    "wrong-facts",
    "wrong-maths",
    "ignored-instruction",
    "language",
    "too-long",
    "unsafe",
    "slow",
    "other",
)
"""What may be wrong with an answer, where a campaign has no list of its own."""


@dataclass(frozen=True, slots=True)
class RatingInput:
    """What somebody says of an answer. `reasons` are of `REASONS` or of the campaign's list.

    `correction` is what the answer should have been; None: nothing was corrected.
    """

    verdict: Verdict | None = None
    reasons: tuple[str, ...] = ()
    comment: str = ""
    correction: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerSnapshot:
    """An answer as it was when it was first rated, with everything that it was generated from.

    `answer_id` is the message's or the completion's; `owner_id` is the user who asked. `prompt` is
    the exact prompt of the model, after turns were dropped. `language` is that of the answer,
    `page_language` that of the page ("zh", "en", empty where unknown).
    """

    id: str
    answer_id: str
    owner_id: str
    source: Source
    prompt: tuple[ChatMessage, ...]
    answer: str
    status: Status
    made_at: datetime
    finish: Finish | None = None
    usage: Usage | None = None
    timing: Timing | None = None
    provenance: Provenance | None = None
    conversation_id: str = ""
    campaign_id: str = ""
    variant: int | None = None
    language: str = ""
    page_language: str = ""

    @property
    def question(self) -> str:
        """The last user message."""
        return next((turn.content for turn in reversed(self.prompt) if turn.role == "user"), "")


@dataclass(frozen=True, slots=True)
class Rating:
    """One version of a user's rating of an answer. Versions count from 1; all are kept."""

    snapshot_id: str
    user_id: str
    version: int
    rating_input: RatingInput
    rated_at: datetime


class ReviewState(StrEnum):
    """What a reviewer made of a rated answer. What nobody has looked at has no review."""

    CHECKED = "checked"
    USABLE = "usable"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Review:
    """`state` None: only assigned or noted, still to be reviewed. `assignee` is a person's id."""

    evidence_id: str
    reviewer: str
    reviewed_at: datetime
    state: ReviewState | None = None
    assignee: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class RatedAnswer:
    """A rated answer with the newest rating of each user, and its review."""

    snapshot: AnswerSnapshot
    ratings: tuple[Rating, ...]
    review: Review | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """What a campaign determines for an answer: the reasons to offer, and its variant."""

    reasons: tuple[str, ...] = ()
    variant: int | None = None


@dataclass(frozen=True, slots=True)
class Ratable:
    """An answer for the rating form: the reasons to offer, and the user's current rating."""

    answer: str
    reasons: tuple[str, ...]
    rating: Rating | None = None
