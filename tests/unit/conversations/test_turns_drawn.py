"""Where the turns of a conversation are rendered."""

import asyncio
import threading

import pytest

from ui.handlers.turns import LONG, rendered


async def test_long_text_is_rendered_beside_the_event_loop() -> None:
    went_on = threading.Event()
    asyncio.get_running_loop().call_soon(went_on.set)
    assert (await rendered(lambda: went_on.wait(10), LONG + 1))[0]


@pytest.mark.parametrize("characters", [0, LONG])
async def test_short_text_is_rendered_at_once(characters: int) -> None:
    here = threading.get_ident()
    assert (await rendered(threading.get_ident, characters))[0] == here


async def test_the_processor_time_of_rendering_is_counted_and_waiting_is_not() -> None:
    _, waited_s = await rendered(lambda: threading.Event().wait(0.2), LONG + 1)
    _, worked_s = await rendered(lambda: sum(range(2_000_000)), LONG + 1)
    assert waited_s < worked_s
