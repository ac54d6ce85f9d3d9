"""The domain over a database in a folder, for tests of ratings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from chat.accounts.models import LOCAL, User
from chat.conversations.jobs import Job, Jobs
from chat.conversations.models import Message, Question
from chat.conversations.service import Conversations
from chat.conversations.turns import Turns
from chat.feedback.models import AnswerSnapshot, Rating, RatingInput
from chat.feedback.ratings import Ratings
from chat.models import ChatOptions
from chat.serving.completions import Completions
from chat.serving.engines import Engines
from store import RoutingStore, open_store
from store.schema.feedback import AnswerSnapshotRow
from tests.chat import finished, make_generation
from tests.contract.stores import ticking
from tests.fakes import Script, ScriptedEngine
from tests.migrated import migrated


@dataclass
class RatedChat:
    """The services. Calls are the local user's by default."""

    engine: ScriptedEngine
    store: RoutingStore
    jobs: Jobs
    answers: Turns
    conversations: Conversations
    completions: Completions
    ratings: Ratings

    async def ask(
        self,
        text: str,
        *,
        user: User = LOCAL,
        options: ChatOptions | None = None,
        conversation_id: str | None = None,
        **question: Any,
    ) -> Job:
        """Send a question; its answer is being written when this returns."""
        return await self.answers.send(
            user.id,
            conversation_id=conversation_id,
            question=Question(text, f"request {text}", **question),
            options=options or ChatOptions(),
        )

    async def ask_and_wait(self, text: str, **more: Any) -> Job:
        """Send a question and wait for the end of its answer."""
        job = await self.ask(text, **more)
        await finished(job)
        return job

    async def rate(
        self, job: Job, rating_input: RatingInput, *, user: User = LOCAL, page_language: str = ""
    ) -> Rating:
        return await self.ratings.rate(
            user,
            conversation_id=job.conversation_id,
            message_id=job.message_id,
            rating_input=rating_input,
            page_language=page_language,
        )

    async def snapshot(self, job: Job) -> AnswerSnapshot:
        """The snapshot of an answer."""
        found = await self.store.feedback.ratings.snapshot_of(job.user_id, job.message_id)
        assert found
        return found

    async def frozen(self) -> int:
        """The number of snapshots."""
        count = select(func.count()).select_from(AnswerSnapshotRow)
        return await self.store.feedback.ratings.transactions.read(lambda s: s.scalar(count) or 0)

    async def message(self, job: Job) -> Message:
        archive = await self.conversations.archive(job.user_id, job.conversation_id)
        return next(item for item in archive.messages if item.id == job.message_id)


@asynccontextmanager
async def rated_chat(folder: Path, *scripts: Script) -> AsyncIterator[RatedChat]:
    engine = ScriptedEngine(list(scripts) or [Script()])
    store = open_store(migrated(folder), clock=ticking())
    await store.open()
    generation = make_generation(engine)
    jobs = Jobs(generation=generation, store=store)
    completions = Completions(generation=generation)
    try:
        yield RatedChat(
            engine,
            store,
            jobs,
            Turns(engines=Engines(engine), store=store, jobs=jobs),
            Conversations(store=store, jobs=jobs),
            completions,
            Ratings(
                conversations=store,
                store=store.feedback.ratings,
                programs=completions,
                clock=ticking(),
            ),
        )
    finally:
        await jobs.close(1)
        await store.close()
