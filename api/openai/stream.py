"""Sends an answer as one body or as server-sent events; cancels it when the client disconnects.

Knows nothing of an answer's content.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, asynccontextmanager

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from api.event_stream import KEEP_ALIVE_S, STREAM_HEADERS, kept_alive
from api.openai.encoding import Encoder
from api.openai.response_models import NamedEvent
from chat.errors import AppError
from chat.serving.choices import Choices

BEGIN_WITHIN_S = 2.0
"""An error within this time gets its own HTTP status; then the headers are sent, with 200."""

DONE = b"data: [DONE]\n\n"
CACHE_HEADER = "X-Response-Cache"

ESCAPES = {c.encode(): f"\\u{ord(c):04x}".encode() for c in "\x85\u2028\u2029"}
"""Escapes of characters that JSON allows unescaped but Python's `splitlines`, and so httpx, treats
as line ends: an event would be cut in two."""

_LINE_ENDS = re.compile(b"|".join(ESCAPES))


async def send_answer(
    request: Request, choices: Choices, encoder: Encoder, *, stream: bool, with_usage: bool
) -> Response:
    """The response to a request. Raises the error of an answer that failed before it began."""
    headers = {CACHE_HEADER: "hit"} if choices.from_cache else {}
    async with cancelled_on_disconnect(request, choices):
        if stream:
            await choices.begun(BEGIN_WITHIN_S)
            events = events_of(choices, encoder, with_usage=with_usage)
            return EventStream(choices, events, STREAM_HEADERS | headers)
        records = await choices.records()
        if not all(record.finish for record in records):  # the client has disconnected
            return Response(status_code=499)
        body = _json(encoder.whole(records))
    return Response(body, headers=headers, media_type="application/json")


@asynccontextmanager
async def cancelled_on_disconnect(request: Request, choices: Choices) -> AsyncIterator[None]:
    """Cancel the answer when the client disconnects or the body of the context fails."""
    disconnect = asyncio.create_task(_cancel_on_disconnect(request.receive, choices))
    try:
        with ExitStack() as undo:
            undo.callback(choices.cancel)
            yield
            undo.pop_all()
    finally:
        disconnect.cancel()
        await asyncio.wait({disconnect})


class EventStream(StreamingResponse):
    """The event stream of one answer, never silent; cancels the answer when the stream ends."""

    def __init__(
        self,
        choices: Choices,
        events: AsyncGenerator[bytes, None],
        headers: dict[str, str],
        keep_alive_s: float = KEEP_ALIVE_S,
    ) -> None:
        body = kept_alive(events, keep_alive_s)
        super().__init__(body, headers=headers, media_type="text/event-stream")
        self._choices = choices

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._choices.cancel()


async def _cancel_on_disconnect(receive: Receive, choices: Choices) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    choices.cancel()


async def events_of(
    choices: Choices, encoder: Encoder, *, with_usage: bool
) -> AsyncGenerator[bytes, None]:
    """The answer as server-sent events, from the first to the last; some may be empty."""
    yield b"".join(map(_event, encoder.first()))
    try:
        async for deltas in choices.watch():
            yield b"".join(
                _event(body) for index, delta in deltas for body in encoder.pieces(index, delta)
            )
        if with_usage:
            yield _event(encoder.last(await choices.records()))
    except AppError as error:
        yield _event(encoder.failed(error))
    else:
        if encoder.ends_with_done:
            yield DONE


def _event(body: BaseModel) -> bytes:
    """One event, its data on one line with the characters of ESCAPES escaped."""
    line = _LINE_ENDS.sub(lambda end: ESCAPES[end[0]], _json(body))
    name = f"event: {body.type}\n".encode() if isinstance(body, NamedEvent) else b""
    return name + b"data: " + line + b"\n\n"


def _json(body: BaseModel) -> bytes:
    return body.model_dump_json(exclude_unset=True).encode()
