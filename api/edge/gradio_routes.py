"""Which of the page's own routes are open. The page is mounted at the root with all of them.

Gradio brings routes for other ways of use: an API with its description, analytics, recordings,
sharing, an editor, a proxy. What our page does not ask for is closed, and new ones with it:
`cancel` too, which would end anybody's event.
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
OURS = frozenset(("/docs", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/openapi.json"))
"""Routes of ours where Gradio has some too."""

CLOSED_BELOW = tuple(f"/{name}" for name in ("docs", "login", "logout", "monitoring", "openapi"))


def is_open(path: str) -> bool:
    """Whether the page needs what is at `path`, or it is none of the page's business."""
    if path.startswith(PREFIX):
        return path in OPEN or path.startswith(OPEN_BELOW)
    if path in OURS:
        return True
    return not path.startswith(CLOSED_BELOW)


class RootPath(HttpMiddleware):
    """Take the proxy's path off the front of ours, where the proxy has left it there."""

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
