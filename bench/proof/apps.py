"""What the proofs need that run the app in a process of its own."""

import asyncio
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import httpx

START_S = 120.0
POLL_S = 0.1


@contextmanager
def free_port() -> Iterator[int]:
    """A port of loopback that nobody else gets while it is held."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def as_variables(settings: Mapping[str, object]) -> dict[str, str]:
    """Settings as environment variables of the app."""
    return {f"QWEN_CHAT_{name}": str(value) for name, value in settings.items()}


def client_at(port: int) -> httpx.AsyncClient:
    """A client with room for tabs and streams."""
    # Shorter than the server keeps a connection: it would be closed while a request is sent.
    limits = httpx.Limits(max_connections=100, keepalive_expiry=2)
    address = f"http://localhost:{port}"
    return httpx.AsyncClient(base_url=address, timeout=60, limits=limits, trust_env=False)


async def wait_until_ready(client: httpx.AsyncClient, runs: Callable[[], object]) -> None:
    """Wait until `/readyz` says 200 while the app runs. Raises TimeoutError."""
    async with asyncio.timeout(START_S):
        while True:
            with suppress(httpx.HTTPError):
                if (await client.get("/readyz")).status_code == 200 and runs():
                    return
            await asyncio.sleep(POLL_S)
