"""The frames in which the chat page shows code as what it draws."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from pages.preview import POLICY, diagram_preview, markup_preview

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "private, max-age=3600",
    "X-DNS-Prefetch-Control": "off",
}


def preview_routes() -> APIRouter:
    """GET /preview for HTML and SVG, GET /preview/diagram for Mermaid. They hold nobody's data."""
    router = APIRouter()

    @router.get("/preview")
    def markup() -> HTMLResponse:
        return HTMLResponse(markup_preview(), headers=HEADERS)

    @router.get("/preview/diagram")
    def diagram() -> HTMLResponse:
        return HTMLResponse(diagram_preview(), headers=HEADERS)

    return router
