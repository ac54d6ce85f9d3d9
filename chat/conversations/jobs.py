"""One answer being written: owned by the server, seen by many listeners, outliving the browser.

Owns the text between engine and store. Knows nothing of screens: a listener that leaves changes
nothing, only `cancel` ends an answer.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace

from chat.accounts.quotas import QuotaReservation
from chat.conversations.context_window import ContextWindow
from chat.conversations.errors import AnswerRunning
from chat.conversations.models import AnswerRecord, Message, Progress
from chat.conversations.ports import Store
from chat.errors import AppError, NotFound, StoreFailed
from chat.models import ChatOptions, Status, Usage
from chat.serving.admission import QueueTicket
from chat.serving.draft import Draft
from chat.serving.generation import TICK_S, GenerationRequest, GenerationSummary, Generator
from chat.serving.models import Delta
from chat.serving.observer import Source
from chat.serving.ports import Engine
from chat.serving.provenance import provenance

log = logging.getLogger("qwen_chat.requests")

FLUSH_S = 0.5
"""How much of an answer a crash may cost."""


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What a job is to do: fill the pending `answer` from the prompt in `window`.

    Text that the answer has already is continued. `options` hold the seed. `request_id` is the
    client's name for the question, empty when it has none. `permit` is spent at the end.
    """

    user_id: str
    answer: Message
    window: ContextWindow
    options: ChatOptions
    engine: Engine
    request_id: str = ""
    permit: QuotaReservation = field(default_factory=QuotaReservation)


class Job:
    """The handle of one answer being written."""

    def __init__(
        self, user_id: str, answer: Message, request_id: str = "", *, dropped_turns: int = 0
    ) -> None:
        self.user = user_id
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
    """All answers being written for conversations."""

    def __init__(self, *, writer: Generator, store: Store) -> None:
        self._writer = writer
        self._store = store
        self._jobs: dict[str, Job] = {}
        self._unsaved: dict[str, tuple[Job, AnswerRecord]] = {}
        self._changing: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def enter(
        self, user_id: str, address: str, undo: ExitStack
    ) -> tuple[QueueTicket, QuotaReservation]:
        """A place in the queue, before anything is written, and leave to take it.

        `undo` gives both back. Raises QuotaExceeded kinds, NotFound, TooManyWaiting, Busy,
        ShuttingDown.
        """
        try:
            permit = await self._writer.permit(user_id, undo, address=address)
            return self._writer.enter(user_id, permit, undo), permit
        except AppError as error:
            self._writer.refused(Source.PAGE, error)
            raise

    def start(self, work: JobSpec, ticket: QueueTicket) -> Job:
        """Begin to write an answer. The ticket is the job's from now on."""
        answer = work.answer
        dropped = work.window.dropped_turns
        job = Job(work.user_id, answer, work.request_id, dropped_turns=dropped)
        self._jobs[answer.conversation_id] = job
        draft = Draft([answer.content] if answer.content else [])
        # Both tasks now: a Stop that comes before the first of them runs has something to cancel.
        job._writing = asyncio.create_task(self._write(job, draft, work, ticket))
        task = asyncio.create_task(self._run(job, job._writing, draft, work, ticket))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def find(self, user_id: str, conversation_id: str) -> Job | None:
        """The job that is writing in that conversation of that user."""
        job = self._jobs.get(conversation_id)
        return job if job is not None and job.user == user_id else None

    def find_request(self, user_id: str, request_id: str) -> Job | None:
        """The job that answers that request of that user."""
        for job in self._jobs.values():
            if job.user == user_id and job.request_id == request_id:
                return job
        return None

    def users(self) -> frozenset[str]:
        """Whose answers are being written, or wait for that."""
        return frozenset(job.user for job in self._jobs.values())

    def conversations_of(self, user_id: str) -> frozenset[str]:
        """Ids of the user's conversations in which an answer is being written."""
        return frozenset(job.conversation_id for job in self._jobs.values() if job.user == user_id)

    @contextmanager
    def alone_in(self, user_id: str, conversation_id: str | None) -> Iterator[None]:
        """Between reading a conversation and changing it its owner does not change it elsewhere.

        Raises AnswerRunning when that is going on, or an answer is being written there.
        """
        if conversation_id is None:
            yield
            return
        # With the user: to somebody else a conversation must look the same, busy or not.
        place = (user_id, conversation_id)
        if place in self._changing or self.find(user_id, conversation_id):
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
        self._writer.close()
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
        self,
        job: Job,
        writing: asyncio.Task[None],
        draft: Draft,
        work: JobSpec,
        ticket: QueueTicket,
    ) -> None:
        """Supervise the writing, a task of its own: no cancellation meets the last write."""
        await asyncio.wait({writing})
        record = self._record(job, writing, draft, work)
        try:
            if record.usage:
                await self._writer.bill(work.permit, draft, record.usage)
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
            self._tell(job, record)
            job._publish(_last_picture(job, record))

    async def _write(self, job: Job, draft: Draft, work: JobSpec, ticket: QueueTicket) -> None:
        def tell() -> None:
            job._publish(replace(job.progress, position=ticket.position, wait_s=ticket.wait_s))

        await self._writer.wait_for_place(ticket, draft, tell)
        job._publish(replace(job.progress, status=Status.STREAMING, position=None, wait_s=None))
        flushed_at = time.monotonic()

        async def take(delta: Delta) -> None:
            nonlocal flushed_at
            if delta.text:
                job._publish(_picture(job, draft))
            if time.monotonic() - flushed_at >= FLUSH_S and not delta.finish:
                await self._store.save_text(job.user, job.message_id, draft.text)
                flushed_at = time.monotonic()

        sampling, engine = work.options.sampling, work.engine
        wish = GenerationRequest(work.user_id, work.window.messages, sampling, engine=engine)
        await self._writer.write(wish, draft, take)

    def _record(
        self, job: Job, writing: asyncio.Task[None], draft: Draft, work: JobSpec
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
                work.engine.info,
                work.window.messages,
                work.options,
                dropped_turns=work.window.dropped_turns,
                continued=work.answer.content,
            ),
            error_code=None if error is None else getattr(error, "code", AppError.code),
        )

    def _tell(self, job: Job, record: AnswerRecord) -> None:
        end = GenerationSummary(
            id=job.message_id,
            door=Source.PAGE,
            user_id=job.user,
            model=record.provenance.model if record.provenance else None,
            reason=record.error_code or record.finish or record.status,
            failed=record.status is Status.ERROR,
            usage=record.usage,
            timing=record.timing,
            conversation=job.conversation_id,
        )
        self._writer.ended(end)


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
