"""Whether the process lives, the engine can answer and the app's own jobs succeed."""

from collections.abc import Callable, Sequence
from dataclasses import asdict

from fastapi import APIRouter
from starlette.responses import JSONResponse

from chat.serving.models import EngineState, Phase
from chat.serving.ports import Engine
from chat.serving.readiness import Readiness

NO_STORE = {"Cache-Control": "no-store"}


JOB_FAILING = "background_job_failing"


def ops_routes(
    engine: Engine, readiness: Readiness, failing: Callable[[], Sequence[str]] = tuple
) -> APIRouter:
    """/healthz and /readyz: state alone, and open to anybody.

    `failing` names the jobs of the app itself that fail again and again.
    """
    router = APIRouter()

    @router.api_route("/healthz", methods=["GET", "HEAD"])
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"}, headers=NO_STORE)

    @router.api_route("/readyz", methods=["GET", "HEAD"])
    async def readyz() -> JSONResponse:
        state, info = await readiness.look(), engine.info
        if state.phase is Phase.READY and (jobs := failing()):
            detail = f"failing again and again: {', '.join(jobs)}"
            state = EngineState(Phase.DEGRADED, detail=detail, error_code=JOB_FAILING)
        ready = state.phase is Phase.READY
        body = {"ready": ready, **asdict(state), "model": info.model if info else None}
        return JSONResponse(body, 200 if ready else 503, NO_STORE)

    return router
