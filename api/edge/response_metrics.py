"""Counts every HTTP response by route, method and status."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.middleware import HttpMiddleware
from api.edge.permissions import route_at
from api.ops.metrics import Metrics


class ResponseMetrics(HttpMiddleware):
    """Counts each response, and 500 for an exception before the response began."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        super().__init__(app)
        self.metrics = metrics

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 500  # an exception is answered outside of this middleware

        async def send_and_record(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        path, method = scope["path"], scope["method"]
        try:
            await self.app(scope, receive, send_and_record)
        finally:
            self.metrics.answered(route_at(path) or "other", method, status)
