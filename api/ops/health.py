"""Health checks: whether the process lives, and whether it can answer questions."""

from dataclasses import asdict

from fastapi import APIRouter
from starlette.responses import JSONResponse

from chat.serving.models import Phase
from chat.serving.ports import Engine
from chat.serving.readiness import Readiness

NO_STORE = {"Cache-Control": "no-store"}


def ops_routes(engine: Engine, readiness: Readiness) -> APIRouter:
    """/healthz and /readyz; public, so they contain the state only."""
    router = APIRouter()

    @router.api_route("/healthz", methods=["GET", "HEAD"])
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"}, headers=NO_STORE)

    @router.api_route("/readyz", methods=["GET", "HEAD"])
    async def readyz() -> JSONResponse:
        state, info = await readiness.look(), engine.info
        ready = state.phase is Phase.READY
        body = {"ready": ready, **asdict(state), "model": info.model if info else None}
        return JSONResponse(body, 200 if ready else 503, NO_STORE)

    return router
