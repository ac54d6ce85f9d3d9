"""The answers that are being generated for conversations.

An answer belongs to the server: it outlives the browser, any number of listeners may watch it, and
only `cancel` ends it. Owns what the page adds to a generation: progress, saved text, a stored end.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

from chat.accounts.models import Account
from chat.conversations.context_window import ContextWindow
from chat.conversations.errors import AnswerRunning
from chat.conversations.models import AnswerRecord, Message, Progress
from chat.conversations.ports import Store
from chat.errors import AppError, NotFound, StoreFailed
from chat.models import ChatOptions, Status
from chat.serving.admission import QueueTicket
from chat.serving.background import BackgroundJobs
from chat.serving.draft import Draft
from chat.serving.generation import TICK_S, Generation
from chat.serving.handle import GenerationHandle, GenerationResult, GenerationSink
from chat.serving.models import Delta
from chat.serving.observer import Source
from chat.serving.ports import Engine
from chat.serving.request import GenerationRequest, GenerationSlot

log = logging.getLogger("qwen_chat.requests")

FLUSH_S = 0.5
"""How many seconds of an answer a crash may cost: its text is saved this often."""


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What a job does: fill the pending `answer` from the prompt in `window`, on `engine`.

    Text that the answer has already is continued. `options` hold the seed. `request_id` is the
    client's name for the question, empty when it has none. `account` is who asks, where it was
    read. `concealed`: the progress does not tell how fast the answer is written, because the rate
    tells a large model from a small one.
    """

    user_id: str
    answer: Message
    window: ContextWindow
    options: ChatOptions
    engine: Engine
    request_id: str = ""
    account: Account | None = None
    concealed: bool = False


class Job(GenerationHandle):
    """The handle of one answer of a conversation.

    `account` is who asked, where it was read. `concealed` is that of `JobSpec`.
    """

    def __init__(
        self,
        user_id: str,
        answer: Message,
        request_id: str = "",
        *,
        dropped_turns: int = 0,
        account: Account | None = None,
        concealed: bool = False,
    ) -> None:
        super().__init__()
        self.account = account
        self.concealed = concealed
        self.user_id = user_id
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

    @property
    def progress(self) -> Progress:
        return self._progress

    async def watch(self) -> AsyncIterator[Progress]:
        """The current progress at once, then the latest after each change, at least once a second.

        Ends after the progress whose status is no longer open.
        """
        while True:
            # The event is read together with the progress: a change during `yield` is not missed.
            progress, changed = self._progress, self._changed
            yield progress
            if not progress.status.is_open:
                return
            await self._wait(changed, TICK_S)

    def publish(self, progress: Progress) -> None:
        """Show a new progress to every watcher."""
        self._progress = progress
        self._notify()


class Jobs:
    """All answers being generated for conversations."""

    def __init__(
        self, *, generation: Generation, store: Store, background: BackgroundJobs | None = None
    ) -> None:
        self._generation = generation
        self._background = background or BackgroundJobs()
        self._retries: set[asyncio.Task[None]] = set()
        self._store = store
        self._jobs: dict[str, Job] = {}
        self._unsaved: dict[str, tuple[Job, AnswerRecord]] = {}
        self._changing: set[tuple[str, str]] = set()

    async def enter(
        self, user_id: str, address: str, undo: ExitStack, account: Account | None = None
    ) -> GenerationSlot:
        """Reserve quota and a place in the queue, before anything is stored; `undo` releases both.

        `account` is the user's, where this request has read it already.
        Raises QuotaExceeded kinds, NotFound, TooManyWaiting, Busy, ShuttingDown.
        """
        with self._generation.counted_refusals(Source.PAGE):
            reservation = await self._generation.reserve(
                user_id, undo, address=address, account=account
            )
            return self._generation.enqueue(user_id, reservation, undo, Source.PAGE)

    def start(self, spec: JobSpec, slot: GenerationSlot) -> Job:
        """Start to generate an answer. The slot is the job's from now on."""
        answer, dropped = spec.answer, spec.window.dropped_turns
        job = Job(
            spec.user_id,
            answer,
            spec.request_id,
            dropped_turns=dropped,
            account=spec.account,
            concealed=spec.concealed,
        )
        self._jobs[answer.conversation_id] = job
        request = GenerationRequest(
            id=answer.id,
            source=Source.PAGE,
            user_id=spec.user_id,
            prompt=spec.window.prompt,
            options=spec.options,
            engine=spec.engine,
            dropped_turns=dropped,
            conversation_id=answer.conversation_id,
        )
        self._generation.start(request, slot, job, _JobSink(self, job, self._store))
        return job

    def find(self, user_id: str, conversation_id: str) -> Job | None:
        """The job that runs in that conversation of that user."""
        job = self._jobs.get(conversation_id)
        return job if job is not None and job.user_id == user_id else None

    def find_request(self, user_id: str, request_id: str) -> Job | None:
        """The job that answers that request of that user."""
        for job in self._jobs.values():
            if job.user_id == user_id and job.request_id == request_id:
                return job
        return None

    def users(self) -> frozenset[str]:
        """Ids of the users who have a job."""
        return frozenset(job.user_id for job in self._jobs.values())

    def conversations_of(self, user_id: str) -> frozenset[str]:
        """Ids of the user's conversations that have a job."""
        return frozenset(
            job.conversation_id for job in self._jobs.values() if job.user_id == user_id
        )

    @contextmanager
    def exclusive(self, user_id: str, conversation_id: str | None) -> Iterator[None]:
        """Keep the owner from changing a conversation twice at once, from reading to writing.

        Raises AnswerRunning when another change is under way, or an answer is generated there.
        """
        if conversation_id is None:
            yield
            return
        # The key holds the user: a conversation of another user must look the same, busy or not.
        key = (user_id, conversation_id)
        if key in self._changing or self.find(user_id, conversation_id):
            raise AnswerRunning
        self._changing.add(key)
        try:
            yield
        finally:
            self._changing.discard(key)

    async def flush(self, conversation_id: str) -> None:
        """Store the end of an answer that could not be stored when it came. Raises StoreFailed."""
        if unsaved := self._unsaved.get(conversation_id):
            job, record = unsaved
            with suppress(NotFound):  # it was deleted meanwhile
                await self._store.finish_answer(job.user_id, job.message_id, record)
            if self._unsaved.get(conversation_id) is unsaved:
                del self._unsaved[conversation_id]

    async def close(self, grace_s: float) -> None:
        """Let running answers finish for `grace_s` seconds, then interrupt and store the rest."""
        await self._generation.close(Source.PAGE, grace_s, Status.INTERRUPTED)
        for retry in self._retries:
            retry.cancel()
        for conversation_id in list(self._unsaved):
            with suppress(StoreFailed):  # logged at the first failure; the text is saved
                await self.flush(conversation_id)

    def remove(self, job: Job, unsaved: AnswerRecord | None) -> None:
        """Forget a job that has ended; `unsaved` is its end if the store could not take it.

        It is tried again until the store takes it.
        """
        del self._jobs[job.conversation_id]
        if unsaved:
            self._unsaved[job.conversation_id] = (job, unsaved)
            flush = partial(self.flush, job.conversation_id)
            retry = asyncio.create_task(self._background.retry_until_success("save_answer", flush))
            self._retries.add(retry)
            retry.add_done_callback(self._retries.discard)


class _JobSink(GenerationSink):
    """Publishes the progress of a job, saves its text now and then, and stores its end."""

    def __init__(self, jobs: Jobs, job: Job, store: Store) -> None:
        self._jobs = jobs
        self._job = job
        self._store = store
        self._saved_in = 0
        self._saving: asyncio.Task[None] | None = None

    def queued(self, ticket: QueueTicket) -> None:
        progress = replace(self._job.progress, position=ticket.position, wait_s=ticket.wait_s)
        self._job.publish(progress)

    def started(self) -> None:
        self._saved_in = _saving_period()
        job = self._job
        job.publish(replace(job.progress, status=Status.STREAMING, position=None, wait_s=None))

    async def take(self, draft: Draft, delta: Delta) -> None:
        job = self._job
        if delta.text:
            job.publish(_streaming(job, draft))
        period = _saving_period()
        is_due = period != self._saved_in and not delta.finish
        if is_due and (self._saving is None or self._saving.done()):
            self._saved_in = period
            self._saving = asyncio.create_task(self._save(draft.text))

    async def _save(self, text: str) -> None:
        """Beside the stream: a database that is slow or gone must not hold up the answer."""
        try:
            await self._store.save_text(self._job.user_id, self._job.message_id, text)
        except AppError as error:  # the next save has this text too, and the end has all of it
            log.warning("answer %s could not be saved yet: %s", self._job.message_id, error)

    async def finish(self, result: GenerationResult) -> GenerationResult:
        job, record, unsaved = self._job, _record_of(result), None
        try:
            if self._saving:
                await self._saving
            await self._store.finish_answer(job.user_id, job.message_id, record)
        except AppError as error:
            log.error("the end of answer %s could not be saved: %s", job.message_id, error)
            unsaved = record if isinstance(error, StoreFailed) else None
            result = replace(result, status=Status.ERROR, error=error)
        finally:
            self._jobs.remove(job, unsaved)
            job.publish(_ended(job, result))
        return result


def _saving_period() -> int:
    """Changes every FLUSH_S seconds, for all answers at once: the store saves them together."""
    return int(time.monotonic() / FLUSH_S)


def _record_of(result: GenerationResult) -> AnswerRecord:
    return AnswerRecord(
        content=result.text,
        status=result.status,
        finish=result.finish,
        usage=result.usage,
        timing=result.timing,
        provenance=result.provenance,
        error_code=result.error.code if result.error else None,
    )


def _streaming(job: Job, draft: Draft) -> Progress:
    return replace(
        job.progress,
        text=draft.text,
        status=Status.STREAMING,
        completion_tokens=draft.last.completion_tokens,
        tokens_per_s=None if job.concealed else draft.tokens_per_s() or None,
    )


def _ended(job: Job, result: GenerationResult) -> Progress:
    return replace(
        job.progress,
        text=result.text,
        status=result.status,
        position=None,
        wait_s=None,
        completion_tokens=result.usage.completion_tokens,
        error_code=result.error.code if result.error else None,
    )
