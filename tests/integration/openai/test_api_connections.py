"""Real connections: chunks arrive as they are written, and disconnects are noticed."""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from api.edge.options import EdgeOptions
from api.edge.uvicorn import server_config
from chat.tools import CallPiece
from tests.fakes import Script
from tests.programs import CHAT, HI, Programs, until

LINE_ENDS = ("\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")


@asynccontextmanager
async def serving(programs: Programs) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server on a free loopback port."""
    async with running(programs) as (client, _):
        yield client


@asynccontextmanager
async def running(programs: Programs) -> AsyncIterator[tuple[httpx.AsyncClient, uvicorn.Server]]:
    """The client and the server."""
    server = uvicorn.Server(server_config(programs.app, edge=EdgeOptions(), shutdown_s=1))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve([listener]))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=address, timeout=10) as client:
            yield client, server
        server.should_exit = True
        await running


async def test_a_chunk_arrives_before_the_next_is_written() -> None:
    programs = Programs(Script(["Hel"], hangs=True))
    async with serving(programs) as client:
        async with client.stream("POST", CHAT, json={**HI, "stream": True}) as answer:
            assert answer.status_code == 200
            async for line in answer.aiter_lines():
                if '"content":"Hel"' in line:
                    break
            assert programs.engine.running == 1
        await until(lambda: programs.engine.cancelled == 1)


async def test_a_small_chunk_is_not_delayed_by_nagles_algorithm() -> None:
    async with running(Programs()) as (client, server):
        await client.get("/healthz")
        (connection,) = server.server_state.connections
        peer = connection.transport.get_extra_info("socket")
        assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "script", [Script(["Hel"], hangs=True), Script(prefill_s=60)], ids=["writing", "reading"]
)
async def test_a_disconnect_cancels_the_answer(stream: bool, script: Script) -> None:
    programs = Programs(script)
    async with serving(programs) as client:
        port = client.base_url.port
        assert port
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(as_bytes({**HI, "stream": stream}))
        await until(lambda: programs.engine.running)
        writer.close()
        await until(lambda: programs.engine.cancelled == 1)


async def test_two_hundred_disconnects_at_random_times_leave_the_engine_idle() -> None:
    chance = random.Random(5)
    script = Script(["x"] * 200, step_s=0.01, prefill_s=0.05)
    programs = Programs(script, max_waiting=200)
    async with serving(programs) as client:
        port = client.base_url.port
        assert port

        async def call_and_disconnect() -> None:
            await asyncio.sleep(chance.random())
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            request = as_bytes({**HI, "stream": chance.random() < 0.5})
            sent = chance.choice([len(request), chance.randrange(len(request))])
            writer.write(request[:sent])
            await asyncio.sleep(chance.random() / 2)
            chance.choice([writer.close, writer.transport.abort])()

        await asyncio.gather(*(call_and_disconnect() for _ in range(200)))
        await until(lambda: programs.idle)
        assert programs.engine.cancelled
        assert (await client.post(CHAT, json=dict(HI))).status_code == 200


async def test_no_text_can_split_an_event_at_unicode_line_ends() -> None:
    forged = "".join(f"{end}data: forged{end}{end}" for end in LINE_ENDS)
    programs = Programs(Script([forged, CallPiece(0, "call_1", "time", f'{{"a": "{forged}"}}')]))
    async with serving(programs) as client:
        answer = await client.post(CHAT, json={**HI, "stream": True})
    lines = [line for line in answer.text.splitlines() if line]
    assert lines.pop() == "data: [DONE]"
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines]
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert text == forged


async def test_a_client_that_does_not_read_occupies_no_slot() -> None:
    """Unread output waits for the client without occupying the engine or the queue."""
    programs = Programs(Script(["x" * 1000] * 3000))
    async with serving(programs) as client:
        port = client.base_url.port
        assert port
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(as_bytes({**HI, "stream": True}))
        await until(lambda: programs.seen.summaries)
        assert not programs.completions.principals()
        writer.close()


def as_bytes(body: Mapping[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content
