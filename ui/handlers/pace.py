"""How often an answer that is being written is sent to the page."""

import asyncio

UPDATE_S = 0.1
"""Shortest time between two updates of an answer: more are not visible, and cost processor time."""

SLOWEST_S = 1.0
"""Longest time between two: a closed tab is noticed at the next update."""

PATIENCE = 20
"""How many times as long as the event loop is late the next pause is."""


def pause_after(late_s: float) -> float:
    """Seconds until the next update, where the last pause ended `late_s` seconds late.

    A pause ends late while the event loop has other things to do. Then all streams send fewer
    updates, so that short events need not wait for them.
    """
    return min(SLOWEST_S, max(UPDATE_S, PATIENCE * late_s))


class Pace:
    """The pauses of one stream."""

    def __init__(self) -> None:
        self._pause_s = UPDATE_S

    async def pause(self) -> None:
        """Wait until the next update is worth its cost."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._pause_s
        await asyncio.sleep(self._pause_s)
        self._pause_s = pause_after(loop.time() - due)
