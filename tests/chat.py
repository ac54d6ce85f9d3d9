"""The domain with a scripted engine and a store in memory, for tests of the services."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chat.accounts.quotas import Quotas
from chat.conversations.jobs import Job, Jobs
from chat.conversations.models import Attachment, Message, Progress, Question
from chat.conversations.service import Conversations
from chat.conversations.turns import Turns
from chat.models import ChatOptions
from chat.serving.admission import Admission
from chat.serving.engines import Engines
from chat.serving.generation import Generation, Timeouts
from chat.serving.observer import Observer
from chat.serving.ports import Engine
from tests.fakes import Script, ScriptedEngine
from tests.memory_store import MemoryStore

USER = "ann"
PATIENT = Timeouts(queue_s=60, stall_s=60, request_s=60)


@dataclass
class Chat:
    """The domain services and their parts."""

    engine: ScriptedEngine
    store: MemoryStore
    jobs: Jobs
    answers: Turns
    conversations: Conversations

    async def ask(
        self,
        text: str,
        *,
        user_id: str = USER,
        conversation_id: str | None = None,
        request_id: str | None = None,
        options: ChatOptions | None = None,
        beside: str | None = None,
        attachments: Sequence[Attachment] = (),
    ) -> Job:
        """Send a question; its answer is being written when this returns."""
        question = Question(
            text, request_id or f"request {text}", attachments=tuple(attachments), beside=beside
        )
        return await self.answers.send(
            user_id,
            conversation_id=conversation_id,
            question=question,
            options=options or ChatOptions(),
        )

    async def ask_and_wait(self, text: str, **more: str | None) -> Job:
        """Send a question and wait for the end of its answer."""
        job = await self.ask(text, **more)  # type: ignore[arg-type]
        await finished(job)
        return job

    async def messages(self, job: Job) -> list[Message]:
        return list((await self.conversations.open(job.user_id, job.conversation_id)).messages)

    async def contents(self, job: Job) -> list[str]:
        return [message.content for message in await self.messages(job)]

    async def answer(self, job: Job) -> Message:
        return next(m for m in await self.messages(job) if m.id == job.message_id)


def make_chat(
    *scripts: Script,
    max_running: int = 4,
    max_waiting: int = 4,
    timeouts: Timeouts | None = None,
    store: MemoryStore | None = None,
    undo_s: float = 60.0,
    quotas: Quotas | None = None,
    share_prefixes: bool = False,
    observer: Observer | None = None,
) -> Chat:
    engine = ScriptedEngine(list(scripts) or [Script()])
    store = store or MemoryStore()
    generation = make_generation(
        engine,
        max_running=max_running,
        max_waiting=max_waiting,
        timeouts=timeouts or Timeouts(queue_s=5, stall_s=5, request_s=5),
        quotas=quotas,
        observer=observer,
        share_prefixes=share_prefixes,
    )
    jobs = Jobs(generation=generation, store=store)
    answers = Turns(engines=Engines(engine), store=store, jobs=jobs)
    conversations = Conversations(store=store, jobs=jobs, undo_s=undo_s)
    return Chat(engine, store, jobs, answers, conversations)


def make_generation(
    engine: Engine | Engines,
    *,
    max_running: int = 8,
    max_waiting: int = 8,
    timeouts: Timeouts = PATIENT,
    admission: Admission | None = None,
    **more: Any,
) -> Generation:
    """The service over an engine, with a queue of its own."""
    engines = engine if isinstance(engine, Engines) else Engines(engine)
    admission = admission or Admission(max_running=max_running, max_waiting=max_waiting)
    return Generation(engines=engines, admission=admission, timeouts=timeouts, **more)


async def finished(job: Job) -> Progress:
    """The last progress of an answer."""
    last = [progress async for progress in job.watch()][-1]
    assert not last.status.is_open
    return last


async def until_text(job: Job) -> None:
    async for progress in job.watch():
        if progress.text:
            return
