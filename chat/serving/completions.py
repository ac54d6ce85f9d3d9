"""Answers for programs: refused or written, given again from the cache, found again for a while.

Owns the order of the steps: what can be refused is refused before there is a place in the queue.
Nothing is stored. Knows no wire format and no header; conversations are `chat.jobs`' business.
"""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Protocol

from chat.accounts.errors import BadKey, SignInNeeded
from chat.accounts.models import Clock, Principal, utc_now
from chat.accounts.quotas import QuotaReservation
from chat.errors import AppError
from chat.models import ChatMessage, ChatOptions, Prompt, Role, Sampling, Status, Timing, Usage
from chat.serving.admission import QueueTicket
from chat.serving.completion import Completion, CompletionRecord
from chat.serving.draft import Draft
from chat.serving.errors import EngineFailed, PromptTooLong, ShuttingDown
from chat.serving.generation import GenerationRequest, GenerationSummary, Generator, seeded
from chat.serving.models import Delta, EngineInfo
from chat.serving.observer import Source
from chat.serving.provenance import provenance
from chat.serving.response_cache import CachedAnswer, RecentAnswers, ResponseCache
from chat.tools import NO_EXTRAS, Extras, Tool
from chat.validation import MAX_CHARACTERS, check_sampling

log = logging.getLogger("qwen_chat.requests")


class KeyQuota(Protocol):
    """What a caller's key may use, beside what its owner may."""

    async def check(self, principal: Principal) -> None:
        """Count one request. Raises TooManyRequests, TokensUsedUp."""
        ...

    async def spend(self, principal: Principal, tokens: int) -> None: ...


class NoKeyQuota:
    """Every key may use what its owner may."""

    async def check(self, principal: Principal) -> None:
        pass

    async def spend(self, principal: Principal, tokens: int) -> None:
        pass


@dataclass(frozen=True, slots=True)
class CompletionInput:
    """What a program asks for, under the `id` that its answer will have.

    With `cached` an answer may be one that was given before; `remembered` answers are found again.
    """

    id: str
    prompt: Prompt
    sampling: Sampling = field(default_factory=Sampling)
    extras: Extras = NO_EXTRAS
    cached: bool = True
    remembered: bool = True


@dataclass(frozen=True, slots=True)
class _Work:
    """What one completion is made from, and what it has taken."""

    completion: Completion
    asked: CompletionInput
    wish: GenerationRequest
    info: EngineInfo
    prompt_tokens: int
    draft: Draft
    ticket: QueueTicket
    permit: QuotaReservation
    digest: str | None

    @property
    def begun(self) -> str:
        """What the answer began with before anything was written."""
        last = None if isinstance(self.asked.prompt, str) else self.asked.prompt[-1]
        return last.content if last and last.role is Role.ASSISTANT else ""


class Completions:
    """The service behind the API."""

    def __init__(
        self,
        *,
        writer: Generator,
        key_limits: KeyQuota | None = None,
        cache: ResponseCache | None = None,
        recent: RecentAnswers | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._writer = writer
        self._key_limits = key_limits or NoKeyQuota()
        self._cache = cache
        self._recent = recent or RecentAnswers()
        self._clock = clock
        self._open: dict[str, Completion] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def info(self) -> EngineInfo:
        """What is serving. Raises EngineNotReady."""
        return self._writer.ready()

    async def begin(
        self, principal: Principal, asked: CompletionInput, *, address: str = ""
    ) -> Completion:
        """Begin to write an answer; it waits for its place by itself.

        Raises EngineNotReady, InvalidSetting, BadText, PromptTooLong, BadRequest, QuotaExceeded
        kinds, TooManyWaiting, Busy, ShuttingDown. What the engine refuses later, BadSchema with it,
        is the completion's error.
        """
        try:
            return await self._begin(principal, asked, address)
        except AppError as error:
            self._writer.refused(Source.API, error)
            raise

    async def tokenize(self, prompt: Prompt, tools: Sequence[Tool] = ()) -> Sequence[int]:
        """The token ids of a prompt. Raises EngineNotReady, BadRequest, PromptTooLong."""
        info = self._writer.ready()
        limit = max(MAX_CHARACTERS, 8 * info.context_length)
        if (length := _characters(prompt, tools)) > limit:
            raise PromptTooLong(
                f"The prompt has {length} characters; more than {limit} are not read.",
                characters=length,
                limit=limit,
            )
        return await self._writer.engine.tokenize(prompt, tools)

    def find(self, user_id: str, id: str) -> CompletionRecord:
        """An answer that was given to a program of that user a while ago. Raises NotFound."""
        return self._recent.find(user_id, id)

    @property
    def open(self) -> int:
        """How many answers are being written, or wait for that."""
        return len(self._open)

    def callers(self) -> frozenset[Principal]:
        """For whom an answer is being written, or waits for that."""
        return frozenset(completion.caller for completion in self._open.values())

    def stop_of(self, caller_id: str) -> None:
        """End every answer for that caller, who may not be here any more."""
        for completion in list(self._open.values()):
            if completion.caller.id == caller_id:
                completion.cancel(BadKey() if completion.caller.key else SignInNeeded())

    async def close(self, grace_s: float) -> None:
        """Let running answers finish for `grace_s` seconds, then end the rest."""
        self._writer.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        for completion in list(self._open.values()):
            completion.cancel(ShuttingDown())
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _begin(
        self, principal: Principal, asked: CompletionInput, address: str
    ) -> Completion:
        info = self._writer.ready()
        check_sampling(asked.sampling)
        digest = self._digest(principal, asked, info)
        kept = self._cache.find(digest) if self._cache and digest else None
        prompt_tokens = 0 if kept else await self._count(asked, info)
        with ExitStack() as undo:
            await self._key_limits.check(principal)
            permit = await self._writer.permit(principal.user.id, undo, address=address)
            if kept:
                return await self._again(principal, asked, kept, permit)
            ticket = self._writer.enter(principal.user.id, permit, undo)
            undo.pop_all()
        sampling = seeded(asked.sampling)
        wish = GenerationRequest(principal.user.id, asked.prompt, sampling, asked.extras)
        completion = Completion(asked.id, principal, self._clock())
        work = _Work(completion, asked, wish, info, prompt_tokens, Draft(), ticket, permit, digest)
        self._start(work)
        return completion

    async def _count(self, asked: CompletionInput, info: EngineInfo) -> int:
        tokens = len(await self.tokenize(asked.prompt, asked.extras.tools))
        if tokens >= info.context_length:
            raise PromptTooLong(
                f"The prompt has {tokens} tokens; "
                f"the model takes {info.context_length}, with at least one for the answer.",
                tokens=tokens,
                limit=info.context_length,
            )
        return tokens

    def _digest(self, principal: Principal, asked: CompletionInput, info: EngineInfo) -> str | None:
        """What tells this request from all others; None if another answer would be as right."""
        sampling = asked.sampling.over(info.defaults)
        repeatable = sampling.temperature == 0 or sampling.seed is not None
        if not (asked.cached and repeatable):
            return None
        model = (info.engine, info.model, info.revision, info.quantization)
        whole = repr((principal.id, model, asked.prompt, sampling, asked.extras))
        return hashlib.sha256(whole.encode()).hexdigest()

    async def _again(
        self,
        principal: Principal,
        asked: CompletionInput,
        kept: CachedAnswer,
        permit: QuotaReservation,
    ) -> Completion:
        """The same pieces once more: a request, and no tokens."""
        await permit.spend(0)
        await self._key_limits.spend(principal, 0)
        completion = Completion(asked.id, principal, self._clock())
        completion.from_cache = True
        written = replace(
            kept.written,
            id=asked.id,
            caller=principal,
            created_at=completion.created_at,
            timing=Timing(),
            from_cache=True,
        )
        self._note(written, asked, str(written.finish))
        completion.take(*kept.deltas)
        completion.end(written)
        return completion

    def _start(self, work: _Work) -> None:
        completion = work.completion
        self._open[completion.id] = completion
        if work.begun:
            work.draft.pieces.append(work.begun)
        # Both tasks now: a hang-up that comes before the first of them runs can cancel something.
        writing = asyncio.create_task(self._write(work))
        completion.written_by(writing)
        task = asyncio.create_task(self._run(work, writing))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, work: _Work) -> None:
        async def take(delta: Delta) -> None:
            work.completion.take(delta)

        await self._writer.wait_for_place(work.ticket, work.draft)
        await self._writer.write(work.wish, work.draft, take)

    async def _run(self, work: _Work, writing: asyncio.Task[None]) -> None:
        """Supervise the writing, a task of its own: no cancellation meets the bill."""
        completion = work.completion
        await asyncio.wait({writing})
        error = _error_of(completion, writing)
        written = self._written(work)
        try:
            tokens = await self._writer.bill(work.permit, work.draft, written.usage)
            if work.draft.started_at is not None:
                await self._key_limits.spend(completion.caller, tokens)
        finally:
            work.permit.give_back()
            work.ticket.give_back()
            del self._open[completion.id]
            stopped = written.finish or Status.STOPPED
            self._note(written, work.asked, error.code if error else stopped.value, error)
            if self._cache and work.digest and written.finish and not error:
                self._cache.keep(work.digest, CachedAnswer(written, completion.deltas))
            completion.end(written, error)

    def _written(self, work: _Work) -> CompletionRecord:
        asked, draft, last = work.asked, work.draft, work.draft.last
        turns = () if isinstance(asked.prompt, str) else tuple(asked.prompt)
        options = ChatOptions(_system_prompt(turns), work.wish.sampling)
        source = provenance(work.info, turns, options, continued=work.begun)
        if source and isinstance(asked.prompt, str):
            digest = hashlib.sha256(asked.prompt.encode()).hexdigest()
            source = replace(source, prompt_sha256=digest)
        return CompletionRecord(
            id=asked.id,
            caller=work.completion.caller,
            created_at=work.completion.created_at,
            prompt=asked.prompt,
            extras=asked.extras,
            text=draft.text[len(work.begun) :],
            usage=last.usage or Usage(work.prompt_tokens, last.completion_tokens),
            finish=last.finish,
            calls=draft.calls,
            scores=tuple(draft.scores),
            timing=draft.timing(),
            provenance=source,
        )

    def _note(
        self,
        written: CompletionRecord,
        asked: CompletionInput,
        reason: str,
        error: AppError | None = None,
    ) -> None:
        """Tell of an answer that has ended, and remember it if it is a whole one."""
        caller = written.caller
        self._writer.ended(
            GenerationSummary(
                id=written.id,
                door=Source.API,
                user_id=caller.user.id,
                model=written.provenance.model if written.provenance else None,
                reason=reason,
                failed=error is not None,
                usage=written.usage,
                timing=written.timing,
                key=caller.key.id if caller.key else None,
                from_cache=written.from_cache,
            )
        )
        if asked.remembered and written.finish:
            self._recent.keep(replace(written, scores=()))


def _error_of(completion: Completion, writing: asyncio.Task[None]) -> AppError | None:
    if writing.cancelled():
        return completion.why
    error = writing.exception()
    if error is None or isinstance(error, AppError):
        return error
    log.error("completion %s failed", completion.id, exc_info=error)
    return EngineFailed()


def _characters(prompt: Prompt, tools: Sequence[Tool]) -> int:
    texts = [prompt] if isinstance(prompt, str) else [turn.content for turn in prompt]
    if not isinstance(prompt, str):
        texts += [call.arguments for turn in prompt for call in turn.calls]
    texts += [tool.parameters + tool.description for tool in tools]
    return sum(map(len, texts))


def _system_prompt(turns: Sequence[ChatMessage]) -> str:
    return turns[0].content if turns and turns[0].role is Role.SYSTEM else ""
