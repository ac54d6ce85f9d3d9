"""Databases with the current schema: most tests are not about migrations.

`tests/integration/store/test_migrations.py` and `test_database.py` test those.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from store import FILE_NAME, RoutingStore, open_store
from store.engines import sqlite_engine
from store.migrate import upgrade
from store.queries import Clock, utc_now


@cache
def sqlite_file() -> bytes:
    """A database of SQLite without any rows but those of the migrations."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / FILE_NAME
        engine = sqlite_engine(file)
        upgrade(engine)
        engine.dispose()
        return file.read_bytes()


def migrated(folder: Path) -> Path:
    """The folder, with such a database in it if there was none."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE_NAME
    if not file.exists():
        file.write_bytes(sqlite_file())
    return folder


@asynccontextmanager
async def opened_store(folder: Path) -> AsyncIterator[RoutingStore]:
    """An open store over such a database, closed at the end."""
    store = open_store(migrated(folder))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def migrated_store(
    request: pytest.FixtureRequest, folder: Path, clock: Clock = utc_now
) -> RoutingStore:
    """A store, not open yet, over what a fixture's parameter names: SQLite or PostgreSQL."""
    if request.param == "sqlite":
        return open_store(migrated(folder), clock=clock)
    return open_store(folder, request.getfixturevalue("migrated_postgres_url"), clock=clock)
