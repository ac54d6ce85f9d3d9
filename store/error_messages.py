"""Messages for errors of databases and disks. They never contain a password or a row."""

import errno
import sqlite3
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

SQLITE_COMPLAINTS = {
    "SQLITE_READONLY": "There is no permission to write {file}. "
    "Give this user write access, or choose another folder with --data-dir.",
    "SQLITE_CANTOPEN": "There is no permission to open {file}. "
    "Give this user read and write access, or choose another folder with --data-dir.",
    "SQLITE_FULL": "The disk that holds {file} is full. "
    "Make room, or choose another folder with --data-dir.",
    "SQLITE_IOERR": "The disk that holds {file} cannot be written: it may be full or failing. "
    "Make room or check it, or choose another folder with --data-dir.",
    "SQLITE_NOTADB": "{file} is damaged or not a database. "
    "Restore it from a backup, or move it away to start with an empty one.",
    "SQLITE_CORRUPT": "{file} is damaged. "
    "Restore it from a backup, or move it away to start with an empty one.",
    "SQLITE_BUSY": "{file} is in use by another program. Stop that one first.",
    "SQLITE_LOCKED": "{file} is in use by another program. Stop that one first.",
}
"""By SQLite's primary result codes; extended ones begin with them."""


def about_folder(error: OSError, folder: Path) -> str:
    """Why the folder of the database cannot be made."""
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        reason = "there is no permission to write there"
    elif error.errno in (errno.ENOSPC, errno.EDQUOT):
        reason = "the disk is full"
    else:
        reason = error.strerror or type(error).__name__
    return f"{folder} cannot hold the database: {reason}. Choose another folder with --data-dir."


def about_database(error: SQLAlchemyError, url: URL) -> str:
    """Why a database cannot be used."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if url.get_backend_name() == "sqlite":
        code = getattr(cause, "sqlite_errorname", "") if isinstance(cause, sqlite3.Error) else ""
        for prefix, sentence in SQLITE_COMPLAINTS.items():
            if code.startswith(prefix):
                return sentence.format(file=url.database)
        return f"{url.database} cannot be used as the database: {_first_line(cause)}."
    reason = _first_line(cause)
    if url.password:
        reason = reason.replace(str(url.password), "***")
    return (
        f"The PostgreSQL database {place_of(url)} cannot be used: {reason}. "
        "Check --database-url and that the server is running."
    )


def place_of(url: URL) -> str:
    """Where a PostgreSQL database is, without user and password."""
    host = url.host or url.query.get("host", "localhost")
    return f"{host}:{url.port or 5432}/{url.database or ''}"


def _first_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else type(error).__name__
