"""A database belongs to one running app: a second one would end the first one's answers.

At start an app marks what nobody can be writing any more (`interrupt_unfinished`). The claim is a
lock that is taken back when the process ends, however it ends: by the system from a folder, by the
server from a PostgreSQL database.
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
"""Key of the lock of PostgreSQL; each database has its own."""

NOTICE_A_LOST_HOST = (
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 4",
)
"""In half a minute, not in two hours: else the app could not start again after a power cut."""


class StoreLock(Protocol):
    """On one database, not yet taken."""

    def take(self) -> None:
        """Hold it. Raises StartupError if another app does; SQLAlchemyError."""

    def let_go(self) -> None:
        """Safe to call twice, and when it was never taken."""


def make_folder(folder: Path) -> None:
    """A folder for its owner alone. Raises StartupError."""
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
        """Make the folder, for its owner alone, and hold it. Raises StartupError."""
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
        """Make the folder, for its owner alone. Raises StartupError."""
        if self._folder is not None:
            make_folder(self._folder)

    def let_go(self) -> None:
        """There is nothing to let go of."""


class PostgresLock:
    """A lock of the server's, held by a connection of its own for as long as that is open."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def take(self) -> None:
        """Raises StartupError; SQLAlchemyError where the server does not answer."""
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # closed means closed: in the pool it would keep the lock
        self._connection = connection
        for statement in NOTICE_A_LOST_HOST:
            connection.execute(text(statement))
        if not connection.scalar(select(func.pg_try_advisory_lock(ONE_APP))):
            connection.close()  # left open, it would end with a warning wherever it is collected
            raise StartupError(
                f"Another Qwen Chat uses the PostgreSQL database {place_of(self._engine.url)}. "
                "Stop it, or give this one a database of its own with --database-url."
            )

    def let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
