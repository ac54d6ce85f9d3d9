"""/docs and /openapi.json: the documentation of the routes for programs.

Swagger UI's files are served from here, because the Content-Security-Policy forbids other hosts.
The routes of our pages and Gradio's are not documented.
"""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from starlette.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.routing import BaseRoute

TITLE = "Qwen Chat"
VERSION = "1"
DESCRIPTION = """\
The model of this server for programs, in the words of the OpenAI API. Keys are made on the page
`/keys`; on this page your session counts. What is taken and what is refused: `docs/api.md`.
"""
CACHE_HEADERS = {"Cache-Control": "private, max-age=86400"}


def docs_routes(documented: Sequence[BaseRoute]) -> APIRouter:
    """/docs and /openapi.json for the routes in `documented`."""
    router = APIRouter(include_in_schema=False)
    files = _files()

    @cache
    def document() -> dict[str, Any]:
        schema = get_openapi(
            title=TITLE, version=VERSION, description=DESCRIPTION, routes=documented
        )
        parts = schema.setdefault("components", {})
        parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        # {} makes the key optional: a session works as well, and so does nothing without accounts.
        return schema | {"security": [{"key": []}, {}]}

    @router.get("/openapi.json")
    def openapi() -> JSONResponse:
        return JSONResponse(document())

    @router.get("/docs")
    def docs() -> HTMLResponse:
        # Relative URLs, which also work below a proxy's path.
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title=TITLE,
            swagger_js_url="docs/swagger-ui-bundle.js",
            swagger_css_url="docs/swagger-ui.css",
            swagger_favicon_url="icons/icon.svg",
            swagger_ui_parameters={"validatorUrl": None, "persistAuthorization": False},
        )

    @router.get("/docs/swagger-ui.css")
    def style() -> FileResponse:
        return FileResponse(files / "swagger-ui.css", headers=CACHE_HEADERS)

    @router.get("/docs/swagger-ui-bundle.js")
    def script() -> FileResponse:
        return FileResponse(files / "swagger-ui-bundle.js", headers=CACHE_HEADERS)

    return router


def _files() -> Path:
    """Swagger UI's files in the package fastapi-offline, of which nothing else is used."""
    spec = find_spec("fastapi_offline")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "static"
