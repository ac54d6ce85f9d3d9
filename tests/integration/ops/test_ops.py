"""/healthz: the process lives. /readyz: the engine has produced a token."""

import httpx
import pytest

from api.edge.options import EdgeOptions
from api.server import build_api
from chat.errors import StoreFailed
from chat.serving.background import FAILING_AFTER, BackgroundJobs
from chat.serving.errors import OutOfMemory
from chat.serving.models import EngineState, LoadStage, Phase
from chat.serving.readiness import Readiness
from tests.fakes import Script, ScriptedEngine
from tests.house import client_of

LOADING = EngineState(
    Phase.LOADING, LoadStage.DOWNLOAD, progress=0.25, seconds_left=90.0, detail="model-00001"
)
DEGRADED = EngineState(Phase.DEGRADED, error_code="out_of_memory", detail="restarting")
DEAD = EngineState(Phase.DEAD, error_code="model_unavailable", detail="no such model")


async def ask(engine: ScriptedEngine, path: str, method: str = "GET") -> httpx.Response:
    app = build_api(engine=engine, edge=EdgeOptions())
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.request(method, path)


@pytest.mark.parametrize("state", [LOADING, EngineState(Phase.READY), DEGRADED, DEAD])
async def test_healthz_is_ok_in_every_engine_state(state: EngineState) -> None:
    answer = await ask(ScriptedEngine(current_state=state, ready=False), "/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


async def test_readyz_reports_the_progress_of_loading() -> None:
    answer = await ask(ScriptedEngine(current_state=LOADING, ready=False), "/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "phase": "loading",
        "stage": "download",
        "progress": 0.25,
        "seconds_left": 90.0,
        "detail": "model-00001",
        "error_code": None,
        "model": "Scripted-1B-Instruct",
    }


async def test_readyz_is_ok_when_the_engine_is_ready() -> None:
    answer = await ask(ScriptedEngine(), "/readyz")
    assert answer.status_code == 200
    assert answer.json()["ready"] is True


@pytest.mark.parametrize("state", [DEGRADED, DEAD])
async def test_readyz_reports_the_error(state: EngineState) -> None:
    answer = await ask(ScriptedEngine(current_state=state, ready=False), "/readyz")
    assert answer.status_code == 503
    assert answer.json()["error_code"] == state.error_code


async def test_readyz_fails_if_the_engine_produces_no_token() -> None:
    answer = await ask(ScriptedEngine([Script(pieces=(), error=OutOfMemory())]), "/readyz")
    assert answer.status_code == 503
    body = answer.json()
    assert (body["ready"], body["phase"]) == (False, "degraded")
    assert body["error_code"] == OutOfMemory.code


async def test_readyz_is_degraded_while_a_job_of_the_app_itself_keeps_failing() -> None:
    engine, jobs = ScriptedEngine(), BackgroundJobs()

    async def fail() -> None:
        raise StoreFailed

    async def succeed() -> None:
        return None

    for _ in range(FAILING_AFTER):
        await jobs.attempt("retention", fail)
    readiness = Readiness(engine, checks=(jobs.check,), fresh_s=0)
    app = build_api(engine=engine, edge=EdgeOptions(), readiness=readiness)
    async with client_of(app) as client:
        answer = await client.get("/readyz")
        body = answer.json()
        assert (answer.status_code, body["phase"]) == (503, "degraded")
        assert (body["error_code"], body["detail"]) == (
            "background_job_failing",
            "failing again and again: retention",
        )
        await jobs.attempt("retention", succeed)
        assert (await client.get("/readyz")).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_probes_are_not_cached_and_support_head(path: str) -> None:
    answer = await ask(ScriptedEngine(), path, "HEAD")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
