"""Common parts of data set files: counts, masking, and messages."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from chat.feedback.models import AnswerSnapshot, RatedAnswer, Rating, RatingInput, Review
from chat.feedback.omissions import Omission
from chat.feedback.result_models import ExportContext, VotedComparison
from chat.models import ChatMessage, Provenance
from formats.datasets.records import TurnLine
from formats.redaction.redactor import Redactor


class PieceFile(ABC):
    """Base class of a `chat.feedback.ports.DataFile` that takes rated answers only."""

    takes_versions = False
    takes_others = False
    takes_names = False
    takes_votes = False

    def __init__(self, redactor: Redactor | None = None) -> None:
        self._redactor = redactor
        self.lines = 0
        self.omissions: Counter[Omission] = Counter()

    @property
    def left_out(self) -> int:
        """The number of rated answers and votes that are not in the file so far."""
        return self.omissions.total()

    @property
    def masked(self) -> Mapping[str, int]:
        """The number of masked items so far, by placeholder."""
        return dict(self._redactor.masked) if self._redactor else {}

    def begin(self) -> bytes:
        return b""

    @abstractmethod
    def add(self, items: Sequence[RatedAnswer], around: ExportContext) -> bytes: ...

    def add_votes(self, voted_comparisons: Sequence[VotedComparison]) -> bytes:
        return b""

    def end(self) -> bytes:
        return b""

    def masking(self, text: str) -> str:
        """The text, masked if there is a redactor."""
        return self._redactor.mask(text) if self._redactor else text


Mask = Callable[[str], str]


def turns(prompt: Iterable[ChatMessage], mask: Mask) -> list[TurnLine]:
    return [TurnLine(role=message.role.value, content=mask(spoken(message))) for message in prompt]


def spoken(message: ChatMessage) -> str:
    """A message as text, with its tool calls in the notation of the model."""
    calls = (
        f'<tool_call>\n{{"name": "{call.name}", "arguments": {call.arguments}}}\n</tool_call>'
        for call in message.calls
    )
    return "\n".join([text for text in (message.content, *calls) if text])


def masked_prompt(prompt: Iterable[ChatMessage], mask: Mask) -> tuple[ChatMessage, ...]:
    return tuple(
        replace(
            message,
            content=mask(message.content),
            calls=tuple(replace(call, arguments=mask(call.arguments)) for call in message.calls),
        )
        for message in prompt
    )


def masked_snapshot(snapshot: AnswerSnapshot, mask: Mask) -> AnswerSnapshot:
    return replace(
        snapshot,
        prompt=masked_prompt(snapshot.prompt, mask),
        answer=mask(snapshot.answer),
        provenance=masked_provenance(snapshot.provenance, mask),
    )


def masked_provenance(provenance: Provenance | None, mask: Mask) -> Provenance | None:
    """Masks the system prompt. The digest stays that of the original prompt."""
    return replace(provenance, system_prompt=mask(provenance.system_prompt)) if provenance else None


def masked_rating(rating: Rating, mask: Mask) -> Rating:
    return replace(rating, rating_input=masked_rating_input(rating.rating_input, mask))


def masked_rating_input(rating_input: RatingInput, mask: Mask) -> RatingInput:
    correction = None if rating_input.correction is None else mask(rating_input.correction)
    return replace(rating_input, comment=mask(rating_input.comment), correction=correction)


def masked_review(review: Review | None, mask: Mask) -> Review | None:
    return replace(review, note=mask(review.note)) if review else None
