"""Runs transactions in threads; a call that was submitted always completes."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.orm import Session

from chat.errors import AppError, StartupError, StoreFailed
from store.engines import WRITING, empty_log
from store.error_messages import about_database
from store.lock import LockLost, StoreLock
from store.migrate import upgrade

log = logging.getLogger("qwen_chat.store")

THREADS = 4

P = ParamSpec("P")
T = TypeVar("T")


class Transactions:
    """Runs queries on a database, each in a transaction of its own.

    A call runs in a thread and completes there, also when the waiting task is cancelled. SQLite
    allows one writer, so there is one thread for writes: they queue in order instead of polling
    for the lock. Raises BadText, and StoreFailed where a database can fail.
    """

    def __init__(self, engine: Engine, lock: StoreLock) -> None:
        self._reading = engine
        self._writing = engine.execution_options(**WRITING)
        self._lock = lock
        writers = 1 if engine.dialect.name == "sqlite" else THREADS
        self._readers = ThreadPoolExecutor(THREADS, thread_name_prefix="store-read")
        self._writers = ThreadPoolExecutor(writers, thread_name_prefix="store-write")

    async def open(self) -> None:
        """Lock the database and upgrade its schema. Raises StartupError."""
        await self._run(self._writers, self._open)

    async def close(self) -> None:
        """Finish running calls and release the database. Safe to call twice."""
        await asyncio.to_thread(self._close)

    async def read(
        self, query: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def call() -> T:
            return self._transact(self._reading, lambda s: query(s, *args, **kwargs))

        return await self._run(self._readers, call)

    async def write(
        self, query: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def call() -> T:
            return self._transact(self._writing, lambda s: query(s, *args, **kwargs))

        return await self._run(self._writers, call)

    async def check(self) -> None:
        """Raises StoreFailed if the database does not answer, or this app lost it to another."""
        await self.write(lambda session: session.execute(select(1)))

    async def destroy(
        self, query: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `write`, and remove the deleted content from the database's log."""
        result = await self.write(query, *args, **kwargs)
        await self._run(self._writers, lambda: empty_log(self._reading))
        return result

    @staticmethod
    async def _run(threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        # Without the shield, cancelling the task would cancel a call that still waits for a thread.
        try:
            future = asyncio.get_running_loop().run_in_executor(threads, call)
        except RuntimeError as error:  # the threads are shut down: the app is ending
            raise StoreFailed from error
        return await asyncio.shield(future)

    def _transact(self, engine: Engine, query: Callable[[Session], T]) -> T:
        def attempt() -> T:
            if engine is self._writing:
                self._lock.keep()
            with Session(engine) as session, session.begin():
                return query(session)

        try:
            try:
                return attempt()
            except IntegrityError:
                # Two calls raced with one request id: the second attempt finds the first one's row.
                return attempt()
        except LockLost as error:
            log.error("nothing is written: another Qwen Chat uses the database %s", error)
            raise StoreFailed from error
        except SQLAlchemyError as error:
            if isinstance(error, StatementError) and isinstance(error.orig, AppError):
                raise error.orig from None
            # Logged here too: a cancelled caller never receives the error.
            log.error(about_database(error, engine.url))
            raise StoreFailed from error

    def _open(self) -> None:
        try:
            self._lock.take()
            upgrade(self._reading)
        except SQLAlchemyError as error:
            raise StartupError(about_database(error, self._reading.url)) from error

    def _close(self) -> None:
        self._writers.shutdown()
        self._readers.shutdown()
        self._reading.dispose()
        self._lock.let_go()
