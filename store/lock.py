"""Locks that let only one running app use a database.

At start an app marks all unfinished answers as interrupted (`interrupt_unfinished`), which would
end the answers of another running app. The operating system releases a folder's lock, and the
server a PostgreSQL lock, when the process ends, however it ends.
"""

import fcntl
import os
from io import TextIOWrapper
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, func, select, text

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


class StoreLock(Protocol):
    """An exclusive lock on one database, not acquired yet."""

    def take(self) -> None:
        """Acquire it. Raises StartupError if another app holds it; SQLAlchemyError."""

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
    """For a short command beside a running app: it ends nobody's answers, so it may come in.

    `folder` is where the database is, if it is a file.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def take(self) -> None:
        """Create the folder (0700). Raises StartupError."""
        if self._folder is not None:
            make_folder(self._folder)

    def let_go(self) -> None:
        """Nothing to release."""


class PostgresLock:
    """An advisory lock of the server, held by a dedicated connection while that is open."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def take(self) -> None:
        """Raises StartupError; SQLAlchemyError where the server does not answer."""
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # a pooled connection would stay open and keep the lock
        self._connection = connection
        for statement in NOTICE_A_LOST_HOST:
            connection.execute(text(statement))
        if not connection.scalar(select(func.pg_try_advisory_lock(ONE_APP))):
            connection.close()  # a garbage-collected open connection logs a warning
            raise StartupError(
                f"Another Qwen Chat uses the PostgreSQL database {place_of(self._engine.url)}. "
                "Stop it, or give this one a database of its own with --database-url."
            )

    def let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
