"""What the edge adds to every answer: a request id and the headers that bind the browser.

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
        # Gradio writes its configuration into the page as a script and runs `js=` through eval.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
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
    """Nothing from outside is loaded, nobody frames us, nothing is guessed or passed on."""
    return {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": PERMISSIONS_POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def request_id(scope: Scope) -> str:
    """The id that was given to this request at the edge."""
    return str(scope["state"]["request_id"])


class ResponseHeaders(HttpMiddleware):
    """Give each request an id of ours, and each answer that id and the security headers."""

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
                for policy in stricter:  # of the route's own; browsers obey all that they are told
                    headers.append("Content-Security-Policy", policy)
                headers["X-Request-ID"] = request_id(scope)
            await send(message)

        await self.app(scope, receive, send_with_headers)
