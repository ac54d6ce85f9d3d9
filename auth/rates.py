"""Rate limits: a sliding window of one minute, in memory. Knows no accounts.

Counts by a clock that is never set. The `limits` library counts by the time of day: a clock that
was set back by a day refused everybody for a day.
"""

import time
from collections import deque
from contextlib import ExitStack, suppress

from cachetools import TTLCache

from chat.accounts.models import Timer

MAX_KEYS = 10_000
"""With more keys the one silent for longest is forgotten, which bounds the memory. Counting
could not limit a client with so many addresses anyway."""

MINUTE_S = 60.0


class MinuteWindows:
    """`chat.accounts.quotas.Rates`, by the times of the last requests of each key."""

    def __init__(self, max_keys: int = MAX_KEYS, timer: Timer = time.monotonic) -> None:
        self._timer = timer
        self._allowed: TTLCache[str, deque[float]] = TTLCache(max_keys, MINUTE_S, timer)

    def hit(self, key: str, per_minute: int, refunds: ExitStack) -> float | None:
        """Count a request. None if it is allowed, else the seconds until the next one is.

        `refunds` takes it back.
        """
        now, allowed = self._timer(), self._allowed.get(key, deque())
        while allowed and allowed[0] <= now - MINUTE_S:
            allowed.popleft()
        if len(allowed) >= per_minute:
            return allowed[-per_minute] + MINUTE_S - now
        allowed.append(now)
        self._allowed[key] = allowed  # which also restarts its lifetime
        refunds.callback(_take_back, allowed, now)
        return None


def _take_back(allowed: deque[float], at: float) -> None:
    with suppress(ValueError):  # more than a minute ago
        allowed.remove(at)
