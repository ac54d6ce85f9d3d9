"""What all files of rated answers have in common: counting, masking, turns as they are written."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from chat.feedback.models import AnswerSnapshot, RatedAnswer, Rating, RatingInput, Review
from chat.feedback.queries import ExportContext, VotedComparison
from chat.models import ChatMessage, Provenance
from formats.datasets.records import TurnLine
from formats.redaction import Redactor


class PieceFile(ABC):
    """A `chat.feedback.results.DataFile`: takes ratings alone, and nothing before or after them."""

    takes_versions = False
    takes_others = False
    takes_names = False
    takes_votes = False

    def __init__(self, redactor: Redactor | None = None) -> None:
        self._redactor = redactor
        self.lines = 0
        self.left_out = 0

    @property
    def masked(self) -> Mapping[str, int]:
        """How often something was masked so far, by its placeholder."""
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
        """The text as it may leave."""
        return self._redactor.mask(text) if self._redactor else text


Mask = Callable[[str], str]


def turns(prompt: Iterable[ChatMessage], mask: Mask) -> list[TurnLine]:
    return [TurnLine(role=said.role.value, content=mask(spoken(said))) for said in prompt]


def spoken(said: ChatMessage) -> str:
    """A turn as text, with its calls of tools as the model writes them."""
    calls = (
        f'<tool_call>\n{{"name": "{call.name}", "arguments": {call.arguments}}}\n</tool_call>'
        for call in said.calls
    )
    return "\n".join([text for text in (said.content, *calls) if text])


def masked_prompt(prompt: Iterable[ChatMessage], mask: Mask) -> tuple[ChatMessage, ...]:
    return tuple(
        replace(
            said,
            content=mask(said.content),
            calls=tuple(replace(call, arguments=mask(call.arguments)) for call in said.calls),
        )
        for said in prompt
    )


def masked_evidence(snapshot: AnswerSnapshot, mask: Mask) -> AnswerSnapshot:
    return replace(
        snapshot,
        prompt=masked_prompt(snapshot.prompt, mask),
        answer=mask(snapshot.answer),
        provenance=masked_provenance(snapshot.provenance, mask),
    )


def masked_provenance(made: Provenance | None, mask: Mask) -> Provenance | None:
    """Its digest stays: it is that of the prompt as it was sent."""
    return replace(made, system_prompt=mask(made.system_prompt)) if made else None


def masked_rating(rating: Rating, mask: Mask) -> Rating:
    return replace(rating, opinion=masked_opinion(rating.opinion, mask))


def masked_opinion(opinion: RatingInput, mask: Mask) -> RatingInput:
    correction = None if opinion.correction is None else mask(opinion.correction)
    return replace(opinion, comment=mask(opinion.comment), correction=correction)


def masked_review(review: Review | None, mask: Mask) -> Review | None:
    return replace(review, note=mask(review.note)) if review else None
