"""Raw bytes on a connection: requests that are too large, too slow or malformed."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from fastapi import Body

from api.edge.options import EdgeOptions
from api.edge.uvicorn import server_config
from api.server import build_api
from tests.fakes import ScriptedEngine

EDGE = EdgeOptions(
    max_body_bytes=10_000, max_header_bytes=4096, header_timeout_s=0.3, body_timeout_s=0.3
)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server on a free loopback port."""
    app = build_api(engine=ScriptedEngine(), edge=EDGE)

    @app.post("/size")
    async def size(body: bytes = Body()) -> int:
        return len(body)

    config = server_config(app, edge=EDGE, shutdown_s=1)
    config.timeout_keep_alive = 1
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving


async def exchange(port: int, *pieces: bytes, pause_s: float = 0.0) -> bytes:
    """The server's response to these bytes, until it closes the connection or sends no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
POST = b"POST /size HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
JSON = b"Content-Type: application/json\r\n"


async def test_an_ordinary_request_is_answered_without_naming_the_server(port: int) -> None:
    answer = await exchange(port, GET + b"\r\n")
    assert status(answer) == 200
    assert b"\r\nserver:" not in answer.lower()


@pytest.mark.parametrize(
    "host",
    [b"evil.example", b"localhost@evil.example", b"localhost/evil", b"localhost:7860:1", b"[::1]x"],
)
async def test_a_foreign_host_is_refused_on_the_wire(port: int, host: bytes) -> None:
    answer = await exchange(
        port, b"GET /healthz HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n"
    )
    assert status(answer) in (400, 421)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /healthz HTTP/1.0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET http://evil.example/healthz HTTP/1.1\r\nHost: evil.example\r\n"
        b"Connection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        POST + JSON + b"Content-Length: -1\r\n\r\n",
        POST + JSON + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        POST + JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\r\n" * 100 + b"nonsense\r\n\r\n",
    ],
)
async def test_malformed_http_is_refused(port: int, request_: bytes) -> None:
    assert 400 <= status(await exchange(port, request_)) < 500


async def test_headers_too_large_or_too_many_are_refused(port: int) -> None:
    large = await exchange(port, GET + b"X: " + b"x" * 5000 + b"\r\n\r\n")
    assert status(large) == 431
    many = b"".join(b"X-%d: x\r\n" % number for number in range(150))
    assert status(await exchange(port, GET + many + b"\r\n")) == 431
    assert status(await exchange(port, GET + b"X: " + b"x" * 20_000)) in (400, 431)


async def test_a_body_too_large_is_refused_with_every_transfer_encoding(port: int) -> None:
    post = POST.replace(b"Connection: close\r\n", b"") + JSON
    response = await exchange(port, post + b"Content-Length: 20000\r\n\r\n" + b"x" * 20_000)
    assert status(response) == 413
    chunk = b"3e8\r\n" + b"x" * 1000 + b"\r\n"
    unsaid = await exchange(
        port, post + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 20, b"0\r\n\r\n"
    )
    assert status(unsaid) == 413


async def test_an_incomplete_header_is_cut_off(port: int) -> None:
    assert await exchange(port, b"GET /hea") == b""
    assert await exchange(port, b"") == b""
    connection = GET.replace(b"Connection: close\r\n", b"") + b"\r\n"
    answer = await exchange(port, connection, b"GET /hea", pause_s=0.1)
    assert answer.count(b"HTTP/1.1") == 1


async def test_a_header_that_trickles_in_is_cut_off(port: int) -> None:
    assert await exchange(port, *[b"G"] * 10, pause_s=0.1) == b""


async def test_a_body_that_stops_arriving_times_out(port: int) -> None:
    answer = await exchange(port, POST + JSON + b"Content-Length: 100\r\n\r\nx")
    assert status(answer) == 408
