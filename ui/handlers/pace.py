"""How often an answer that is being written is sent to the page."""

import asyncio

UPDATE_S = 0.1
"""Shortest time between two updates of an answer: more are not visible, and cost processor time."""

SLOWEST_S = 1.0
"""Longest time between two: a closed tab is noticed at the next update."""

PATIENCE = 20
"""How many times as long as the event loop is late the next pause is."""

SHARE = 0.05
"""Most of one core's time that the updates of one answer may take."""


def pause_after(late_s: float, spent_s: float = 0.0) -> float:
    """Seconds until the next update: the last pause ended `late_s` late, the update took `spent_s`.

    A pause ends late while the event loop has other things to do. Then all streams send fewer
    updates, so that short events need not wait for them.
    """
    return min(SLOWEST_S, max(UPDATE_S, PATIENCE * late_s, spent_s / SHARE))


class Pace:
    """The pauses of one stream."""

    def __init__(self) -> None:
        self._late_s = 0.0

    async def pause(self, spent_s: float) -> None:
        """Wait until the next update is worth its cost; the last one took `spent_s` to make."""
        loop = asyncio.get_running_loop()
        pause_s = pause_after(self._late_s, spent_s)
        due = loop.time() + pause_s
        await asyncio.sleep(pause_s)
        self._late_s = loop.time() - due
