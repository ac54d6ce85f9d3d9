"""Limits of requests: header size, content type, body size, time between parts of a body."""

import asyncio
from codecs import BOM_UTF8
from collections import Counter
from dataclasses import dataclass, replace

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.content_codings import (
    GZIP,
    NotGzip,
    coding_of,
    inflated,
    inflated_size,
    unknown_coding,
)
from api.edge.credentials import PRINCIPAL
from api.edge.errors import RETRY_AFTER_S, error_response
from api.edge.identity import SIGNED_IN
from api.edge.json_bounds import JsonBounds, TooMuchJson, UnusableJson, check_structure
from api.edge.middleware import HttpMiddleware
from api.edge.options import MIB, EdgeOptions

KIB = 1024
MOST_DIGITS = 15
"""Digits of a number in a query: Python is slow at parsing thousands of digits."""

IMPORT_PATH = "/api/import"
"""Imports have a larger body limit, `EdgeOptions.import_max_bytes`."""

CASES_PATH = "/api/cases/import"
PRESET_PATH = "/api/presets/import"
EVENT_PATHS = ("/gradio_api/queue/join", "/gradio_api/run/")


@dataclass(frozen=True, slots=True)
class BodyBounds:
    """The most bytes of a body, and the most structure; None: its own parser bounds that."""

    max_bytes: int
    structure: JsonBounds | None


ACCOUNT = BodyBounds(16 * KIB, JsonBounds(containers=100, values=1_000))
"""Sign-in and account requests: accepted without a session."""

EVENT = BodyBounds(3 * MIB, JsonBounds(containers=2_000, values=20_000))
"""Of the page; `api.edge.gradio_sessions` takes so much only where files come with it."""

OTHER = BodyBounds(2 * MIB, JsonBounds(containers=20_000, values=100_000))
FILE = JsonBounds(containers=200_000, values=1_000_000, depth=None)
"""Of a file of presets or cases, whose parser reports where it is nested too deeply."""


def bounds_of(path: str, options: EdgeOptions) -> BodyBounds:
    """What a body sent there may be."""
    if path == IMPORT_PATH:
        return BodyBounds(options.import_max_bytes, None)
    if path == CASES_PATH:
        bounds = BodyBounds(8 * MIB, FILE)
    elif path == PRESET_PATH:
        bounds = BodyBounds(2 * MIB, FILE)
    elif path.startswith("/api/account/"):
        bounds = ACCOUNT
    else:
        bounds = EVENT if path.startswith(EVENT_PATHS) else OTHER
    return replace(bounds, max_bytes=min(bounds.max_bytes, options.max_body_bytes))


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
        if not has_body(headers):
            return True
        allowed = {"application/json"}
        if scope["path"] == IMPORT_PATH:  # as safe: a form cannot send it either
            allowed.add("application/zip")
        kinds = headers.getlist("content-type")
        return len(kinds) == 1 and kinds[0].partition(";")[0].strip().lower() in allowed


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


class BodyLimit(HttpMiddleware):
    """Read each body within its bounds, inflate it, and pass it on in one piece.

    One that says its size is refused before it is read, another one where it passes the limit. All
    bodies in memory have a sum, and so have those of one person, or of one address without one.
    """

    def __init__(self, app: ASGIApp, options: EdgeOptions) -> None:
        super().__init__(app)
        self.options = options
        self._held: Counter[str] = Counter()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if not has_body(headers):
            await self.app(scope, receive, send)
            return
        bounds = bounds_of(scope["path"], self.options)
        coding = coding_of(headers)
        if coding and coding not in GZIP:
            await unknown_coding()(scope, receive, send)
            return
        declared = headers.get("content-length", "")
        if declared.isdecimal() and (
            len(declared) > MOST_DIGITS or int(declared) > bounds.max_bytes
        ):
            await too_large(bounds.max_bytes)(scope, receive, send)
            return
        body = _Body(self._held, _sender(scope), self.options)
        try:
            content = await body.read(receive, bounds, zipped=bool(coding))
            if isinstance(content, Response):
                await content(scope, receive, send)
            elif content is not None:
                scope = _as_read(scope, headers, content)
                await self.app(scope, in_one_piece(content, receive), send)
        finally:
            body.release()


class _Body:
    """One body while it is in memory, counted among all of them."""

    def __init__(self, held: Counter[str], sender: str, options: EdgeOptions) -> None:
        self._held = held
        self._sender = sender
        self._options = options
        self._size = 0

    async def read(
        self, receive: Receive, bounds: BodyBounds, *, zipped: bool
    ) -> bytes | Response | None:
        """The body, or the answer that refuses it, or None when the client has left.

        The bounds hold for what was sent and for what it is once it is inflated.
        """
        pieces, more = [], True
        while more:
            try:
                message = await receive()
            except HTTPException as error:  # it stopped coming
                return error_response(error.status_code, error.detail)
            if message["type"] == "http.disconnect":
                return None
            pieces.append(message.get("body", b""))
            more = message.get("more_body", False)
            if self._size + len(pieces[-1]) > bounds.max_bytes:
                return too_large(bounds.max_bytes)
            if not self._keep(len(pieces[-1])):
                return _too_much_at_once()
        body: bytes | Response = b"".join(pieces)
        if zipped and isinstance(body, bytes):
            body = await self._inflate(body, bounds.max_bytes)
        if isinstance(body, Response):
            return body
        body = body.removeprefix(BOM_UTF8)  # Windows' programs write it, and no parser takes it
        return _refusal(body, bounds) or body

    def release(self) -> None:
        for name in ("", self._sender):
            self._held[name] -= self._size
            if not self._held[name]:
                del self._held[name]

    async def _inflate(self, body: bytes, max_bytes: int) -> bytes | Response:
        """The body before gzip, or the answer that refuses it."""
        size = inflated_size(body)
        if size > max_bytes:
            return too_large(max_bytes)
        if not self._keep(size):
            return _too_much_at_once()
        try:
            return await inflated(body)
        except NotGzip:
            return error_response(400, "The body is not gzip, or not whole.", code="invalid_gzip")

    def _keep(self, size: int) -> bool:
        """Count so many bytes more, if there is room for them."""
        options = self._options
        if self._held[""] + size > options.max_held_bytes:
            return False
        if self._held[self._sender] + size > options.max_held_bytes_each:
            return False
        self._size += size
        self._held.update({"": size, self._sender: size})
        return True


def has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def in_one_piece(body: bytes, receive: Receive) -> Receive:
    """What gives the body first; from then on it only waits for the client to leave."""
    delivered = False

    async def receive_body() -> Message:
        nonlocal delivered
        if delivered:
            return await receive()
        delivered = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_body


def _as_read(scope: Scope, headers: Headers, body: bytes) -> Scope:
    """The scope with headers that fit the body, if that was compressed or had a mark before it."""
    size = str(len(body))
    if "content-encoding" not in headers and headers.get("content-length", size) == size:
        return scope
    changed = MutableHeaders(raw=list(headers.raw))
    del changed["content-encoding"]
    changed["content-length"] = size
    return {**scope, "headers": changed.raw}


def _too_much_at_once() -> Response:
    headers = {"Retry-After": RETRY_AFTER_S}
    return error_response(503, "Too much is being sent at once. Try again.", headers=headers)


def too_large(max_bytes: int) -> Response:
    """The answer to a body of more bytes than are taken."""
    size = f"{max_bytes // MIB} MiB" if max_bytes >= MIB else f"{max_bytes // KIB} KiB"
    return error_response(413, f"This is too large: at most {size} are taken here.")


def _refusal(body: bytes, bounds: BodyBounds) -> Response | None:
    if bounds.structure is None:
        return None
    try:
        check_structure(body, bounds.structure)
    except TooMuchJson as error:
        return error_response(413, str(error))
    except UnusableJson as error:
        return error_response(400, str(error), code="invalid_json")
    return None


def _sender(scope: Scope) -> str:
    """The sender: the user, or the address of a request without a session."""
    principal = scope["state"].get(PRINCIPAL)
    signed_in = principal or scope["state"].get(SIGNED_IN)
    user = signed_in.user if signed_in else None
    return f"user {user.id}" if user else f"address {(scope.get('client') or ('',))[0]}"
