"""Ends long streams when their session ends.

A request is authorised once, but a stream lasts for an answer or as long as a tab is open. If the
user is disabled, signed out elsewhere or deleted, the stream ends after a few seconds.
"""

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.cookies import SecretCookie
from api.edge.identity import SIGNED_IN
from api.edge.middleware import HttpMiddleware
from api.edge.options import EdgeOptions
from chat.accounts.authentication import Authenticator
from chat.accounts.models import SignedIn
from chat.errors import StoreFailed

STREAMS = ("/gradio_api/queue/data", "/gradio_api/heartbeat/", "/api/duel-events/")
CHECK_INTERVAL_S = 2.0


class StreamExpiry(HttpMiddleware):
    """Checks every `every_s` seconds whether the stream's user is still signed in."""

    def __init__(
        self,
        app: ASGIApp,
        options: EdgeOptions,
        authenticator: Authenticator,
        every_s: float = CHECK_INTERVAL_S,
    ) -> None:
        super().__init__(app)
        self.root_path = options.root_path
        self.authenticator = authenticator
        self.every_s = every_s

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(STREAMS):
            await self.app(scope, receive, send)
            return
        is_open = False

        async def send_and_track(message: Message) -> None:
            nonlocal is_open
            await send(message)
            is_open = message["type"] == "http.response.start" or message.get("more_body", False)

        streaming = asyncio.create_task(self._stream(scope, receive, send_and_track))
        expiry = asyncio.create_task(self._until_session_ends(scope))
        try:
            await asyncio.wait({streaming, expiry}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended_by_itself = streaming.done()
            await _cancel(expiry)
            if not ended_by_itself:
                await _cancel(streaming)
        if ended_by_itself:
            await streaming
        elif is_open:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    async def _until_session_ends(self, scope: Scope) -> None:
        token = SecretCookie.of(scope, self.root_path).read(scope)
        initial: SignedIn | None = scope["state"][SIGNED_IN]
        current = initial
        while current and initial and current.user.id == initial.user.id:
            await asyncio.sleep(self.every_s)
            with suppress(StoreFailed):  # checked again after the interval
                current = await self.authenticator.authenticate(token)


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    # `wait`, unlike `await task`, does not raise the task's exception.
    await asyncio.wait({task})
