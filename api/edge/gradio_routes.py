"""Allowlist of Gradio's routes. The page is mounted at the root with all routes of Gradio.

Gradio has routes for other uses: an API with its description, analytics, recordings, sharing, an
editor, a proxy. Routes that our page does not request are closed, and so are those of later
versions; also `cancel`, with which any client could end any user's event.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.edge.errors import error_response
from api.edge.middleware import HttpMiddleware
from api.edge.options import EdgeOptions

PREFIX = "/gradio_api"
OPEN = frozenset(
    f"{PREFIX}/{name}"
    for name in (
        "app_id",
        "queue/data",
        "queue/join",
        "startup-events",
        "theme.css",
    )
)
OPEN_BELOW = tuple(f"{PREFIX}/{name}" for name in ("file=", "heartbeat/", "run/"))
OWN_ROUTES = frozenset(
    ("/docs", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/openapi.json")
)
"""Routes of ours whose paths Gradio uses, too."""

CLOSED_BELOW = tuple(f"/{name}" for name in ("docs", "login", "logout", "monitoring", "openapi"))


def is_open(path: str) -> bool:
    """Whether `path` is one of the page's open routes, or not a route of Gradio at all."""
    if path.startswith(PREFIX):
        return path in OPEN or path.startswith(OPEN_BELOW)
    if path in OWN_ROUTES:
        return True
    return not path.startswith(CLOSED_BELOW)


class RootPath(HttpMiddleware):
    """Remove the proxy's path prefix from the request's path if the proxy has kept it."""

    def __init__(self, app: ASGIApp, options: EdgeOptions) -> None:
        super().__init__(app)
        self.root = options.root_path

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if self.root and f"{path}/".startswith(f"{self.root}/"):
            scope["path"] = path.removeprefix(self.root) or "/"
        await self.app(scope, receive, send)


class GradioRoutes(HttpMiddleware):
    """Answer 404 for the routes of Gradio that the page does not use."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_open(scope["path"]):
            await self.app(scope, receive, send)
        else:
            await error_response(404, "Not Found")(scope, receive, send)
