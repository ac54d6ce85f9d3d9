"""Errors as pages: what a program gets as JSON, a browser that navigates gets in words.

Covers every route, the mounted page too: the responses are made where they are for programs and
turned into a page at the edge.
"""

import json
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.middleware import HttpMiddleware
from api.edge.options import EdgeOptions
from api.html import locale_of, page_answer
from chat.errors import StoreFailed
from pages.errors import ErrorKind, error_page

APIS = ("/api/", "/gradio_api/", "/v1/")
"""Below these paths everything is for scripts and programs, whatever asks."""

MAX_BYTES = 64 * 1024
"""Of an error's JSON: longer ones are no errors of ours and pass as they are."""

OF_THE_BODY = ("content-length", "content-type", "content-security-policy")
"""Headers of the response for programs that do not hold for the page."""


def is_navigation(scope: Scope) -> bool:
    """Whether a browser navigates to the page, as opposed to a script or program."""
    if scope["method"] not in ("GET", "HEAD") or scope["path"].startswith(APIS):
        return False
    headers = Headers(scope=scope)
    mode = headers.get("sec-fetch-mode")
    return mode == "navigate" if mode else "text/html" in headers.get("accept", "")


def page_of(scope: Scope, status: int, content: Any, headers: Headers, root_path: str) -> Response:
    """The page for an error whose JSON is `content`; 503 is loaded again when it is due."""
    locale, wait = locale_of(Request(scope), root_path), headers.get("retry-after")
    again = int(wait) if status == 503 and wait and wait.isdecimal() else None
    # The mounted page's own errors (Gradio's) are FastAPI's: {"detail": …}.
    error = content.get("error") or {"message": content["detail"]}
    html = error_page(locale, _kind(status, error.get("code")), str(error["message"]), again)
    page = page_answer(html, status)
    for name, value in headers.items():
        if name not in OF_THE_BODY:
            page.headers[name] = value
    if again is not None:
        page.headers["Refresh"] = str(again)
    return page


def as_page(scope: Scope, response: Response) -> Response:
    """The page for an error response that has left the edge."""
    content, root_path = json.loads(bytes(response.body)), scope.get("root_path", "")
    return page_of(scope, response.status_code, content, response.headers, root_path)


def _kind(status: int, code: object) -> ErrorKind:
    if status == 404:
        return ErrorKind.MISSING
    if code == StoreFailed.code:
        return ErrorKind.DATABASE
    return ErrorKind.BUSY if status == 503 else ErrorKind.OTHER


class ErrorPages(HttpMiddleware):
    """Turn errors into pages where a browser navigates."""

    def __init__(self, app: ASGIApp, options: EdgeOptions) -> None:
        super().__init__(app)
        self.root_path = options.root_path

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_navigation(scope):
            await self.app(scope, receive, _ErrorToPage(scope, receive, send, self.root_path))
        else:
            await self.app(scope, receive, send)


class _ErrorToPage:
    """Holds an error's JSON back until it is whole, and sends the page instead."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, root_path: str) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._root_path = root_path
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_error(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        headers = Headers(raw=start["headers"])
        try:
            content = json.loads(self._body)
            page = page_of(self._scope, start["status"], content, headers, self._root_path)
        except (ValueError, KeyError, TypeError, AttributeError):  # JSON of another form
            await self._send(start)
            await self._send({"type": "http.response.body", "body": self._body})
            return
        await page(self._scope, self._receive, self._send)


def _is_error(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    length = headers.get("content-length", "")
    return (
        start["status"] >= 400
        and headers.get("content-type", "").startswith("application/json")
        and length.isdecimal()
        and int(length) <= MAX_BYTES
    )
