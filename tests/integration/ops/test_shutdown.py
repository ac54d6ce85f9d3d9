"""How the app ends: not ready first, then no new work, then the answers end; or with its engine."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from api.edge.options import EdgeOptions
from api.edge.uvicorn import server_config
from api.ops.metrics import Metrics
from api.server import build_api
from app import Alarm, Server, ShutdownTimes, build_maintenance
from chat.serving.engines import Engines
from chat.serving.errors import EngineStalled
from chat.serving.models import EngineState, Phase
from config import read_settings
from loading import LoadProgress
from parts import build_parts
from store import open_store
from tests.fakes import Script, ScriptedEngine
from tests.migrated import migrated

CHAT = "/v1/chat/completions"
QUESTION = {"model": "default", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
TEXT = "slow enough"
HANGS = EngineState(Phase.DEGRADED, detail="no step has ended", error_code=EngineStalled.code)

Running = tuple[Server, "asyncio.Task[None]", httpx.AsyncClient]


@asynccontextmanager
async def running(
    folder: Path, engine: ScriptedEngine, *settings: str, alarm: Alarm | None = None
) -> AsyncIterator[Running]:
    """The app's server on a free port, with its store, and a client of it."""
    chosen = read_settings(["--data-dir", str(folder), *settings])
    store = open_store(migrated(folder))
    await store.open()
    parts = build_parts(chosen, Engines(engine), store, Metrics())
    edge = EdgeOptions()
    site = build_api(
        engine=engine, edge=edge, completions=parts.completions, readiness=parts.readiness
    )
    server = Server(
        server_config(site, edge=edge, shutdown_s=1),
        parts,
        build_maintenance(chosen, parts, store.accounts),
        load_progress=LoadProgress(),
        times=ShutdownTimes(chosen.shutdown_notice_s, chosen.shutdown_grace_s),
        alarm=alarm,
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        address = f"http://localhost:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=30) as client:
            await until(lambda: server.started and engine.state.phase is Phase.READY)
            yield server, serving, client
            server.should_exit = True
            await asyncio.wait_for(serving, 30)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)


async def stream(client: httpx.AsyncClient) -> str:
    return (await client.post(CHAT, json=QUESTION)).text


async def test_the_app_is_not_ready_before_it_refuses_and_answers_end_last(tmp_path: Path) -> None:
    engine = ScriptedEngine([Script(TEXT, step_s=0.4), Script()])
    async with running(tmp_path, engine, "--shutdown-notice-s", "1") as (server, serving, client):
        answer = asyncio.create_task(stream(client))
        await until(lambda: engine.running)
        assert (await client.get("/readyz")).status_code == 200
        server.should_exit = True
        seen: list[tuple[int, int]] = []
        while not seen or seen[-1][1] != 503:
            ready = (await client.get("/readyz")).status_code
            work = await client.post(CHAT, json={**QUESTION, "stream": False, "max_tokens": 1})
            seen.append((ready, work.status_code))
        assert (503, 200) in seen, "not ready is said while requests are still served"
        assert (200, 503) not in seen, "nothing is refused before it is said"
        assert work.json()["error"]["code"] == "shutting_down"
        assert int(work.headers["retry-after"]) > 0
        assert "[DONE]" in await answer
        await asyncio.wait_for(serving, 30)


async def test_without_an_open_page_the_stop_has_no_notice(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedEngine(), "--shutdown-notice-s", "600") as (
        server,
        serving,
        _,
    ):
        server.should_exit = True
        await asyncio.wait_for(serving, 30)


@pytest.mark.parametrize("lost", [HANGS, EngineState(Phase.DEAD, detail="beyond repair")], ids=str)
async def test_an_engine_that_is_lost_ends_the_app(tmp_path: Path, lost: EngineState) -> None:
    engine = ScriptedEngine()
    async with running(tmp_path, engine) as (server, serving, client):
        assert (await client.get("/readyz")).status_code == 200
        await asyncio.sleep(0)
        engine.current_state = lost
        await asyncio.wait_for(serving, 30)
        assert server.engine_lost


async def test_an_engine_that_recovers_from_a_failed_step_is_not_lost(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    async with running(tmp_path, engine) as (server, serving, client):
        engine.current_state = EngineState(Phase.DEGRADED, error_code="out_of_memory")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(serving), 2.5)
        assert not server.engine_lost
        engine.current_state = EngineState(Phase.READY)
        assert (await client.get("/readyz")).status_code == 200
