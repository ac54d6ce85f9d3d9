"""The values of blind comparisons: requests, stored comparisons, and views of them."""

from dataclasses import dataclass
from datetime import datetime

from chat.campaigns.models import Comparison
from chat.conversations.models import Message, Progress
from chat.models import Status


@dataclass(frozen=True, slots=True)
class ComparisonRequest:
    """What a tester asks. With `after`, the id of a comparison, both variants go on from there."""

    text: str
    request_id: str
    task_id: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class TurnPosition:
    """Where a variant is asked: in a new conversation, below what was said in one, or beside it."""

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
    """A comparison with its answers as they are kept."""

    comparison: Comparison
    left: Message
    right: Message


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """A comparison with its answers as they are now. Only `comparison` tells the variants."""

    comparison: Comparison
    left: Progress
    right: Progress

    @property
    def is_open(self) -> bool:
        """Whether something is still to come."""
        return self.left.status.is_open or self.right.status.is_open

    @property
    def is_complete(self) -> bool:
        """Whether both answers were written to their end, so that a vote counts."""
        return self.left.status is Status.DONE and self.right.status is Status.DONE
