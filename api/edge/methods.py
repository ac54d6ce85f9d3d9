"""Methods of our routes: HEAD where there is GET, and 405 where a path has other methods.

The mounted page matches every path, so that the router itself would never answer 405.
"""

import re
from collections.abc import Sequence

from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.errors import error_response
from api.edge.middleware import HttpMiddleware
from api.edge.permissions import UNKNOWN_API_ROUTE
from api.edge.stream_expiry import STREAMS


class RouteMethods(HttpMiddleware):
    """Answers HEAD as GET without the body, and refuses methods that a path of ours does not have.

    Streams have no HEAD: they do not end by themselves.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        self._methods: Sequence[tuple[re.Pattern[str], frozenset[str]]] | None = None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_head = scope["method"] == "HEAD" and not scope["path"].startswith(STREAMS)
        if is_head:
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        allowed = self._allowed(scope)
        if not allowed or scope["method"] in allowed:
            await self.app(scope, receive, send)
            return
        names = ", ".join(sorted(allowed))
        answer = error_response(405, f"This route takes {names}.", headers={"Allow": names})
        await answer(scope, receive, send)

    def _allowed(self, scope: Scope) -> frozenset[str]:
        """The methods of our routes at this path; empty where none is ours."""
        if self._methods is None:  # at the first request every route has been added
            self._methods = [
                (compile_path(context.path)[0], _with_head(context.methods))
                for context in iter_route_contexts(scope["app"].routes)
                if context.methods and context.path and context.path != UNKNOWN_API_ROUTE
            ]
        found = [methods for path, methods in self._methods if path.match(scope["path"])]
        return frozenset().union(*found)


def _with_head(methods: set[str]) -> frozenset[str]:
    return frozenset(methods | {"HEAD"} if "GET" in methods else methods)


def _without_body(send: Send) -> Send:
    async def send_headers(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_headers
