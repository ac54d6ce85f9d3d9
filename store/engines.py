"""Connections to SQLite and PostgreSQL, and how a transaction begins on each."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from chat.errors import StartupError

BUSY_S = 5
"""How long SQLite waits for another program (a backup, a shell) that holds the file."""

LOG_BUSY_MS = 200
"""Seconds to wait for emptying the log. Short, because writers queue behind it."""

CONNECT_S = 5
"""How long PostgreSQL may take to answer."""

WRITING: dict[str, Any] = {"sqlite_begin": "IMMEDIATE"}
"""Options of an engine that writes: take the write lock before the first read of a transaction."""

MIGRATING: dict[str, Any] = WRITING | {"sqlite_foreign_keys": "OFF"}
"""SQLite alters a table by creating it again: dropping the old table must not cascade."""


def sqlite_engine(file: Path) -> Engine:
    """An engine for a database file, which is made at the first connection."""
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        connect_args={"timeout": BUSY_S},
        hide_parameters=True,  # errors are logged, and parameters are users' texts
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def postgres_engine(url: str) -> Engine:
    """An engine for a PostgreSQL URL. Raises StartupError if it is none."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise _no_url() from None
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise _no_url()
    return create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        connect_args={"connect_timeout": CONNECT_S},
        pool_pre_ping=True,  # a restarted server must not fail the next request
        hide_parameters=True,
    )


def empty_log(engine: Engine) -> None:
    """Empty SQLite's write-ahead log, in which the text of rows that were destroyed still stands.

    While another program reads the file it stays; the next time will do.
    """
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout = {LOG_BUSY_MS}")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_S * 1000}")
    except sqlite3.Error:  # the rows are deleted; the log is overwritten by later writes
        connection.invalidate()
    finally:
        connection.close()


def _no_url() -> StartupError:
    return StartupError(
        "--database-url must look like postgresql://user:password@host:5432/database; "
        "leave it out to use SQLite in --data-dir."
    )


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = (
        None  # the driver must not begin transactions: `_begin_sqlite` does
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # also a power cut loses nothing; 0.3 ms
    connection.execute("PRAGMA secure_delete = ON")  # what is purged is overwritten


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    connection.exec_driver_sql(f"PRAGMA foreign_keys = {options.get('sqlite_foreign_keys', 'ON')}")
    connection.exec_driver_sql(f"BEGIN {options.get('sqlite_begin', 'DEFERRED')}")
