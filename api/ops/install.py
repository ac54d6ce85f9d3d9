"""The web app manifest and icons, with which browsers install the page as an app.

All URLs are relative, so that they work below a proxy's path. There is no service worker: browsers
install without one, and the app does nothing offline.
"""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse
from starlette.exceptions import HTTPException

ICONS = Path(__file__).parent / "icons"
KINDS = {".png": "image/png", ".svg": "image/svg+xml"}
CACHE_HEADERS = {"Cache-Control": "public, max-age=86400"}

MANIFEST = {
    "id": "./",
    "name": "Qwen Chat",
    "short_name": "Qwen Chat",
    "description": "A private chat with Qwen2.5 on your own machine.",
    "start_url": "./",
    "scope": "./",
    "display": "standalone",
    "background_color": "#faf9f7",
    "theme_color": "#faf9f7",
    "icons": [
        {"src": "icons/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
        {"src": "icons/icon-192.png", "sizes": "192x192", "type": "image/png", "purpose": "any"},
        {"src": "icons/icon-512.png", "sizes": "512x512", "type": "image/png", "purpose": "any"},
        {
            "src": "icons/maskable-512.png",
            "sizes": "512x512",
            "type": "image/png",
            "purpose": "maskable",
        },
    ],
}


def install_routes() -> APIRouter:
    """GET /manifest.json, /icons/… and /favicon.ico; they take precedence over Gradio's."""
    router = APIRouter()
    icons = {path.name: path for path in ICONS.iterdir() if path.suffix in KINDS}

    @router.get("/manifest.json")
    def manifest() -> JSONResponse:
        return JSONResponse(MANIFEST, headers=CACHE_HEADERS, media_type="application/manifest+json")

    @router.get("/icons/{name}")
    def icon(name: str) -> FileResponse:
        if name not in icons:
            raise HTTPException(404)
        path = icons[name]
        return FileResponse(path, headers=CACHE_HEADERS, media_type=KINDS[path.suffix])

    @router.get("/favicon.ico")
    def favicon() -> FileResponse:
        return FileResponse(icons["icon-32.png"], headers=CACHE_HEADERS, media_type="image/png")

    return router
