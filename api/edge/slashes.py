"""Addresses with a slash too many or too few: browsers are sent on to the right one."""

from urllib.parse import quote, unquote

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.edge.middleware import HttpMiddleware
from api.edge.options import EdgeOptions
from api.edge.permissions import route_at

GRADIO = "/gradio_api/"


class TrailingSlashes(HttpMiddleware):
    """Redirect `/chat` to `/chat/` under a root path, and a route's `/name/` to its `/name`.

    The page's own addresses are relative: below `/chat` they would lead to `/assets`, without the
    root path. For GET and HEAD only. Behind `RootPath`, which has removed the root path. The
    framework's own redirects must be off: for a mounted app they add the slash again, for ever.
    """

    def __init__(self, app: ASGIApp, options: EdgeOptions) -> None:
        super().__init__(app)
        self.root = options.root_path

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = self._target(scope) if scope["method"] in ("GET", "HEAD") else None
        if target is None:
            await self.app(scope, receive, send)
            return
        query = scope.get("query_string", b"").decode("latin-1")
        response = RedirectResponse(f"{target}?{query}" if query else target, 307)
        await response(scope, receive, send)

    def _target(self, scope: Scope) -> str | None:
        """The right path, if this one is not."""
        path = scope["path"]
        if path == "/":
            as_sent = unquote(scope.get("raw_path") or b"/")
            return f"{self.root}/" if self.root and as_sent == self.root else None
        plain = path.rstrip("/")
        if not plain:
            return f"{self.root}/"
        # Only to a route: a browser would read the path //name as another host. Some of Gradio's
        # own routes end with a slash.
        is_ours = plain != path and not path.startswith(GRADIO) and route_at(path) is None
        route = route_at(plain) if is_ours else None
        return f"{self.root}{quote(plain)}" if route and ":path}" not in route else None
