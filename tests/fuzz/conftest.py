"""The API on a scripted engine, behind real connections."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from api.edge.options import EdgeOptions
from api.edge.uvicorn import server_config
from tests.programs import RatingPrograms

TIMEOUT_S = 10.0
"""Whatever takes longer hangs."""


@pytest.fixture(scope="package")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    programs = RatingPrograms(tmp_path_factory.mktemp("rated"))
    asyncio.run(programs.store.open())
    server = uvicorn.Server(server_config(programs.app, edge=EdgeOptions(), shutdown_s=1))
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)
    asyncio.run(programs.store.close())


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=TIMEOUT_S) as client:
        yield client
