"""Whether the process lives and whether the engine can answer, for people, probes and scripts."""

from collections.abc import Callable
from dataclasses import asdict

from fastapi import APIRouter
from starlette.responses import JSONResponse

from chat.types import EngineInfo, EngineState, Phase

NO_STORE = {"Cache-Control": "no-store"}


def ops_routes(
    engine_state: Callable[[], EngineState], engine_info: Callable[[], EngineInfo | None]
) -> APIRouter:
    """/healthz and /readyz. The two callables are asked at each request."""
    router = APIRouter()

    @router.api_route("/healthz", methods=["GET", "HEAD"])
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"}, headers=NO_STORE)

    @router.api_route("/readyz", methods=["GET", "HEAD"])
    async def readyz() -> JSONResponse:
        state, info = engine_state(), engine_info()
        ready = state.phase is Phase.READY
        body = {"ready": ready, **asdict(state), "model": info.model if info else None}
        return JSONResponse(body, 200 if ready else 503, NO_STORE)

    return router
