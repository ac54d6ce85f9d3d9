"""The output items of one response, and the events that tell of them while they are written."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

from pydantic import BaseModel

from api.openai.encoding import as_text, scored
from api.openai.responses.response_models import (
    CallArgumentsDelta,
    CallArgumentsDone,
    ContentPartEvent,
    ItemStatus,
    OutputCall,
    OutputItem,
    OutputItemEvent,
    OutputMessage,
    OutputText,
    OutputTextDelta,
    OutputTextDone,
    ScoredOutputToken,
    ScoredToken,
)
from chat.models import Finish
from chat.serving.models import Delta
from chat.tools import CallPiece, TokenScore


class Output:
    """Makes items of deltas: text before, between and after calls is a message of its own.

    `numbers` count the events of the stream.
    """

    def __init__(self, numbers: Iterator[int]) -> None:
        self._items: list[OutputItem] = []
        self._numbers = numbers
        self._open: _Message | _Call | None = None
        self._scores: list[TokenScore] = []

    @property
    def items(self) -> list[OutputItem]:
        """The items so far; one that is still written is incomplete."""
        return [*self._items, *([self._open.item("incomplete")] if self._open else [])]

    def take(self, delta: Delta) -> Iterator[BaseModel]:
        """The events of one delta."""
        self._scores += delta.scores
        pieces = list(delta.calls)
        # A delta may end one call, go on with text and begin another call.
        while pieces and not pieces[0].id:
            yield from self._continue_call(pieces.pop(0))
        if delta.text:
            yield from self._write(delta.text)
        for piece in pieces:
            if not piece.id:
                yield from self._continue_call(piece)
            elif piece.name:
                yield from self._begin_call(piece)
            else:
                yield from self._write(as_text(piece.arguments))
        if delta.finish:
            yield from self.close("incomplete" if delta.finish is Finish.LENGTH else "completed")

    def close(self, status: ItemStatus) -> Iterator[BaseModel]:
        """End the output; one without items gets an empty message, which clients expect."""
        if not (self._open or self._items):
            yield from self._begin_message()
        yield from self._end_item(status)

    def _end_item(self, status: ItemStatus) -> Iterator[BaseModel]:
        if isinstance(self._open, _Message):
            yield from self._end_message(self._open, status)
        elif self._open:
            yield from self._end_call(self._open, "incomplete" if self._open.broken else status)
        self._open = None

    def _write(self, text: str) -> Iterator[BaseModel]:
        if not isinstance(self._open, _Message):
            yield from self._end_item("completed")
            yield from self._begin_message()
        message = self._open
        assert isinstance(message, _Message)
        scores = self._take_scores()
        message.text += text
        message.scores += scores
        yield OutputTextDelta(
            type="response.output_text.delta",
            sequence_number=next(self._numbers),
            delta=text,
            logprobs=scores,
            **message.place,
            content_index=0,
        )

    def _begin_message(self) -> Iterator[BaseModel]:
        self._open = message = _Message(len(self._items))
        yield self._item_event("response.output_item.added", message.item("in_progress"))
        yield self._part_event("response.content_part.added", message)

    def _begin_call(self, piece: CallPiece) -> Iterator[BaseModel]:
        yield from self._end_item("completed")
        self._scores.clear()  # those of the tokens around a call belong to no text
        self._open = call = _Call(len(self._items), piece)
        yield self._item_event("response.output_item.added", call.item("in_progress"))
        yield from self._continue_call(piece)

    def _continue_call(self, piece: CallPiece) -> Iterator[BaseModel]:
        call = self._open
        assert isinstance(call, _Call)
        self._scores.clear()
        call.arguments += piece.arguments
        call.broken |= piece.broken
        if piece.arguments:
            yield CallArgumentsDelta(
                type="response.function_call_arguments.delta",
                sequence_number=next(self._numbers),
                delta=piece.arguments,
                **call.place,
            )

    def _end_message(self, message: "_Message", status: ItemStatus) -> Iterator[BaseModel]:
        message.scores += self._take_scores()
        yield OutputTextDone(
            type="response.output_text.done",
            sequence_number=next(self._numbers),
            text=message.text,
            logprobs=message.scores,
            **message.place,
            content_index=0,
        )
        yield self._part_event("response.content_part.done", message)
        yield from self._end(message.item(status))

    def _end_call(self, call: "_Call", status: ItemStatus) -> Iterator[BaseModel]:
        yield CallArgumentsDone(
            type="response.function_call_arguments.done",
            sequence_number=next(self._numbers),
            name=call.name,
            arguments=call.arguments,
            **call.place,
        )
        yield from self._end(call.item(status))

    def _end(self, item: OutputItem) -> Iterator[BaseModel]:
        yield self._item_event("response.output_item.done", item)
        self._items.append(item)

    def _item_event(self, kind: Any, item: OutputItem) -> BaseModel:
        return OutputItemEvent(
            type=kind,
            sequence_number=next(self._numbers),
            output_index=len(self._items),
            item=item,
        )

    def _part_event(self, kind: Any, message: "_Message") -> BaseModel:
        return ContentPartEvent(
            type=kind,
            sequence_number=next(self._numbers),
            part=message.part,
            **message.place,
            content_index=0,
        )

    def _take_scores(self) -> list[ScoredOutputToken]:
        tokens = scored_tokens(self._scores)
        self._scores.clear()
        return tokens


class _Message:
    """A message while it is written."""

    def __init__(self, index: int) -> None:
        self.id = f"msg_{uuid4().hex}"
        self.index = index
        self.text = ""
        self.scores: list[ScoredOutputToken] = []

    @property
    def place(self) -> dict[str, Any]:
        return {"item_id": self.id, "output_index": self.index}

    @property
    def part(self) -> OutputText:
        return OutputText(
            type="output_text", text=self.text, annotations=[], logprobs=list(self.scores)
        )

    def item(self, status: ItemStatus) -> OutputMessage:
        content = [] if status == "in_progress" else [self.part]
        return OutputMessage(
            type="message", id=self.id, status=status, role="assistant", content=content
        )


class _Call:
    """A call while it is written. `broken`: it came to no good end."""

    def __init__(self, index: int, first: CallPiece) -> None:
        self.id = f"fc_{uuid4().hex}"
        self.index = index
        self.call_id = first.id
        self.name = first.name
        self.arguments = ""
        self.broken = False

    @property
    def place(self) -> dict[str, Any]:
        return {"item_id": self.id, "output_index": self.index}

    def item(self, status: ItemStatus) -> OutputCall:
        return OutputCall(
            type="function_call",
            id=self.id,
            call_id=self.call_id,
            status=status,
            name=self.name,
            arguments=self.arguments,
        )


def scored_tokens(scores: Sequence[TokenScore]) -> list[ScoredOutputToken]:
    return [
        ScoredOutputToken(
            **scored(score), top_logprobs=[ScoredToken(**scored(best)) for best in score.best]
        )
        for score in scores
    ]
