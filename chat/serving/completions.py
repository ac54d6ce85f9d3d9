"""Answers for programs: refused or generated, repeated from the cache, found again for a while.

Owns the order of the steps: what can be refused is refused before a place in the queue is taken.
Stores nothing. Knows no wire format and no header.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Protocol

from chat.accounts.errors import BadKey, SignInNeeded
from chat.accounts.models import Account, Clock, Principal, utc_now
from chat.errors import AppError
from chat.models import (
    BarePrompt,
    ChatMessage,
    ChatOptions,
    Prompt,
    Role,
    Timing,
)
from chat.serving.choices import Choices, first_end
from chat.serving.completion import Completion, CompletionRecord
from chat.serving.draft import Draft
from chat.serving.errors import Busy, EngineFailed, PromptTooLong, ShuttingDown, TooManyWaiting
from chat.serving.generation import Generation
from chat.serving.handle import GenerationResult, GenerationSink
from chat.serving.models import Delta, EngineInfo, PreparedPrompt
from chat.serving.observer import GenerationSummary, Source
from chat.serving.planning import ChoicePlan, CompletionInput, characters_of, record_of
from chat.serving.request import GenerationRequest, GenerationSlot, seeded
from chat.serving.response_cache import CachedAnswer, RecentAnswers, ResponseCache
from chat.tools import Tool
from chat.validation import MAX_CHARACTERS, check_sampling

__all__ = ["CompletionInput", "Completions", "KeyQuota", "NoKeyQuota"]


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
        self._starting: set[asyncio.Task[None]] = set()

    @property
    def info(self) -> EngineInfo:
        """What is serving. Raises EngineNotReady."""
        return self._generation.ready()

    async def begin(
        self, principal: Principal, completion_input: CompletionInput, *, address: str = ""
    ) -> Completion:
        """Start an answer, which waits in the queue by itself. Raises as `begin_choices`."""
        choices = await self.begin_choices(principal, [completion_input], address=address)
        return choices.completions[0]

    async def begin_choices(
        self, principal: Principal, inputs: Sequence[CompletionInput], *, address: str = ""
    ) -> Choices:
        """Start the answers of one request, which wait in the queue by themselves.

        Each of them counts as a request. The first one is refused where it has no place; the others
        take theirs when the ones before them end, as many at once as the user may have.
        Raises EngineNotReady, InvalidSetting, BadText, PromptTooLong, BadRequest, QuotaExceeded
        kinds, TooManyWaiting, Busy, ShuttingDown. What the engine refuses later, BadSchema
        included, is the completion's error.
        """
        with self._generation.counted_refusals(Source.API):
            return await self._begin(principal, inputs, address)

    async def tokenize(
        self, prompt: Prompt | BarePrompt, tools: Sequence[Tool] = ()
    ) -> Sequence[int]:
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
        self, principal: Principal, inputs: Sequence[CompletionInput], address: str
    ) -> Choices:
        plans = await self._plans(principal, inputs)
        user_id, account = principal.user.id, Account.without_link(principal.user)
        with ExitStack() as undo:
            for plan in plans:
                plan.reservation = await self._generation.reserve(
                    user_id, undo, address=address, account=account
                )
                await self._key_limits.check(principal, plan.reservation.refunds)
            waiting = [plan for plan in plans if not plan.cached]
            slot = None
            if waiting:
                first = waiting[0].reservation
                slot = self._generation.enqueue(user_id, first, undo, Source.API)
            undo.pop_all()
        self._running |= {plan.completion.id: plan.completion for plan in waiting}
        if slot:
            self._start(waiting[0], slot)
        if len(waiting) > 1:
            task = asyncio.create_task(self._start_others(waiting))
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)
        for plan in plans:
            if plan.cached:
                await self._repeat(plan, plan.cached)
        return Choices([plan.completion for plan in plans])

    async def _plans(
        self, principal: Principal, inputs: Sequence[CompletionInput]
    ) -> list[ChoicePlan]:
        """Everything that can be done, or refused, before a place in the queue is taken."""
        info = self._generation.ready()
        plans: list[ChoicePlan] = []
        prepared: PreparedPrompt | None = None
        for number, each in enumerate(inputs):
            check_sampling(each.sampling)
            if number and each.prompt is not inputs[number - 1].prompt:
                prepared = None
            digest = self._digest(principal, each, info)
            cached = self._cache.find(digest) if self._cache and digest else None
            if cached:
                request, prompt = None, cached.record.prompt
            else:
                prepared = prepared or await self._prepare_to_answer(each, info)
                request, prompt = self._request(principal, each, prepared), prepared.prompt
            completion = Completion(each.id, principal, self._clock(), prompt)
            plans.append(ChoicePlan(each, completion, request, cached, digest))
        return plans

    async def _start_others(self, plans: Sequence[ChoicePlan]) -> None:
        """Start all but the first, each when there is a place for it; at the end none is open."""
        started, others = [plans[0]], deque(plans[1:])
        error: AppError = EngineFailed()
        try:
            while others:
                if reason := others[0].completion.cancel_reason:
                    self._abandon(
                        others.popleft(), reason if isinstance(reason, AppError) else None
                    )
                    continue
                running = [plan for plan in started if not plan.completion.has_ended]
                slot = self._slot(others[0], running)
                if slot is None:
                    await first_end([plan.completion for plan in running])
                else:
                    started.append(others.popleft())
                    self._start(started[-1], slot)
        except AppError as refusal:
            error = refusal
        finally:
            for plan in others:
                self._abandon(plan, error)

    def _slot(self, plan: ChoicePlan, running: Sequence[ChoicePlan]) -> GenerationSlot | None:
        """A place for a choice; None where it has to wait for one that is `running`.

        Raises TooManyWaiting, Busy, ShuttingDown, EngineNotReady.
        """
        most = min(plan.reservation.allowance.running, self.info.max_concurrent)
        if running and len(running) >= most:
            return None
        user_id = plan.completion.principal.user.id
        try:
            with ExitStack() as undo:
                slot = self._generation.enqueue(user_id, plan.reservation, undo, Source.API)
                undo.pop_all()
        except (TooManyWaiting, Busy):
            if running:
                return None
            raise
        return slot

    def _start(self, plan: ChoicePlan, slot: GenerationSlot) -> None:
        assert plan.request
        sink = _CompletionSink(plan, self._finish)
        self._generation.start(plan.request, slot, plan.completion, sink)

    def _abandon(self, plan: ChoicePlan, error: AppError | None) -> None:
        """End a choice that was not started."""
        plan.reservation.give_back()
        del self._running[plan.completion.id]
        plan.completion.complete(record_of(plan, None), error)

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

    async def _prepare(self, prompt: Prompt | BarePrompt, tools: Sequence[Tool]) -> PreparedPrompt:
        info = self._generation.ready()
        limit = max(MAX_CHARACTERS, 8 * info.context_length)
        if (length := characters_of(prompt, tools)) > limit:
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

    async def _repeat(self, plan: ChoicePlan, cached: CachedAnswer) -> None:
        """Give an answer from the cache, in its old pieces: it costs one request and no tokens."""
        completion, principal = plan.completion, plan.completion.principal
        await plan.reservation.spend(0)
        await self._key_limits.spend(principal, 0)
        completion.from_cache = True
        record = replace(
            cached.record,
            id=completion.id,
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
        self._remember(record, plan)
        completion.add(*cached.deltas)
        completion.complete(record)

    async def _finish(self, plan: ChoicePlan, result: GenerationResult) -> GenerationResult:
        completion, error = plan.completion, result.error
        if type(error) is AppError:  # an unexpected exception
            error = EngineFailed()
        record = record_of(plan, result)
        try:
            if result.started and not result.refused:
                tokens = record.usage.prompt_tokens + record.usage.completion_tokens
                await self._key_limits.spend(completion.principal, tokens)
        finally:
            del self._running[completion.id]
            self._remember(record, plan)
            if self._cache and plan.digest and record.finish and not error:
                self._cache.keep(plan.digest, CachedAnswer(record, completion.deltas))
            completion.complete(record, error)
        return replace(result, error=error)

    def _remember(self, record: CompletionRecord, plan: ChoicePlan) -> None:
        if plan.completion_input.remembered and record.finish:
            self._recent.keep(replace(record, scores=(), prompt_scores=()))


class _CompletionSink(GenerationSink):
    """Passes deltas to the completion, and the result to the service."""

    def __init__(self, plan: ChoicePlan, finish: "_Finish") -> None:
        self._plan = plan
        self._finish = finish

    async def take(self, draft: Draft, delta: Delta) -> None:
        self._plan.completion.add(delta)

    async def finish(self, result: GenerationResult) -> GenerationResult:
        return await self._finish(self._plan, result)


_Finish = Callable[[ChoicePlan, GenerationResult], Awaitable[GenerationResult]]


def _system_prompt(messages: Sequence[ChatMessage]) -> str:
    return messages[0].content if messages and messages[0].role is Role.SYSTEM else ""
