"""Checks of Host and Origin against DNS rebinding and cross-site requests.

A page on the web can make a browser call a server on the visitor's machine or network, but it can
neither choose the Host header nor hide its origin.
"""

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.edge.errors import error_response
from api.edge.middleware import HttpMiddleware
from api.edge.options import EdgeOptions, host_name, origin_host

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class HostAllowlist(HttpMiddleware):
    """Refuse requests for other host names, which DNS rebinding would use."""

    def __init__(self, app: ASGIApp, options: EdgeOptions) -> None:
        super().__init__(app)
        self.options = options

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host") or [""]
        # Gradio builds the page's URLs from these two headers, so they are checked as well.
        hosts += _list_items(headers, "x-forwarded-host") + headers.getlist("x-gradio-server")
        if all(map(self.options.allows_host, hosts)):
            await self.app(scope, receive, send)
        else:
            await _refusal(hosts)(scope, receive, send)


def _list_items(headers: Headers, name: str) -> list[str]:
    """The items of a comma-separated header, to which each proxy may have added one."""
    return [item.strip() for value in headers.getlist(name) for item in value.split(",")]


def _refusal(hosts: list[str]) -> PlainTextResponse:
    if None in map(host_name, hosts):
        return PlainTextResponse("The Host header is missing or malformed.\n", 400)
    return PlainTextResponse(
        "This name is not allowed. "
        "If it should be, start the server with --allowed-hosts followed by the name.\n",
        421,
    )


class CrossOriginProtection(HttpMiddleware):
    """Refuse unsafe methods (POST and so on) from other origins' pages.

    Modern browsers send Sec-Fetch-Site; otherwise Origin must match Host. Programs send neither and
    are let through.
    """

    def __init__(self, app: ASGIApp, options: EdgeOptions) -> None:
        super().__init__(app)
        self.options = options

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in SAFE_METHODS or self._is_allowed(Headers(scope=scope)):
            await self.app(scope, receive, send)
        else:
            answer = error_response(
                403,
                "Requests from pages of another origin are refused. "
                "If that page should be served, start with --allowed-origins followed by it.",
                code="cross_origin",
            )
            await answer(scope, receive, send)

    def _is_allowed(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is not None and self.options.allows_origin(origin):
            return True
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        if origin is None:
            return True
        parsed = origin_host(origin)
        own = (headers.get("host", ""), headers.get("x-forwarded-host", ""))
        # The scheme is ignored: a proxy that terminates TLS may not tell us the browser's scheme.
        return parsed is not None and parsed in {
            origin_host(f"{parsed[0]}://{host}") for host in own
        }
