"""Answers for programs: refused or generated, repeated from the cache, found again for a while.

Owns the order of the steps: what can be refused is refused before a place in the queue is taken.
Stores nothing. Knows no wire format and no header.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Protocol

from chat.accounts.errors import BadKey, SignInNeeded
from chat.accounts.models import Account, Clock, Principal, utc_now
from chat.accounts.quotas import QuotaReservation
from chat.errors import AppError
from chat.models import ChatMessage, ChatOptions, Prompt, Role, Sampling, Timing
from chat.serving.completion import Completion, CompletionRecord
from chat.serving.draft import Draft
from chat.serving.errors import EngineFailed, PromptTooLong, ShuttingDown
from chat.serving.generation import Generation
from chat.serving.handle import GenerationResult, GenerationSink
from chat.serving.models import Delta, EngineInfo, PreparedPrompt
from chat.serving.observer import GenerationSummary, Source
from chat.serving.request import GenerationRequest, seeded
from chat.serving.response_cache import CachedAnswer, RecentAnswers, ResponseCache
from chat.tools import NO_EXTRAS, Extras, Tool
from chat.validation import MAX_CHARACTERS, check_sampling


class KeyQuota(Protocol):
    """The quota of an API key, beside the quota of its owner."""

    async def check(self, principal: Principal, refunds: ExitStack) -> None:
        """Count one request; `refunds` takes it back. Raises TooManyRequests, TokensUsedUp."""
        ...

    async def spend(self, principal: Principal, tokens: int) -> None: ...


class NoKeyQuota:
    """Keys have no quota of their own."""

    async def check(self, principal: Principal, refunds: ExitStack) -> None:
        pass

    async def spend(self, principal: Principal, tokens: int) -> None:
        pass


@dataclass(frozen=True, slots=True)
class CompletionInput:
    """What a program asks for, under the `id` that its answer will have.

    `cached` allows an answer from the response cache; `remembered` answers can be found again.
    """

    id: str
    prompt: Prompt
    sampling: Sampling = field(default_factory=Sampling)
    extras: Extras = NO_EXTRAS
    cached: bool = True
    remembered: bool = True


class Completions:
    """The service behind the API."""

    def __init__(
        self,
        *,
        generation: Generation,
        key_limits: KeyQuota | None = None,
        cache: ResponseCache | None = None,
        recent: RecentAnswers | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._generation = generation
        self._key_limits = key_limits or NoKeyQuota()
        self._cache = cache
        self._recent = recent or RecentAnswers()
        self._clock = clock
        self._running: dict[str, Completion] = {}

    @property
    def info(self) -> EngineInfo:
        """What is serving. Raises EngineNotReady."""
        return self._generation.ready()

    async def begin(
        self, principal: Principal, completion_input: CompletionInput, *, address: str = ""
    ) -> Completion:
        """Start an answer, which waits in the queue by itself.

        Raises EngineNotReady, InvalidSetting, BadText, PromptTooLong, BadRequest, QuotaExceeded
        kinds, TooManyWaiting, Busy, ShuttingDown. What the engine refuses later, BadSchema
        included, is the completion's error.
        """
        with self._generation.counted_refusals(Source.API):
            return await self._begin(principal, completion_input, address)

    async def tokenize(self, prompt: Prompt, tools: Sequence[Tool] = ()) -> Sequence[int]:
        """The token ids of a prompt. Raises EngineNotReady, BadRequest, PromptTooLong."""
        return (await self._prepare(prompt, tools)).token_ids

    def find(self, user_id: str, completion_id: str) -> CompletionRecord:
        """A recent answer to a program of that user. Raises NotFound."""
        return self._recent.find(user_id, completion_id)

    def principals(self) -> frozenset[Principal]:
        """The principals of all answers that run or wait."""
        return frozenset(completion.principal for completion in self._running.values())

    def stop_requests_of(self, principal_id: str) -> None:
        """End every answer of a principal who may have lost access."""
        for completion in list(self._running.values()):
            if completion.principal.id == principal_id:
                completion.cancel(BadKey() if completion.principal.key else SignInNeeded())

    async def close(self, grace_s: float) -> None:
        """Let running answers finish for `grace_s` seconds, then end the rest."""
        await self._generation.close(Source.API, grace_s, ShuttingDown())

    async def _begin(
        self, principal: Principal, completion_input: CompletionInput, address: str
    ) -> Completion:
        info = self._generation.ready()
        check_sampling(completion_input.sampling)
        digest = self._digest(principal, completion_input, info)
        cached = self._cache.find(digest) if self._cache and digest else None
        prompt = None if cached else await self._prepare_to_answer(completion_input, info)
        with ExitStack() as undo:
            user_id, account = principal.user.id, Account.without_link(principal.user)
            reservation = await self._generation.reserve(
                user_id, undo, address=address, account=account
            )
            await self._key_limits.check(principal, reservation.refunds)
            if cached:
                return await self._repeat(principal, completion_input, cached, reservation)
            slot = self._generation.enqueue(user_id, reservation, undo, Source.API)
            undo.pop_all()
        assert prompt is not None  # only a cached answer has none
        request = self._request(principal, completion_input, prompt)
        completion = Completion(completion_input.id, principal, self._clock())
        self._running[completion_input.id] = completion
        sink = _CompletionSink(_Work(completion, completion_input, request, digest), self._finish)
        self._generation.start(request, slot, completion, sink)
        return completion

    def _request(
        self, principal: Principal, completion_input: CompletionInput, prompt: PreparedPrompt
    ) -> GenerationRequest:
        return GenerationRequest(
            id=completion_input.id,
            source=Source.API,
            user_id=principal.user.id,
            prompt=prompt,
            options=ChatOptions(_system_prompt(prompt.messages), seeded(completion_input.sampling)),
            engine=self._generation.engine,
            extras=completion_input.extras,
            key_id=principal.key.id if principal.key else None,
        )

    async def _prepare(self, prompt: Prompt, tools: Sequence[Tool]) -> PreparedPrompt:
        info = self._generation.ready()
        limit = max(MAX_CHARACTERS, 8 * info.context_length)
        if (length := _characters(prompt, tools)) > limit:
            raise PromptTooLong(
                f"This model's maximum context length is {info.context_length} tokens. "
                f"The prompt has {length} characters; more than {limit} are not read.",
                characters=length,
                limit=limit,
            )
        return await self._generation.engine.prepare(prompt, tools)

    async def _prepare_to_answer(
        self, completion_input: CompletionInput, info: EngineInfo
    ) -> PreparedPrompt:
        prompt = await self._prepare(completion_input.prompt, completion_input.extras.tools)
        if prompt.tokens >= info.context_length:
            raise PromptTooLong(
                f"This model's maximum context length is {info.context_length} tokens, with at "
                f"least one for the answer. The prompt has {prompt.tokens} tokens: shorten it.",
                tokens=prompt.tokens,
                limit=info.context_length,
            )
        return prompt

    def _digest(
        self, principal: Principal, completion_input: CompletionInput, info: EngineInfo
    ) -> str | None:
        """The cache key of a request; None where its answer is random or must be a new one."""
        sampling = completion_input.sampling.over(info.defaults)
        repeatable = sampling.temperature == 0 or sampling.seed is not None
        if not (completion_input.cached and repeatable):
            return None
        model = (info.engine, info.model, info.revision, info.quantization)
        whole = repr(
            (principal.id, model, completion_input.prompt, sampling, completion_input.extras)
        )
        return hashlib.sha256(whole.encode()).hexdigest()

    async def _repeat(
        self,
        principal: Principal,
        completion_input: CompletionInput,
        cached: CachedAnswer,
        reservation: QuotaReservation,
    ) -> Completion:
        """An answer from the cache, in its old pieces: it costs one request and no tokens."""
        await reservation.spend(0)
        await self._key_limits.spend(principal, 0)
        completion = Completion(completion_input.id, principal, self._clock())
        completion.from_cache = True
        record = replace(
            cached.record,
            id=completion_input.id,
            principal=principal,
            created_at=completion.created_at,
            timing=Timing(),
            from_cache=True,
        )
        self._generation.record(
            GenerationSummary(
                source=Source.API,
                reason=str(record.finish),
                usage=record.usage,
                timing=record.timing,
                from_cache=True,
                id=record.id,
                user_id=principal.user.id,
                model=record.provenance.model if record.provenance else None,
                key_id=principal.key.id if principal.key else None,
            )
        )
        self._remember(record, completion_input)
        completion.add(*cached.deltas)
        completion.complete(record)
        return completion

    async def _finish(self, work: "_Work", result: GenerationResult) -> GenerationResult:
        completion, error = work.completion, result.error
        if type(error) is AppError:  # an unexpected exception
            error = EngineFailed()
        record = _record_of(work, result)
        try:
            if result.started and not result.refused:
                tokens = record.usage.prompt_tokens + record.usage.completion_tokens
                await self._key_limits.spend(completion.principal, tokens)
        finally:
            del self._running[completion.id]
            self._remember(record, work.completion_input)
            if self._cache and work.digest and record.finish and not error:
                self._cache.keep(work.digest, CachedAnswer(record, completion.deltas))
            completion.complete(record, error)
        return replace(result, error=error)

    def _remember(self, record: CompletionRecord, completion_input: CompletionInput) -> None:
        if completion_input.remembered and record.finish:
            self._recent.keep(replace(record, scores=()))


@dataclass(frozen=True, slots=True)
class _Work:
    """What one completion is made from; `digest` is its cache key, if it has one."""

    completion: Completion
    completion_input: CompletionInput
    request: GenerationRequest
    digest: str | None


class _CompletionSink(GenerationSink):
    """Passes deltas to the completion, and the result to the service."""

    def __init__(self, work: _Work, finish: "_Finish") -> None:
        self._work = work
        self._finish = finish

    async def take(self, draft: Draft, delta: Delta) -> None:
        self._work.completion.add(delta)

    async def finish(self, result: GenerationResult) -> GenerationResult:
        return await self._finish(self._work, result)


_Finish = Callable[[_Work, GenerationResult], Awaitable[GenerationResult]]


def _record_of(work: _Work, result: GenerationResult) -> CompletionRecord:
    return CompletionRecord(
        id=work.completion_input.id,
        principal=work.completion.principal,
        created_at=work.completion.created_at,
        prompt=work.completion_input.prompt,
        extras=work.completion_input.extras,
        text=result.text[len(work.request.continued) :],
        usage=result.usage,
        finish=result.finish,
        calls=result.calls,
        scores=result.scores,
        timing=result.timing,
        provenance=result.provenance,
    )


def _characters(prompt: Prompt, tools: Sequence[Tool]) -> int:
    texts = [prompt] if isinstance(prompt, str) else [turn.content for turn in prompt]
    if not isinstance(prompt, str):
        texts += [call.arguments for turn in prompt for call in turn.calls]
    texts += [tool.parameters + tool.description for tool in tools]
    return sum(map(len, texts))


def _system_prompt(messages: Sequence[ChatMessage]) -> str:
    return messages[0].content if messages and messages[0].role is Role.SYSTEM else ""
