"""Limits of requests: header size, content type, body size, time between parts of a body."""

import asyncio
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.errors import error_response
from api.edge.middleware import HttpMiddleware
from api.edge.options import MIB, EdgeOptions

IMPORT_PATH = "/api/import"
"""Imports have a larger body limit, `EdgeOptions.import_max_bytes`."""


class HeaderLimit(HttpMiddleware):
    """Refuse requests with too many or too large headers, path and query included."""

    def __init__(self, app: ASGIApp, options: EdgeOptions) -> None:
        super().__init__(app)
        self.options = options

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope["headers"]
        size = len(scope["path"]) + len(scope.get("query_string", b""))
        size += sum(len(name) + len(value) for name, value in headers)
        if len(headers) > self.options.max_headers or size > self.options.max_header_bytes:
            answer = error_response(431, "The request's headers are too large.")
            await answer(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class JsonOnly(HttpMiddleware):
    """Refuse bodies that are not JSON.

    Another origin's page can send a form, or JSON as text/plain, without a CORS preflight.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._is_allowed(scope):
            await self.app(scope, receive, send)
        else:
            answer = error_response(415, "Send the body as application/json.")
            await answer(scope, receive, send)

    @staticmethod
    def _is_allowed(scope: Scope) -> bool:
        headers = Headers(scope=scope)
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        if not has_body:
            return True
        kinds = headers.getlist("content-type")
        return len(kinds) == 1 and kinds[0].partition(";")[0].strip().lower() == "application/json"


class BodyLimit(HttpMiddleware):
    """Refuse bodies of more than `max_bytes`; `larger` maps paths to limits of their own.

    A body with a Content-Length is refused before it is read, another one at the limit.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, larger: Mapping[str, int]) -> None:
        super().__init__(app)
        self.max_bytes = max_bytes
        self.larger = larger

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self.larger.get(scope["path"], self.max_bytes)
        words = f"This is too large: at most {limit // MIB} MiB are taken here."
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            await error_response(413, words)(scope, receive, send)
            return
        size = 0

        async def receive_within_limit() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                raise HTTPException(413, words)
            return message

        await self.app(scope, receive_within_limit, send)


class BodyPace(HttpMiddleware):
    """Refuse a body that stops arriving, so that slow senders do not hold connections."""

    def __init__(self, app: ASGIApp, options: EdgeOptions) -> None:
        super().__init__(app)
        self.timeout_s = options.body_timeout_s

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        complete = False

        async def receive_in_time() -> Message:
            nonlocal complete
            if complete:  # the next message is the client's disconnect
                return await receive()
            try:
                async with asyncio.timeout(self.timeout_s):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "The body stopped coming.") from None
            complete = not message.get("more_body", False)
            return message

        await self.app(scope, receive_in_time, send)
