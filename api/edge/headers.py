"""Headers of every response: a request id and the security headers.

Knows nothing of errors or routes.
"""

import uuid
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.middleware import HttpMiddleware

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        # Gradio embeds its configuration as an inline script and evaluates `js=` with eval.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "frame-src 'self'",  # previews; also bounds where their scripts may navigate
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
)


def security_headers() -> Mapping[str, str]:
    """Headers against foreign content, framing, MIME sniffing and referrers."""
    return {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": PERMISSIONS_POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def request_id(scope: Scope) -> str:
    """The id that `ResponseHeaders` has assigned to this request."""
    return str(scope["state"]["request_id"])


class ResponseHeaders(HttpMiddleware):
    """Assign an id to each request; add it and the security headers to each response."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        self.fixed = security_headers()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["request_id"] = uuid.uuid4().hex

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                stricter = headers.getlist("Content-Security-Policy")
                headers.update(self.fixed)
                if any("frame-ancestors 'self'" in policy for policy in stricter):
                    # A document with an origin of its own, which the app's pages may frame.
                    headers["X-Frame-Options"] = "SAMEORIGIN"
                    del headers["Content-Security-Policy"]
                for policy in stricter:  # the route's own; browsers enforce all policies together
                    headers.append("Content-Security-Policy", policy)
                headers["X-Request-ID"] = request_id(scope)
            await send(message)

        await self.app(scope, receive, send_with_headers)
