"""Streams of events: no byte for a while is a comment, whatever happens meanwhile."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from api.event_stream import COMMENT, kept_alive

SOON_S = 0.01
NEVER_S = 3600.0


async def played(events: Sequence[bytes], pause_s: float = 0.0) -> AsyncGenerator[bytes, None]:
    for event in events:
        await asyncio.sleep(pause_s)
        yield event


async def test_a_stream_that_is_never_silent_is_unchanged() -> None:
    events = [b"a", b"b", b"c"]
    assert [event async for event in kept_alive(played(events), NEVER_S)] == events


async def test_empty_events_are_not_sent() -> None:
    stream = kept_alive(played([b"", b"a", b"", b""]), NEVER_S)
    assert [event async for event in stream] == [b"a"]


async def test_a_comment_is_sent_while_no_event_comes() -> None:
    stream = kept_alive(played([b"a"], pause_s=0.1), SOON_S)
    sent = [event async for event in stream]
    assert sent[0] == COMMENT
    assert sent[-1] == b"a"


async def test_events_without_bytes_do_not_put_the_comment_off() -> None:
    stream = kept_alive(played([b""] * 100 + [b"a"], pause_s=SOON_S / 10), SOON_S)
    assert COMMENT in [event async for event in stream]


async def test_an_error_of_the_events_ends_the_stream_with_it() -> None:
    async def failing() -> AsyncGenerator[bytes, None]:
        yield b"a"
        raise ValueError("no more")

    stream = kept_alive(failing(), NEVER_S)
    assert await anext(stream) == b"a"
    with pytest.raises(ValueError, match="no more"):
        await anext(stream)


async def test_a_stream_that_is_cancelled_while_it_is_silent_closes_its_events() -> None:
    begun, closed = asyncio.Event(), asyncio.Event()

    async def silent() -> AsyncGenerator[bytes, None]:
        try:
            begun.set()
            await asyncio.Event().wait()
            yield b""
        finally:
            closed.set()

    async def read() -> None:
        async for _ in kept_alive(silent(), NEVER_S):
            pass

    reading = asyncio.create_task(read())
    await begun.wait()
    reading.cancel()
    await asyncio.wait({reading})
    assert closed.is_set()
