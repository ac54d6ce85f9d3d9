"""Encodes answers in OpenAI's two formats, whole or as chunks. Pure."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from api.edge.errors import error_body
from api.openai.response_models import (
    CallDelta,
    CallOut,
    ChatChoice,
    ChatChunk,
    ChatChunkChoice,
    ChatCompletion,
    ChatLogprobs,
    Fault,
    FaultBody,
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
from chat.errors import AppError
from chat.models import Finish
from chat.serving.choices import Choices
from chat.serving.completion import CompletionRecord
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
    """Encodes the choices of one request, `n` of each prompt.

    `with_usage`: chunks contain `"usage": null`, as in OpenAI's streams.
    """

    ends_with_done = True
    """Whether a stream that went well ends with `data: [DONE]`."""

    def __init__(
        self, choices: Choices, info: EngineInfo, *, logprobs: bool, with_usage: bool, n: int = 1
    ) -> None:
        self.choices = choices.completions
        self.n = n
        self.head: dict[str, Any] = {
            "id": choices.id,
            "created": int(choices.created_at.timestamp()),
            "model": info.model,
            "system_fingerprint": fingerprint(info),
        }
        self.no_usage: dict[str, Any] = {"usage": None} if with_usage else {}
        self.logprobs = logprobs

    @abstractmethod
    def whole(self, records: Sequence[CompletionRecord]) -> BaseModel:
        """The complete answers as one body."""

    @abstractmethod
    def first(self) -> Iterator[BaseModel]:
        """The chunks before any text."""

    @abstractmethod
    def pieces(self, index: int, delta: Delta) -> Iterator[BaseModel]:
        """The chunks of one delta of the choice of that index."""

    @abstractmethod
    def last(self, records: Sequence[CompletionRecord]) -> BaseModel:
        """The final chunk with the usage."""

    def usage(self, records: Sequence[CompletionRecord]) -> UsageOut:
        """The tokens of all choices; a prompt counts once, however many choices it has."""
        prompts = records[:: self.n]
        prompt_tokens = sum(record.usage.prompt_tokens for record in prompts)
        written = sum(record.usage.completion_tokens for record in records)
        timings = [record.timing for record in prompts if record.timing]
        cached = {"from_cache": True} if all(record.from_cache for record in records) else {}
        return UsageOut(
            prompt_tokens=prompt_tokens,
            completion_tokens=written,
            total_tokens=prompt_tokens + written,
            prompt_tokens_details=PromptDetails(
                cached_tokens=sum(timing.reused_prompt_tokens for timing in timings)
            ),
            **cached,
        )

    def failed(self, error: AppError) -> BaseModel:
        """The last event of a stream that failed."""
        return FaultBody(error=Fault(**error_body(error)))


class ChatEncoder(Encoder):
    """Objects of type "chat.completion", and of type "chat.completion.chunk" for streams."""

    def whole(self, records: Sequence[CompletionRecord]) -> BaseModel:
        choices = [self._choice(index, record) for index, record in enumerate(records)]
        return ChatCompletion(
            object="chat.completion", **self.head, choices=choices, usage=self.usage(records)
        )

    def _choice(self, index: int, record: CompletionRecord) -> ChatChoice:
        assert record.finish
        calls = [call for call in record.calls if call.name]
        text = record.text + "".join(
            as_text(call.arguments) for call in record.calls if not call.name
        )
        message: dict[str, Any] = {"content": text, "refusal": None}
        if calls:
            message["content"] = text or None
            message["tool_calls"] = [_call(call.id, call.name, call.arguments) for call in calls]
        return ChatChoice(
            index=index,
            message=MessageOut(role="assistant", **message),
            logprobs=self._scores(record.scores) if self.logprobs else None,
            finish_reason=REASONS[record.finish],
        )

    def first(self) -> Iterator[BaseModel]:
        for index in range(len(self.choices)):
            yield self._chunk(index, MessageDelta(role="assistant", content="", refusal=None))

    def pieces(self, index: int, delta: Delta) -> Iterator[BaseModel]:
        if delta.text or delta.scores:
            scores = self._scores(delta.scores) if delta.scores else None
            yield self._chunk(index, MessageDelta(content=delta.text), scores)
        for piece in delta.calls:
            if piece.id and not piece.name:
                yield self._chunk(index, MessageDelta(content=as_text(piece.arguments)))
            else:
                yield self._chunk(index, MessageDelta(tool_calls=[_call_delta(piece)]))
        if delta.finish:
            yield self._chunk(index, MessageDelta(), finish=REASONS[delta.finish])

    def last(self, records: Sequence[CompletionRecord]) -> BaseModel:
        usage = self.usage(records)
        return ChatChunk(object="chat.completion.chunk", **self.head, choices=[], usage=usage)

    def _chunk(
        self,
        index: int,
        delta: MessageDelta,
        logprobs: ChatLogprobs | None = None,
        finish: FinishReason | None = None,
    ) -> BaseModel:
        choice = ChatChunkChoice(index=index, delta=delta, logprobs=logprobs, finish_reason=finish)
        return ChatChunk(
            object="chat.completion.chunk", **self.head, choices=[choice], **self.no_usage
        )

    @staticmethod
    def _scores(scores: Sequence[TokenScore]) -> ChatLogprobs:
        content = [
            TokenLogprob(
                **scored(score), top_logprobs=[TopLogprob(**scored(best)) for best in score.best]
            )
            for score in scores
        ]
        return ChatLogprobs(content=content, refusal=None)


class TextEncoder(Encoder):
    """Objects of type "text_completion", for whole answers and chunks.

    With `echo` every choice begins with its prompt, and with the scores of the prompt's tokens.
    """

    def __init__(self, *arguments: Any, echo: bool = False, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._lines = [_ScoreColumns() for _ in self.choices]
        prompts = [str(choice.prompt) if echo else "" for choice in self.choices]
        self._unsent_prompts = dict(enumerate(prompts))

    def whole(self, records: Sequence[CompletionRecord]) -> BaseModel:
        choices = [
            self._choice(
                index, record.text, record.scores, record.finish, prompt_scores=record.prompt_scores
            )
            for index, record in enumerate(records)
        ]
        return self._body(choices, usage=self.usage(records))

    def first(self) -> Iterator[BaseModel]:
        return iter(())

    def pieces(self, index: int, delta: Delta) -> Iterator[BaseModel]:
        if delta.text or delta.scores or delta.prompt_scores or delta.finish:
            choice = self._choice(
                index, delta.text, delta.scores, delta.finish, prompt_scores=delta.prompt_scores
            )
            yield self._body([choice], **self.no_usage)

    def last(self, records: Sequence[CompletionRecord]) -> BaseModel:
        return self._body([], usage=self.usage(records))

    def _choice(
        self,
        index: int,
        text: str,
        scores: Sequence[TokenScore],
        finish: Finish | None,
        *,
        prompt_scores: Sequence[TokenScore],
    ) -> TextChoice:
        columns = self._lines[index]
        logprobs = columns.of(prompt_scores, scores) if self.logprobs else None
        return TextChoice(
            index=index,
            text=self._unsent_prompts.pop(index, "") + text,
            logprobs=logprobs,
            finish_reason=REASONS[finish] if finish else None,
        )

    def _body(self, choices: list[TextChoice], **more: Any) -> BaseModel:
        return TextCompletion(object="text_completion", **self.head, choices=choices, **more)


class _ScoreColumns:
    """The scores of one choice in the old shape; `of` continues where the last call ended."""

    def __init__(self) -> None:
        self._written_characters = 0

    def of(self, prompt_scores: Sequence[TokenScore], scores: Sequence[TokenScore]) -> TextLogprobs:
        every, offsets = [*prompt_scores, *scores], []
        for score in every:
            offsets.append(self._written_characters)
            self._written_characters += len(score.token)
        logprobs: list[float | None] = [_finite(score.logprob) for score in every]
        best: list[dict[str, float] | None] = [_best(score) for score in every]
        if prompt_scores:  # nothing precedes the first token
            logprobs[0] = best[0] = None
        return TextLogprobs(
            tokens=[score.token for score in every],
            token_logprobs=logprobs,
            top_logprobs=best,
            text_offset=offsets,
        )


def _best(score: TokenScore) -> dict[str, float]:
    """The likeliest tokens by their text; of several with the same text, the likeliest."""
    return {best.token: _finite(best.logprob) for best in reversed(score.best)}


def fingerprint(info: EngineInfo) -> str:
    """`system_fingerprint`: equal for answers of the same weights and engine."""
    identity = "\n".join((info.model, info.revision, info.quantization, info.engine))
    return f"fp_{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def as_text(call: str) -> str:
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


def scored(score: TokenScore) -> dict[str, Any]:
    bytes_ = list(score.data) if score.data else list(score.token.encode())
    return {"token": score.token, "logprob": _finite(score.logprob), "bytes": bytes_}


def _finite(logprob: float) -> float:
    return max(logprob, LEAST_LOGPROB)
