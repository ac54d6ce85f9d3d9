"""Which of the page's own routes are open. The page is mounted at the root with all of them.

Gradio brings routes for other ways of use: an API with its description, analytics, recordings,
sharing, an editor, a proxy. What our page does not ask for is closed, and new ones with it.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import error_response

PREFIX = "/gradio_api"
UPLOAD = f"{PREFIX}/upload"
OPEN = frozenset(
    f"{PREFIX}/{name}"
    for name in (
        "app_id",
        "cancel",
        "queue/data",
        "queue/join",
        "reset",
        "startup-events",
        "theme.css",
        "upload",
        "upload_progress",
    )
)
OPEN_BELOW = tuple(f"{PREFIX}/{name}" for name in ("file=", "heartbeat/", "run/"))
CLOSED_BELOW = tuple(f"/{name}" for name in ("docs", "login", "logout", "monitoring", "openapi"))


def route_path(scope: Scope) -> str:
    """The path inside the app, whether or not a proxy has taken away the root path."""
    path, root = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    return path[len(root) :] if path == root or path.startswith(f"{root}/") else path


def is_open(path: str) -> bool:
    """Whether the page needs what is at `path`, or it is none of the page's business."""
    if path.startswith(PREFIX):
        return path in OPEN or path.startswith(OPEN_BELOW)
    return not path.startswith(CLOSED_BELOW)


class PageRoutes:
    """Answer 404 for the routes of Gradio that the page does not use."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or is_open(route_path(scope)):
            await self.app(scope, receive, send)
        else:
            await error_response(404, "Not Found")(scope, receive, send)
