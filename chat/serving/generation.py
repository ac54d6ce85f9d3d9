"""The life of one generation: reserve quota, queue, generate, bill, record.

Shared by the page, the API and regression cases. Owns the time-outs, the cache salt, the outcome of
a cancellation and the end-of-request record. Knows no conversation, no wire format and no verdict:
what belongs to one caller alone is in its `GenerationSink`.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, aclosing, contextmanager, suppress
from dataclasses import dataclass

from chat.accounts.models import Account
from chat.accounts.quotas import QuotaReservation, Quotas
from chat.errors import AppError
from chat.models import ChatMessage, Role, Status, Timing, Usage
from chat.serving.admission import Admission, QueueTicket
from chat.serving.draft import Draft
from chat.serving.engines import Engines, serving
from chat.serving.errors import EngineStalled, QueueTimeout, RequestTimeout, ShuttingDown
from chat.serving.handle import CancelReason, GenerationHandle, GenerationResult, GenerationSink
from chat.serving.models import Delta, EngineInfo
from chat.serving.observer import GenerationSummary, NullObserver, Observer, Source
from chat.serving.ports import Engine
from chat.serving.prefixes import SeenPrefixes
from chat.serving.provenance import provenance
from chat.serving.request import GenerationRequest, GenerationSlot

log = logging.getLogger("qwen_chat.requests")

TICK_S = 1.0
"""How often a queued request reports its position.

Gradio notices a closed tab only when the handler yields, so a page must yield at least this often.
"""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Longest times of one request, in seconds: in the queue, between two deltas, generating."""

    queue_s: float
    stall_s: float
    request_s: float


@dataclass(frozen=True, slots=True)
class _Running:
    """A started generation with everything that its supervisor needs."""

    request: GenerationRequest
    info: EngineInfo | None
    slot: GenerationSlot
    draft: Draft
    handle: GenerationHandle
    sink: GenerationSink
    task: asyncio.Task[None]


class Generation:
    """The service that runs generations.

    Without `quotas` no user is limited. With `share_prefixes` the engine may reuse what it has read
    for another user.
    """

    def __init__(
        self,
        *,
        engines: Engines,
        admission: Admission,
        timeouts: Timeouts,
        quotas: Quotas | None = None,
        observer: Observer | None = None,
        share_prefixes: bool = False,
    ) -> None:
        self.engines = engines
        self.observer = observer or NullObserver()
        self._admission = admission
        self._timeouts = timeouts
        self._quotas = quotas
        self._share_prefixes = share_prefixes
        self._seen = SeenPrefixes()
        self._closing = False
        self._supervisors: dict[asyncio.Task[None], _Running] = {}

    @property
    def engine(self) -> Engine:
        """The engine that serves where none is named."""
        return self.engines.first

    def ready(self) -> EngineInfo:
        """What the first engine serves. Raises EngineNotReady."""
        return serving(self.engine)

    @contextmanager
    def counted_refusals(self, source: Source) -> Iterator[None]:
        """Count an AppError raised inside as a refused request."""
        try:
            yield
        except AppError as error:
            self.observer.refused(source, error.code)
            raise

    async def reserve(
        self, user_id: str, undo: ExitStack, *, address: str = "", account: Account | None = None
    ) -> QuotaReservation:
        """Reserve quota for one request; `undo` releases it, and the request counts in no limit.

        `account` is the user's, where this request has read it already.
        Raises QuotaExceeded kinds, NotFound.
        """
        reservation = (
            await self._quotas.check(user_id, address=address, account=account)
            if self._quotas
            else QuotaReservation()
        )
        undo.callback(reservation.refuse)
        return reservation

    def enqueue(
        self, user_id: str, reservation: QuotaReservation, undo: ExitStack, source: Source
    ) -> GenerationSlot:
        """Take a place in the queue, before anything is stored; `undo` releases it.

        Requests of the page go before all others.
        Raises TooManyWaiting, Busy, ShuttingDown.
        """
        if self._closing:
            raise ShuttingDown
        if info := self.engine.info:
            self._admission.limit(info.max_concurrent)
        allowance = reservation.allowance
        ticket = self._admission.enter(
            user_id,
            running=allowance.running,
            waiting=allowance.waiting,
            by_program=source is not Source.PAGE,
        )
        undo.callback(ticket.give_back)
        return GenerationSlot(reservation, ticket)

    def start(
        self,
        request: GenerationRequest,
        slot: GenerationSlot,
        handle: GenerationHandle,
        sink: GenerationSink,
    ) -> None:
        """Start a generation, which owns `slot` from now on. `handle` watches and cancels it."""
        draft = Draft([request.continued] if request.continued else [])
        # Both tasks are created here: a cancellation that comes before the first of them runs must
        # find a task to cancel.
        task = asyncio.create_task(self._generate(request, slot.ticket, draft, sink))
        handle.attach(task)
        running = _Running(request, request.engine.info, slot, draft, handle, sink, task)
        supervisor = asyncio.create_task(self._supervise(running))
        self._supervisors[supervisor] = running
        supervisor.add_done_callback(self._supervisors.pop)

    async def run(self, request: GenerationRequest, slot: GenerationSlot) -> GenerationResult:
        """Generate while the caller waits; when the caller is cancelled, this is cancelled too."""
        handle = GenerationHandle()
        self.start(request, slot, handle, GenerationSink())
        try:
            return await handle.result()
        except asyncio.CancelledError:
            handle.cancel()
            await handle.result()
            raise

    async def close(self, source: Source, grace_s: float, reason: CancelReason) -> None:
        """Accept no more requests, and end those of `source`.

        They get `grace_s` seconds to finish; what runs then is cancelled for `reason`.
        """
        self._closing = True
        if supervisors := self._of(source):
            await asyncio.wait(supervisors, timeout=grace_s)
        supervisors = self._of(source)
        for running in supervisors.values():
            running.handle.cancel(reason)
        if supervisors:
            await asyncio.wait(supervisors)

    def record(self, summary: GenerationSummary) -> None:
        """Write the end-of-request log line, and count the request."""
        timing, usage = summary.timing or Timing(), summary.usage
        fields = {
            "id": summary.id,
            "door": summary.source.value,
            "user": summary.user_id,
            "conversation": summary.conversation_id,
            "key": summary.key_id,
            "model": summary.model,
            "queue_s": round(timing.queue_s, 3),
            "prefill_s": round(timing.prefill_s, 3),
            "ttft_s": round(timing.ttft_s, 3),
            "total_s": round(timing.total_s, 3),
            "prompt_tokens": usage.prompt_tokens if usage else None,
            "reused_tokens": timing.reused_prompt_tokens,
            "completion_tokens": usage.completion_tokens if usage else None,
            "cache": "hit" if summary.from_cache else None,
            "finish": summary.reason,
        }
        optional = ("conversation", "key", "cache")
        log.info(
            "request",
            extra={k: v for k, v in fields.items() if v is not None or k not in optional},
        )
        self.observer.ended(summary)

    def _of(self, source: Source) -> dict[asyncio.Task[None], _Running]:
        return {
            task: running
            for task, running in self._supervisors.items()
            if running.request.source is source
        }

    async def _supervise(self, running: _Running) -> None:
        """Bill and record, in a task of its own: `cancel` reaches only the generating task."""
        await asyncio.wait({running.task})
        result = _result_of(running)
        try:
            if result.refused:
                running.slot.reservation.refuse()
            elif result.started:
                tokens = result.usage.prompt_tokens + result.usage.completion_tokens
                await running.slot.reservation.spend(tokens)
            result = await running.sink.finish(result)
        finally:
            running.slot.release()
            self.record(_summary_of(running.request, result))
            running.handle.end(result)

    async def _generate(
        self, request: GenerationRequest, ticket: QueueTicket, draft: Draft, sink: GenerationSink
    ) -> None:
        await self._wait_in_queue(ticket, draft, sink)
        sink.started()
        draft.own_prompt_tokens = self._own_prompt_tokens(request)
        messages, tools = request.prompt.messages, request.extras.tools
        self._seen.note(request.user_id, messages, tools)
        try:
            await self._stream(request, draft, sink)
        finally:
            self._seen.note(request.user_id, _with_answer(messages, draft), tools)

    async def _wait_in_queue(self, ticket: QueueTicket, draft: Draft, sink: GenerationSink) -> None:
        """Return when the generation may begin. Raises QueueTimeout."""
        entered_at = time.monotonic()
        deadline = entered_at + self._timeouts.queue_s
        while not ticket.admitted.is_set():
            if time.monotonic() >= deadline:
                raise QueueTimeout(seconds=self._timeouts.queue_s)
            sink.queued(ticket)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(TICK_S, max(0.0, deadline - time.monotonic()))):
                    await ticket.admitted.wait()
        draft.started_at = time.monotonic()
        draft.queue_s = draft.started_at - entered_at

    async def _stream(self, request: GenerationRequest, draft: Draft, sink: GenerationSink) -> None:
        """Raises RequestTimeout, EngineStalled, and what the engine and the sink raise."""
        salt = "" if self._share_prefixes else request.user_id
        stream = request.engine.generate(
            request.prompt, request.options.sampling, salt=salt, extras=request.extras
        )
        try:
            async with asyncio.timeout(self._timeouts.request_s), aclosing(stream) as deltas:
                async for delta in unless_stalled(deltas, self._timeouts.stall_s):
                    draft.take(delta)
                    await sink.take(draft, delta)
        except TimeoutError:
            raise RequestTimeout(seconds=self._timeouts.request_s) from None

    def _own_prompt_tokens(self, request: GenerationRequest) -> int | None:
        """How many tokens of the prompt this user sent before; None: all of them."""
        messages = request.prompt.messages
        if not messages:  # bare text has no turns: only the salt separates users there
            return 0 if self._share_prefixes else None
        seen = self._seen.seen_messages(request.user_id, messages, request.extras.tools)
        return None if seen == len(messages) else request.prompt.prefix_tokens(seen)


async def unless_stalled(deltas: AsyncIterator[Delta], stall_s: float) -> AsyncIterator[Delta]:
    """The same deltas. Raises EngineStalled when the next one takes longer than `stall_s`.

    An engine sends empty deltas to requests that wait or whose prompt is being read, after each
    step. A hung step sends nothing to anybody, so silence means a hung step.
    """
    while True:
        try:
            async with asyncio.timeout(stall_s):
                delta = await anext(deltas)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise EngineStalled(seconds=stall_s) from None
        yield delta


def _result_of(running: _Running) -> GenerationResult:
    request, draft = running.request, running.draft
    status, error = _outcome(running)
    last = draft.last
    return GenerationResult(
        status=status,
        error=error,
        text=draft.text,
        usage=last.usage or Usage(request.prompt.tokens, last.completion_tokens),
        timing=draft.timing(),
        started=draft.started_at is not None,
        finish=last.finish,
        calls=draft.calls,
        scores=tuple(draft.scores),
        prompt_scores=tuple(draft.prompt_scores),
        provenance=provenance(
            running.info,
            request.prompt.prompt,
            request.options,
            dropped_turns=request.dropped_turns,
            continued=request.continued,
        ),
    )


def _outcome(running: _Running) -> tuple[Status, AppError | None]:
    if running.task.cancelled():
        reason = running.handle.cancel_reason or Status.INTERRUPTED
        return (Status.ERROR, reason) if isinstance(reason, AppError) else (reason, None)
    error = running.task.exception()
    if error is None or isinstance(error, AppError):
        return (Status.ERROR if error else Status.DONE), error
    log.error("request %s failed", running.request.id, exc_info=error)
    return Status.ERROR, AppError()


def _summary_of(request: GenerationRequest, result: GenerationResult) -> GenerationSummary:
    return GenerationSummary(
        source=request.source,
        reason=result.reason,
        failed=result.error is not None,
        usage=result.usage,
        timing=result.timing,
        id=request.id,
        user_id=request.user_id,
        model=result.provenance.model if result.provenance else None,
        conversation_id=request.conversation_id,
        key_id=request.key_id,
    )


def _with_answer(messages: Sequence[ChatMessage], draft: Draft) -> Sequence[ChatMessage]:
    """The messages with the answer; the draft holds a continued answer as a whole."""
    if not messages:
        return ()
    before = messages[:-1] if messages[-1].partial else messages
    return (*before, ChatMessage(Role.ASSISTANT, draft.text, draft.calls))
