"""The values of blind comparisons: requests, stored comparisons, and views of them."""

from dataclasses import dataclass
from datetime import datetime

from chat.campaigns.models import Comparison
from chat.conversations.models import Message, Progress
from chat.models import Status


@dataclass(frozen=True, slots=True)
class ComparisonRequest:
    """A tester's question. `after` is the id of the comparison that both variants continue."""

    text: str
    request_id: str
    task_id: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class TurnPosition:
    """Where a question goes: a new conversation, below the head of one, or beside a message."""

    conversation_id: str | None = None
    beside: str | None = None


@dataclass(frozen=True, slots=True)
class NewComparison:
    """A question to both variants. `variants` are those on the left and on the right."""

    campaign_id: str
    user_id: str
    comparison_request: ComparisonRequest
    variants: tuple[int, int]
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class StoredComparison:
    """A comparison with its stored answers."""

    comparison: Comparison
    left: Message
    right: Message


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """A comparison with its current answers. Only `comparison` names the variants."""

    comparison: Comparison
    left: Progress
    right: Progress

    @property
    def is_open(self) -> bool:
        """Whether an answer is still running."""
        return self.left.status.is_open or self.right.status.is_open

    @property
    def is_complete(self) -> bool:
        """Whether both answers are complete, so that a vote is accepted."""
        return self.left.status is Status.DONE and self.right.status is Status.DONE

    @property
    def needs_vote(self) -> bool:
        """Whether the tester has to vote on it or to skip it before the next question."""
        return self.is_complete and not self.comparison.is_decided
