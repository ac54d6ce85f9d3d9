"""Encodes answers in OpenAI's two formats, whole or as chunks. Pure."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from api.openai.response_models import (
    CallDelta,
    CallOut,
    ChatChoice,
    ChatChunk,
    ChatChunkChoice,
    ChatCompletion,
    ChatLogprobs,
    FinishReason,
    FunctionDelta,
    FunctionOut,
    MessageDelta,
    MessageOut,
    PromptDetails,
    TextChoice,
    TextCompletion,
    TextLogprobs,
    TokenLogprob,
    TopLogprob,
    UsageOut,
)
from chat.models import Finish
from chat.serving.completion import Completion, CompletionRecord
from chat.serving.models import Delta, EngineInfo
from chat.tools import CallPiece, TokenScore

LEAST_LOGPROB = -9999.0
"""Replaces minus infinity, which JSON cannot express; the same value as in the OpenAI API."""

REASONS: dict[Finish, FinishReason] = {
    Finish.STOP: "stop",
    Finish.LENGTH: "length",
    Finish.TOOL_CALLS: "tool_calls",
}


class Encoder(ABC):
    """Encodes one answer. `with_usage`: chunks contain `"usage": null`, as in OpenAI's streams."""

    def __init__(
        self, completion: Completion, info: EngineInfo, *, logprobs: bool, with_usage: bool
    ) -> None:
        self.head: dict[str, Any] = {
            "id": completion.id,
            "created": int(completion.created_at.timestamp()),
            "model": info.model,
            "system_fingerprint": fingerprint(info),
        }
        self.no_usage: dict[str, Any] = {"usage": None} if with_usage else {}
        self.logprobs = logprobs

    @abstractmethod
    def whole(self, record: CompletionRecord) -> BaseModel:
        """The complete answer as one body."""

    @abstractmethod
    def first(self) -> Iterator[BaseModel]:
        """The chunks before any text."""

    @abstractmethod
    def pieces(self, delta: Delta) -> Iterator[BaseModel]:
        """The chunks of one delta."""

    @abstractmethod
    def last(self, record: CompletionRecord) -> BaseModel:
        """The final chunk with the usage."""


class ChatEncoder(Encoder):
    """Objects of type "chat.completion", and of type "chat.completion.chunk" for streams."""

    def whole(self, record: CompletionRecord) -> BaseModel:
        assert record.finish
        calls = [call for call in record.calls if call.name]
        text = record.text + "".join(
            _as_text(call.arguments) for call in record.calls if not call.name
        )
        message: dict[str, Any] = {"content": text, "refusal": None}
        if calls:
            message["content"] = text or None
            message["tool_calls"] = [_call(call.id, call.name, call.arguments) for call in calls]
        choice = ChatChoice(
            index=0,
            message=MessageOut(role="assistant", **message),
            logprobs=self._scores(record.scores) if self.logprobs else None,
            finish_reason=REASONS[record.finish],
        )
        return ChatCompletion(
            object="chat.completion", **self.head, choices=[choice], usage=usage_of(record)
        )

    def first(self) -> Iterator[BaseModel]:
        yield self._chunk(MessageDelta(role="assistant", content="", refusal=None))

    def pieces(self, delta: Delta) -> Iterator[BaseModel]:
        if delta.text or delta.scores:
            scores = self._scores(delta.scores) if delta.scores else None
            yield self._chunk(MessageDelta(content=delta.text), scores)
        for piece in delta.calls:
            if piece.id and not piece.name:
                yield self._chunk(MessageDelta(content=_as_text(piece.arguments)))
            else:
                yield self._chunk(MessageDelta(tool_calls=[_call_delta(piece)]))
        if delta.finish:
            yield self._chunk(MessageDelta(), finish=REASONS[delta.finish])

    def last(self, record: CompletionRecord) -> BaseModel:
        usage = usage_of(record)
        return ChatChunk(object="chat.completion.chunk", **self.head, choices=[], usage=usage)

    def _chunk(
        self,
        delta: MessageDelta,
        logprobs: ChatLogprobs | None = None,
        finish: FinishReason | None = None,
    ) -> BaseModel:
        choice = ChatChunkChoice(index=0, delta=delta, logprobs=logprobs, finish_reason=finish)
        return ChatChunk(
            object="chat.completion.chunk", **self.head, choices=[choice], **self.no_usage
        )

    @staticmethod
    def _scores(scores: Sequence[TokenScore]) -> ChatLogprobs:
        content = [
            TokenLogprob(
                **_scored(score), top_logprobs=[TopLogprob(**_scored(best)) for best in score.best]
            )
            for score in scores
        ]
        return ChatLogprobs(content=content, refusal=None)


class TextEncoder(Encoder):
    """Objects of type "text_completion", for whole answers and chunks."""

    _written_characters = 0

    def whole(self, record: CompletionRecord) -> BaseModel:
        return self._body(record.text, record.scores, record.finish, usage=usage_of(record))

    def first(self) -> Iterator[BaseModel]:
        return iter(())

    def pieces(self, delta: Delta) -> Iterator[BaseModel]:
        if delta.text or delta.scores or delta.finish:
            yield self._body(delta.text, delta.scores, delta.finish, **self.no_usage)

    def last(self, record: CompletionRecord) -> BaseModel:
        usage = usage_of(record)
        return TextCompletion(object="text_completion", **self.head, choices=[], usage=usage)

    def _body(
        self, text: str, scores: Sequence[TokenScore], finish: Finish | None, **more: Any
    ) -> BaseModel:
        choice = TextChoice(
            index=0,
            text=text,
            logprobs=self._scores(scores) if self.logprobs else None,
            finish_reason=REASONS[finish] if finish else None,
        )
        return TextCompletion(object="text_completion", **self.head, choices=[choice], **more)

    def _scores(self, scores: Sequence[TokenScore]) -> TextLogprobs:
        offsets = []
        for score in scores:
            offsets.append(self._written_characters)
            self._written_characters += len(score.token)
        return TextLogprobs(
            tokens=[score.token for score in scores],
            token_logprobs=[_finite(score.logprob) for score in scores],
            top_logprobs=[
                {best.token: _finite(best.logprob) for best in score.best} for score in scores
            ],
            text_offset=offsets,
        )


def fingerprint(info: EngineInfo) -> str:
    """`system_fingerprint`: equal for answers of the same weights and engine."""
    identity = "\n".join((info.model, info.revision, info.quantization, info.engine))
    return f"fp_{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def usage_of(record: CompletionRecord) -> UsageOut:
    usage = record.usage
    reused = record.timing.reused_prompt_tokens if record.timing else 0
    cached = {"from_cache": True} if record.from_cache else {}
    return UsageOut(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
        prompt_tokens_details=PromptDetails(cached_tokens=reused),
        **cached,
    )


def _as_text(call: str) -> str:
    """A broken call without a name, as the text that the model wrote."""
    return f"<tool_call>{call}</tool_call>"


def _call(call_id: str, name: str, arguments: str) -> CallOut:
    return CallOut(
        id=call_id, type="function", function=FunctionOut(name=name, arguments=arguments)
    )


def _call_delta(piece: CallPiece) -> CallDelta:
    """A piece of a call; only the first piece has id and name."""
    if not piece.id:
        return CallDelta(index=piece.index, function=FunctionDelta(arguments=piece.arguments))
    return CallDelta(
        index=piece.index,
        id=piece.id,
        type="function",
        function=FunctionDelta(name=piece.name, arguments=piece.arguments),
    )


def _scored(score: TokenScore) -> dict[str, Any]:
    bytes_ = list(score.data) if score.data else list(score.token.encode())
    return {"token": score.token, "logprob": _finite(score.logprob), "bytes": bytes_}


def _finite(logprob: float) -> float:
    return max(logprob, LEAST_LOGPROB)
