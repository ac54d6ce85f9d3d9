"""One answer being written: owned by the server, seen by many listeners, outliving the browser.

Owns the text between engine and store. Knows nothing of screens: a listener that leaves changes
nothing, only `cancel` ends an answer.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field, replace

from chat.admission import Admission, Ticket
from chat.draft import Draft, provenance
from chat.errors import (
    AnswerRunning,
    AppError,
    EngineStalled,
    NotFound,
    QueueTimeout,
    RequestTimeout,
    ShuttingDown,
    StoreFailed,
)
from chat.limits import NO_LIMITS, Permit
from chat.people import Allowance
from chat.ports import Engine, Store
from chat.reuse import OwnPrefixes
from chat.types import (
    AnswerRecord,
    ChatMessage,
    ChatOptions,
    Delta,
    Message,
    Progress,
    Role,
    Status,
    Timing,
    Usage,
)
from chat.window import Window

log = logging.getLogger("qwen_chat.requests")

FLUSH_S = 0.5
"""How much of an answer a crash may cost."""

TICK_S = 1.0
"""Listeners hear of an unchanged job this often: a page notices only then that its reader left."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an answer may take, in seconds: waiting, without a sign of life, being written."""

    queue_s: float
    stall_s: float
    request_s: float


@dataclass(frozen=True, slots=True)
class Work:
    """What a job is to do: fill the pending `answer` from the prompt in `window`.

    Text that the answer has already is continued. `options` hold the seed. `request_id` is the
    client's name for the question, empty when it has none. `permit` is spent at the end.
    """

    user: str
    answer: Message
    window: Window
    options: ChatOptions
    request_id: str = ""
    permit: Permit = field(default_factory=Permit)


class Job:
    """The handle of one answer being written."""

    def __init__(
        self, user: str, answer: Message, request_id: str = "", *, dropped_turns: int = 0
    ) -> None:
        self.user = user
        self.conversation_id = answer.conversation_id
        self.message_id = answer.id
        self.request_id = request_id
        self._progress = Progress(
            answer.id,
            text=answer.content,
            status=answer.status,
            dropped_turns=dropped_turns,
            error_code=answer.error_code,
        )
        self._changed = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._ends_as: Status | None = None

    @property
    def progress(self) -> Progress:
        return self._progress

    async def watch(self) -> AsyncIterator[Progress]:
        """The current picture at once, then the latest after each change, at least once a second.

        Ends after the picture whose status is no longer open.
        """
        while True:
            progress, changed = self._progress, self._changed
            yield progress
            if not progress.status.is_open:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await changed.wait()

    def cancel(self) -> None:
        """Stop writing; what is written stays."""
        self._end_as(Status.STOPPED)

    def _end_as(self, status: Status) -> None:
        # The first reason counts. A second cancellation would hit the task while it cleans up.
        if self._writing is not None and self._ends_as is None and not self._writing.done():
            self._ends_as = status
            self._writing.cancel()

    def _publish(self, progress: Progress) -> None:
        self._progress = progress
        self._changed.set()
        self._changed = asyncio.Event()


class Jobs:
    """All answers being written.

    With `share_prefixes` the engine may reuse for one user what it has read for another.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        store: Store,
        admission: Admission,
        limits: Limits,
        share_prefixes: bool = False,
    ) -> None:
        self._engine = engine
        self._store = store
        self._admission = admission
        self._limits = limits
        self._share_prefixes = share_prefixes
        self._jobs: dict[str, Job] = {}
        self._unsaved: dict[str, tuple[Job, AnswerRecord]] = {}
        self._changing: set[tuple[str, str]] = set()
        self._own = OwnPrefixes()
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()

    def enter(self, user: str, allowance: Allowance = NO_LIMITS) -> Ticket:
        """A place in the queue, to be taken before anything is written.

        Raises TooManyWaiting, Busy, ShuttingDown.
        """
        if self._closing:
            raise ShuttingDown
        if info := self._engine.info:
            self._admission.limit(info.max_concurrent)
        return self._admission.enter(user, running=allowance.running, waiting=allowance.waiting)

    def start(self, work: Work, ticket: Ticket) -> Job:
        """Begin to write an answer. The ticket is the job's from now on."""
        answer = work.answer
        dropped = work.window.dropped_turns
        job = Job(work.user, answer, work.request_id, dropped_turns=dropped)
        self._jobs[answer.conversation_id] = job
        draft = Draft([answer.content] if answer.content else [])
        # Both tasks now: a Stop that comes before the first of them runs has something to cancel.
        job._writing = asyncio.create_task(self._write(job, draft, work, ticket))
        task = asyncio.create_task(self._run(job, job._writing, draft, work, ticket))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def find(self, user: str, conversation_id: str) -> Job | None:
        """The job that is writing in that conversation of that user."""
        job = self._jobs.get(conversation_id)
        return job if job is not None and job.user == user else None

    def find_request(self, user: str, request_id: str) -> Job | None:
        """The job that answers that request of that user."""
        for job in self._jobs.values():
            if job.user == user and job.request_id == request_id:
                return job
        return None

    def users(self) -> frozenset[str]:
        """Whose answers are being written, or wait for that."""
        return frozenset(job.user for job in self._jobs.values())

    def conversations_of(self, user: str) -> frozenset[str]:
        """Ids of the user's conversations in which an answer is being written."""
        return frozenset(job.conversation_id for job in self._jobs.values() if job.user == user)

    @contextmanager
    def alone_in(self, user: str, conversation_id: str | None) -> Iterator[None]:
        """Between reading a conversation and changing it its owner does not change it elsewhere.

        Raises AnswerRunning when that is going on, or an answer is being written there.
        """
        if conversation_id is None:
            yield
            return
        # With the user: to somebody else a conversation must look the same, busy or not.
        place = (user, conversation_id)
        if place in self._changing or self.find(user, conversation_id):
            raise AnswerRunning
        self._changing.add(place)
        try:
            yield
        finally:
            self._changing.discard(place)

    async def settle(self, conversation_id: str) -> None:
        """Write the end of an answer that could not be written when it came. Raises StoreFailed."""
        if unsaved := self._unsaved.get(conversation_id):
            job, record = unsaved
            await self._store.finish_answer(job.user, job.message_id, record)
            self._unsaved.pop(conversation_id, None)

    async def close(self, grace_s: float) -> None:
        """Let running answers finish for `grace_s` seconds, then interrupt and save the rest."""
        self._closing = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        for job in list(self._jobs.values()):
            job._end_as(Status.INTERRUPTED)
        if self._tasks:
            await asyncio.wait(self._tasks)
        for conversation_id in list(self._unsaved):
            with suppress(StoreFailed, NotFound):  # logged when it failed first; text stays saved
                await self.settle(conversation_id)

    async def _run(
        self, job: Job, writing: asyncio.Task[None], draft: Draft, work: Work, ticket: Ticket
    ) -> None:
        """Supervise the writing, a task of its own: no cancellation meets the last write."""
        await asyncio.wait({writing})
        record = self._record(job, writing, draft, work)
        try:
            if draft.started_at is not None and record.usage:
                await work.permit.spend(record.usage.prompt_tokens + record.usage.completion_tokens)
            await self._store.finish_answer(job.user, job.message_id, record)
        except AppError as error:
            log.error("the end of answer %s could not be saved: %s", job.message_id, error)
            if isinstance(error, StoreFailed):
                self._unsaved[job.conversation_id] = (job, record)
            record = replace(record, status=Status.ERROR, error_code=error.code)
        finally:
            work.permit.give_back()
            ticket.give_back()
            del self._jobs[job.conversation_id]
            self._log(job, record)
            job._publish(_last_picture(job, record))

    async def _write(self, job: Job, draft: Draft, work: Work, ticket: Ticket) -> None:
        entered_at = time.monotonic()
        await self._wait_for_place(job, ticket)
        draft.started_at = time.monotonic()
        draft.queue_s = draft.started_at - entered_at
        draft.own_prompt_tokens = await self._own_prompt_tokens(work)
        prompt, sampling = work.window.messages, work.options.sampling
        self._own.note(work.user, prompt)
        salt = "" if self._share_prefixes else work.user
        try:
            async with (
                asyncio.timeout(self._limits.request_s),
                aclosing(self._engine.generate(prompt, sampling, salt=salt)) as deltas,
            ):
                await self._take(job, draft, deltas)
        except TimeoutError:
            raise RequestTimeout(seconds=self._limits.request_s) from None
        finally:
            said = ChatMessage(Role.ASSISTANT, draft.text)
            before = prompt[: -1 if work.answer.content else None]
            self._own.note(work.user, (*before, said))

    async def _own_prompt_tokens(self, work: Work) -> int | None:
        """How many tokens of the prompt this person sent before; None if all of it."""
        messages = work.window.messages
        known = self._own.known(work.user, messages)
        if known == len(messages):
            return None
        own = messages[:known]
        if all(message.role is Role.ASSISTANT for message in own):  # no prompt of its own
            return 0
        return await self._engine.count_tokens(own)

    async def _wait_for_place(self, job: Job, ticket: Ticket) -> None:
        deadline = time.monotonic() + self._limits.queue_s
        while not ticket.admitted.is_set():
            if time.monotonic() >= deadline:
                raise QueueTimeout(seconds=self._limits.queue_s)
            job._publish(replace(job.progress, position=ticket.position, wait_s=ticket.wait_s))
            with suppress(TimeoutError):
                async with asyncio.timeout(min(TICK_S, max(0.0, deadline - time.monotonic()))):
                    await ticket.admitted.wait()
        job._publish(replace(job.progress, status=Status.STREAMING, position=None, wait_s=None))

    async def _take(self, job: Job, draft: Draft, deltas: AsyncIterator[Delta]) -> None:
        flushed_at = time.monotonic()
        async for delta in self._watched(deltas):
            draft.take(delta)
            if delta.text:
                job._publish(_picture(job, draft))
            if time.monotonic() - flushed_at >= FLUSH_S and not delta.finish:
                await self._store.save_text(job.user, job.message_id, draft.text)
                flushed_at = time.monotonic()

    async def _watched(self, deltas: AsyncIterator[Delta]) -> AsyncIterator[Delta]:
        """The same deltas. Raises EngineStalled when none comes for too long."""
        while True:
            try:
                async with asyncio.timeout(self._limits.stall_s):
                    delta = await anext(deltas)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise EngineStalled(seconds=self._limits.stall_s) from None
            yield delta

    def _record(
        self, job: Job, writing: asyncio.Task[None], draft: Draft, work: Work
    ) -> AnswerRecord:
        cancelled = writing.cancelled()
        error = None if cancelled else writing.exception()
        if error is not None and not isinstance(error, AppError):
            log.error("answer %s failed", job.message_id, exc_info=error)
        status = Status.ERROR if error else Status.DONE
        if cancelled:
            status = job._ends_as or Status.INTERRUPTED
        return AnswerRecord(
            content=draft.text,
            status=status,
            finish=draft.last.finish,
            usage=draft.last.usage
            or Usage(work.window.prompt_tokens, draft.last.completion_tokens),
            timing=draft.timing(),
            provenance=provenance(
                self._engine.info, work.window, work.options, continued=work.answer.content
            ),
            error_code=None if error is None else getattr(error, "code", AppError.code),
        )

    @staticmethod
    def _log(job: Job, record: AnswerRecord) -> None:
        """One line per request; never its text."""
        timing, usage = record.timing or Timing(), record.usage
        log.info(
            "request",
            extra={
                "id": job.message_id,
                "user": job.user,
                "conversation": job.conversation_id,
                "model": record.provenance.model if record.provenance else None,
                "queue_s": round(timing.queue_s, 3),
                "prefill_s": round(timing.prefill_s, 3),
                "ttft_s": round(timing.ttft_s, 3),
                "total_s": round(timing.total_s, 3),
                "prompt_tokens": usage.prompt_tokens if usage else None,
                "reused_tokens": timing.reused_prompt_tokens,
                "completion_tokens": usage.completion_tokens if usage else None,
                "finish": record.error_code or record.finish or record.status,
            },
        )


def _picture(job: Job, draft: Draft) -> Progress:
    return replace(
        job.progress,
        text=draft.text,
        status=Status.STREAMING,
        completion_tokens=draft.last.completion_tokens,
        tokens_per_s=draft.tokens_per_s() or None,
    )


def _last_picture(job: Job, record: AnswerRecord) -> Progress:
    return replace(
        job.progress,
        text=record.content,
        status=record.status,
        position=None,
        wait_s=None,
        completion_tokens=record.usage.completion_tokens if record.usage else 0,
        error_code=record.error_code,
    )
