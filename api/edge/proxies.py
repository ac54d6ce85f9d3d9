"""Whether to believe a proxy: what it says of address, scheme and name, if it is one of ours.

From everybody else these headers are taken away, before anything else reads them.
"""

import ipaddress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.edge.middleware import HttpMiddleware
from api.edge.options import EdgeOptions
from chat.accounts.sso import ExternalIdentity

PROXY_HEADERS = (b"forwarded", b"x-forwarded-", b"x-real-ip", b"x-gradio-server")
"""How headers begin that only a proxy has to set; Gradio reads some of them by itself."""

FROM_PROXY = "from_proxy"
"""Key of the request's state: whether one of our proxies has passed it on."""


def named_by_proxy(scope: Scope, header: str | None) -> ExternalIdentity | None:
    """Whom one of our proxies has signed in; None if it names nobody, or somebody else says it."""
    if header is None or not scope["state"][FROM_PROXY]:
        return None
    names = Headers(scope=scope).getlist(header)
    if len(names) != 1 or not names[0].strip():  # of two the proxy may have meant either
        return None
    name = names[0].strip()
    return ExternalIdentity(f"header {header.lower()}", name, name)


class Proxies(HttpMiddleware):
    """Put in place which client and scheme a trusted proxy names; hide what others claim."""

    def __init__(self, app: ASGIApp, options: EdgeOptions) -> None:
        super().__init__(app)
        self.trusted = [ipaddress.ip_network(name) for name in options.trusted_proxies]
        # uvicorn's own reading of the two headers, by name: it knows lists and ports.
        self.proxied = ProxyHeadersMiddleware(app, list(options.trusted_proxies))  # type: ignore[arg-type]  # the same in other words

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
        except ValueError:  # a socket of the file system has no address
            return False
        mapped = getattr(peer, "ipv4_mapped", None)
        return any((mapped or peer) in network for network in self.trusted)
