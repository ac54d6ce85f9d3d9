"""Health checks: whether the process lives, and whether it can answer questions."""

from collections.abc import Callable
from dataclasses import asdict

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from chat.serving.models import Phase
from chat.serving.ports import Engine
from chat.serving.readiness import Readiness

NO_STORE = {"Cache-Control": "no-store"}


def ops_routes(
    engine: Engine,
    readiness: Readiness,
    names_model: Callable[[Request], bool] = lambda _request: True,
) -> APIRouter:
    """/healthz, its other name /health, and /readyz; public, so they contain the state only.

    `names_model`: whether who asks may know the model, and the detail of a state, which may name
    it.
    """
    router = APIRouter()

    @router.get("/health")  # the path that servers of the OpenAI API have
    @router.get("/healthz")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"}, headers=NO_STORE)

    @router.get("/readyz")
    async def readyz(request: Request) -> JSONResponse:
        state, info = await readiness.look(), engine.info
        ready = state.phase is Phase.READY
        body = {"ready": ready, **asdict(state), "model": info.model if info else None}
        if not names_model(request):
            body |= {"model": None, "detail": ""}
        return JSONResponse(body, 200 if ready else 503, NO_STORE)

    return router
