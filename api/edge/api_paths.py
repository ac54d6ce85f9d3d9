"""Paths of the API as clients write them: they join an address and a path in several ways."""

import re

from starlette.types import Receive, Scope, Send

from api.edge.middleware import HttpMiddleware

API_PATH = re.compile("/+v1(/|$)")


class ApiPaths(HttpMiddleware):
    """Reads a path alike with and without a slash at its end, and with doubled slashes.

    A redirect would lose the body or the key.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if API_PATH.match(scope["path"]):
            scope["path"] = re.sub("/+", "/", scope["path"]).rstrip("/")
        await self.app(scope, receive, send)
