"""Server-sent events: headers, and comments that keep a connection open. Knows no content."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

KEEP_ALIVE_S = 8.0
"""Longest time without a byte. Proxies and clients close idle connections; ten seconds are
promised, and a busy server is a little late."""

COMMENT = b": still waiting\n\n"
STREAM_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would buffer the events
}


async def kept_alive(
    events: AsyncGenerator[bytes, None], every_s: float = KEEP_ALIVE_S
) -> AsyncIterator[bytes]:
    """The non-empty `events`, and a comment after each `every_s` seconds without a byte.

    Counts what is sent and not what happens: an answer of which every piece is held back (a
    possible stop string, a call, JSON) has events and is silent. Closes `events` at its own end.
    """
    clock = asyncio.get_running_loop().time
    async with aclosing(events):
        pending: asyncio.Task[bytes] | None = None
        try:
            due = clock() + every_s
            while True:
                # `wait` and no time-out of its own: that would cancel the event half way.
                pending = pending or asyncio.create_task(_next(events))
                await asyncio.wait({pending}, timeout=max(0.0, due - clock()))
                event = b""
                if pending.done():
                    finished, pending = pending, None
                    event = finished.result()
                if event or clock() >= due:
                    yield event or COMMENT
                    due = clock() + every_s
        except StopAsyncIteration:
            return
        finally:
            if pending:
                pending.cancel()
                await asyncio.wait({pending})


async def _next(events: AsyncGenerator[bytes, None]) -> bytes:
    return await anext(events)
