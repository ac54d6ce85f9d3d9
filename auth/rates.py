"""How often somebody may ask: a sliding window of a minute, in memory. Knows no person.

The only file that knows the `limits` library.
"""

import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

MOST_KEYS = 10_000
"""Beyond it all is forgotten: whoever comes from so many addresses is not stopped by counting."""


class MinuteWindows:
    """`chat.accounts.quotas.Rates` on the `limits` library."""

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._most_keys = most_keys
        self._keys: set[str] = set()
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, key: str, per_minute: int) -> float | None:
        """Count one; None if it was allowed, else the seconds until one will be."""
        if key not in self._keys and len(self._keys) >= self._most_keys:
            self._keys.clear()
            self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._keys.add(key)
        limit = RateLimitItemPerMinute(per_minute)
        if self._limiter.hit(limit, key):
            return None
        return max(0.0, self._limiter.get_window_stats(limit, key).reset_time - time.time())
