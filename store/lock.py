"""Locks that let only one running app use a database.

At start an app marks all unfinished answers as interrupted (`interrupt_unfinished`), which would
end the answers of another running app. The operating system releases a folder's lock, and the
server a PostgreSQL lock, when the process ends, however it ends.
"""

import fcntl
import logging
import os
import threading
import time
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from chat.errors import StartupError
from store.error_messages import about_folder, place_of

LOCK_NAME = "qwen-chat.lock"

ONE_APP = 7_860_001
"""Key of the PostgreSQL advisory lock. Advisory locks are separate for each database."""

NOTICE_A_LOST_HOST = (
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 4",
)
"""Detect a lost client in 30 s instead of two hours; until then its lock blocks a new start."""


CHECK_EVERY_S = 2.0
"""Longest time for which a lock that was lost goes unnoticed by writers."""

log = logging.getLogger("qwen_chat.store")


class LockLost(Exception):
    """Another app has taken the database while this one was cut off from it."""


class StoreLock(Protocol):
    """An exclusive lock on one database, not acquired yet."""

    def take(self) -> None:
        """Acquire it. Raises StartupError if another app holds it; SQLAlchemyError."""

    def keep(self) -> None:
        """Take it again if it was lost. Raises LockLost if another app has it; SQLAlchemyError."""

    def let_go(self) -> None:
        """Release it. Safe to call twice, or without `take`."""


def make_folder(folder: Path) -> None:
    """Create a folder that only its owner can access (0700). Raises StartupError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(about_folder(error, folder)) from error


class FolderLock:
    """A lock on a file in the folder of the database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: TextIOWrapper | None = None

    def take(self) -> None:
        """Create the folder (0700) and lock it. Raises StartupError."""
        make_folder(self._folder)
        try:
            self._file = (self._folder / LOCK_NAME).open("a+", encoding="ascii")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartupError(self._taken()) from None
        except OSError as error:
            raise StartupError(about_folder(error, self._folder)) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def keep(self) -> None:
        """The system holds it as long as the process lives."""

    def let_go(self) -> None:
        if self._file is not None:
            self._file.close()

    def _taken(self) -> str:
        assert self._file is not None
        self._file.seek(0)
        return (
            f"Another Qwen Chat (process {self._file.read() or 'unknown'}) uses the folder "
            f"{self._folder}. Stop it, or give this one a folder of its own with --data-dir."
        )


class NoLock:
    """For a short command beside a running app: it interrupts no answers, so it may open the store.

    `folder` is where the database is, if it is a file.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def take(self) -> None:
        """Create the folder (0700). Raises StartupError."""
        if self._folder is not None:
            make_folder(self._folder)

    def keep(self) -> None:
        """Nothing to keep."""

    def let_go(self) -> None:
        """Nothing to release."""


class PostgresLock:
    """An advisory lock of the server, held by a dedicated connection while that is open."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._checked_at = 0.0
        self._mutex = threading.Lock()

    def take(self) -> None:
        """Raises StartupError; SQLAlchemyError where the server does not answer."""
        if not self._try_take():
            raise StartupError(
                f"Another Qwen Chat uses the PostgreSQL database {place_of(self._engine.url)}. "
                "Stop it, or give this one a database of its own with --database-url."
            )

    def keep(self) -> None:
        """The server drops the lock with its connection, as when it restarts: then take it again.

        Asks the server at most every `CHECK_EVERY_S`; writers of all threads call this.
        """
        with self._mutex:
            if time.monotonic() - self._checked_at < CHECK_EVERY_S:
                return
            if not self._is_held():
                self._forget_connection()
                log.warning("the lock on the database was lost with its connection")
                if not self._try_take():
                    raise LockLost(place_of(self._engine.url))
                log.warning("the lock on the database is held again")
            self._checked_at = time.monotonic()

    def _is_held(self) -> bool:
        try:
            return self._connection is not None and self._connection.scalar(select(1)) == 1
        except SQLAlchemyError:
            return False

    def _try_take(self) -> bool:
        """Whether it is held now, by a new connection."""
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # a pooled connection would stay open and keep the lock
        self._connection = connection
        for statement in NOTICE_A_LOST_HOST:
            connection.execute(text(statement))
        if not connection.scalar(select(func.pg_try_advisory_lock(ONE_APP))):
            self._forget_connection()
            return False
        return True

    def _forget_connection(self) -> None:
        """Close it: a garbage-collected open connection logs a warning."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):  # the server is gone, and the connection with it
                connection.close()

    def let_go(self) -> None:
        self._forget_connection()
