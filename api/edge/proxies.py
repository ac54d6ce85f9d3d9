"""Applies forwarded headers of trusted proxies: client address, scheme, host, user name.

From all other clients these headers are removed before anything else reads them.
"""

import ipaddress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.edge.middleware import HttpMiddleware
from api.edge.options import EdgeOptions
from chat.accounts.sso import ExternalIdentity

PROXY_HEADERS = (b"forwarded", b"x-forwarded-", b"x-real-ip", b"x-gradio-server")
"""Prefixes of headers that only a proxy may set; Gradio reads some of them itself."""

FROM_PROXY = "from_proxy"
"""Key of the request's state: whether a trusted proxy sent the request."""


def named_by_proxy(scope: Scope, header: str | None) -> ExternalIdentity | None:
    """The user whom a trusted proxy has signed in; None without one, or from other clients."""
    if header is None or not scope["state"][FROM_PROXY]:
        return None
    names = Headers(scope=scope).getlist(header)
    if len(names) != 1 or not names[0].strip():  # two are ambiguous
        return None
    name = names[0].strip()
    return ExternalIdentity(f"header {header.lower()}", name, name)


class Proxies(HttpMiddleware):
    """Apply a trusted proxy's client address and scheme; remove these headers from others."""

    def __init__(self, app: ASGIApp, options: EdgeOptions) -> None:
        super().__init__(app)
        self.trusted = [ipaddress.ip_network(name) for name in options.trusted_proxies]
        # uvicorn's middleware parses lists and ports in these headers. It types its parameters
        # with its own ASGI types, which mypy treats as different from Starlette's.
        self.proxied = ProxyHeadersMiddleware(app, list(options.trusted_proxies))  # type: ignore[arg-type]  # uvicorn's ASGI types

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        trusted = self._trusts(scope)
        scope.setdefault("state", {})[FROM_PROXY] = trusted
        if trusted:
            await self.proxied(scope, receive, send)  # type: ignore[arg-type]  # as above
        else:
            headers = [pair for pair in scope["headers"] if not pair[0].startswith(PROXY_HEADERS)]
            await self.app({**scope, "headers": headers}, receive, send)

    def _trusts(self, scope: Scope) -> bool:
        try:
            peer = ipaddress.ip_address((scope.get("client") or ("",))[0])
        except ValueError:  # a Unix socket has no address
            return False
        mapped = getattr(peer, "ipv4_mapped", None)
        return any((mapped or peer) in network for network in self.trusted)
