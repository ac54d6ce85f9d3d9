"""The web app: our routes behind the edge. What else is mounted on it stands behind it too."""

from collections.abc import Callable

from fastapi import FastAPI
from starlette.routing import Mount

from api.edge import edge_middleware
from api.errors import add_error_handlers, cover_faults
from api.ops import ops_routes
from api.options import EdgeOptions
from chat.types import EngineInfo, EngineState


def build_api(
    *,
    engine_state: Callable[[], EngineState],
    engine_info: Callable[[], EngineInfo | None],
    edge: EdgeOptions,
) -> FastAPI:
    """The app with the edge around it and the routes of operation on it.

    Mount the page after all routes have been added, then call `cover_mounted`.
    """
    app = FastAPI(
        title="Qwen Chat",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=edge_middleware(edge),
    )
    add_error_handlers(app)
    app.include_router(ops_routes(engine_state, engine_info))
    return app


def cover_mounted(app: FastAPI) -> None:
    """Let apps that were mounted on `app` answer invalid input and faults as we do."""
    for route in app.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            cover_faults(route.app)
