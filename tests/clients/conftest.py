"""Fixtures of the tests with programs' own client libraries."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.server import Server, shared_server


@pytest.fixture(scope="package")
def server(
    starter_model: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Iterator[Server]:
    base = tmp_path_factory.getbasetemp()
    common = base if worker_id == "master" else base.parent
    with shared_server(common, starter_model) as server:
        yield server
