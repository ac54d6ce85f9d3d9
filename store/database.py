"""The store of conversations in a SQL database: transactions, run in threads.

Knows when a transaction begins and ends and on which thread; what it does is in `queries`.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.orm import Session

from chat.errors import AppError, StartupError, StoreFailed
from chat.types import AnswerRecord, ChatOptions, Conversation, Message, Turn
from store import queries
from store.claim import Claim, FolderClaim, PostgresClaim
from store.complaints import about_database
from store.engines import WRITING, postgres_engine, sqlite_engine
from store.migrate import upgrade

log = logging.getLogger("qwen_chat.store")

FILE_NAME = "qwen-chat.db"
THREADS = 4

P = ParamSpec("P")
T = TypeVar("T")
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def open_store(
    data_dir: Path, database_url: str | None = None, *, clock: Clock = utc_now
) -> "DatabaseStore":
    """A store in `data_dir`, or in the PostgreSQL database of the URL. Touches neither yet.

    Raises StartupError if the URL is none of PostgreSQL.
    """
    if database_url is None:
        return DatabaseStore(sqlite_engine(data_dir / FILE_NAME), clock, FolderClaim(data_dir))
    engine = postgres_engine(database_url)
    return DatabaseStore(engine, clock, PostgresClaim(engine))


class DatabaseStore:
    """`chat.ports.Store` over SQLAlchemy.

    A call goes to a thread and is carried through there, also when the task that waits for it is
    cancelled. SQLite allows one writer, so there is one thread for writes: they queue in order
    instead of polling for the lock. Raises BadText, and StoreFailed where a database can fail.
    """

    def __init__(self, engine: Engine, clock: Clock, claim: Claim) -> None:
        self._reading = engine
        self._writing = engine.execution_options(**WRITING)
        self._clock = clock
        self._claim = claim
        writers = 1 if engine.dialect.name == "sqlite" else THREADS
        self._readers = ThreadPoolExecutor(THREADS, thread_name_prefix="store-read")
        self._writers = ThreadPoolExecutor(writers, thread_name_prefix="store-write")

    async def open(self) -> None:
        await self._run(self._writers, self._open)

    async def close(self) -> None:
        """Let what was begun end, then let go of the database. Safe to call twice."""
        await asyncio.to_thread(self._close)

    async def interrupt_unfinished(self) -> int:
        return await self._write(queries.interrupt_unfinished)

    async def add_turn(
        self,
        user: str,
        *,
        conversation_id: str | None,
        question: str,
        title: str,
        options: ChatOptions,
        request_id: str,
    ) -> Turn:
        asked = queries.Question(conversation_id, question, title, options, request_id)
        return await self._write(queries.add_turn, user, asked, self._clock())

    async def add_answer(self, user: str, *, conversation_id: str, sibling_id: str) -> Message:
        now = self._clock()
        return await self._write(queries.add_answer, user, conversation_id, sibling_id, now)

    async def save_text(self, user: str, message_id: str, text: str) -> None:
        await self._write(queries.save_text, user, message_id, text)

    async def finish_answer(self, user: str, message_id: str, record: AnswerRecord) -> None:
        await self._write(queries.finish_answer, user, message_id, record)

    async def set_options(self, user: str, conversation_id: str, options: ChatOptions) -> None:
        await self._write(queries.set_options, user, conversation_id, options)

    async def conversation(self, user: str, conversation_id: str) -> Conversation:
        return await self._read(queries.conversation, user, conversation_id)

    async def conversations(
        self, user: str, *, limit: int = 50, offset: int = 0
    ) -> Sequence[Conversation]:
        return await self._read(queries.conversations, user, limit, offset)

    async def path(self, user: str, conversation_id: str) -> Sequence[Message]:
        return await self._read(queries.path, user, conversation_id)

    async def clear(self, user: str, conversation_id: str) -> None:
        await self._write(queries.clear, user, conversation_id)

    async def _read(
        self, query: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def read() -> T:
            return self._transact(self._reading, lambda s: query(s, *args, **kwargs))

        return await self._run(self._readers, read)

    async def _write(
        self, query: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def write() -> T:
            return self._transact(self._writing, lambda s: query(s, *args, **kwargs))

        return await self._run(self._writers, write)

    @staticmethod
    async def _run(threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        # The shield keeps a call that still waits for a thread from being taken back.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(threads, call))

    @staticmethod
    def _transact(engine: Engine, query: Callable[[Session], T]) -> T:
        def attempt() -> T:
            with Session(engine) as session, session.begin():
                return query(session)

        try:
            try:
                return attempt()
            except IntegrityError:
                # Two calls raced with one request id. The second look finds what the first wrote.
                return attempt()
        except SQLAlchemyError as error:
            if isinstance(error, StatementError) and isinstance(error.orig, AppError):
                raise error.orig from None
            # Said here too: nobody hears the error when the caller has left.
            log.error(about_database(error, engine.url))
            raise StoreFailed from error

    def _open(self) -> None:
        try:
            self._claim.take()
            upgrade(self._reading)
        except SQLAlchemyError as error:
            raise StartupError(about_database(error, self._reading.url)) from error

    def _close(self) -> None:
        self._writers.shutdown()
        self._readers.shutdown()
        self._reading.dispose()
        self._claim.let_go()
