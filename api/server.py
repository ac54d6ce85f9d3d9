"""The web app: our routes behind the edge. What else is mounted on it stands behind it too."""

from collections.abc import Callable

from fastapi import FastAPI
from starlette.routing import Mount

from api.edge import edge_middleware
from api.errors import add_error_handlers, cover_faults
from api.exports import Archives, export_routes
from api.install import install_routes
from api.ops import ops_routes
from api.options import EdgeOptions
from api.preset_files import Presets, preset_routes
from chat.types import EngineInfo, EngineState


def build_api(
    *,
    engine_state: Callable[[], EngineState],
    engine_info: Callable[[], EngineInfo | None],
    edge: EdgeOptions,
    archives: Archives | None = None,
    presets: Presets | None = None,
) -> FastAPI:
    """The app with the edge around it and its routes on it.

    There are routes for files of conversations and of presets where these are given.
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
    app.include_router(install_routes())
    if archives:
        app.include_router(export_routes(archives))
    if presets:
        app.include_router(preset_routes(presets))
    return app


def cover_mounted(app: FastAPI) -> None:
    """Let apps that were mounted on `app` answer invalid input and faults as we do."""
    for route in app.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            cover_faults(route.app)
