"""Rate limits: a sliding window of one minute, in memory. Knows no accounts.

The only file that imports the `limits` library.
"""

import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

MAX_KEYS = 10_000
"""With more keys all windows are reset, which bounds the memory. A client with this many addresses
could not be limited by counting anyway."""


class MinuteWindows:
    """`chat.accounts.quotas.Rates` on the `limits` library."""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._most_keys = max_keys
        self._keys: set[str] = set()
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, key: str, per_minute: int) -> float | None:
        """Count a request. None if it is allowed, else the seconds until the next one is."""
        if key not in self._keys and len(self._keys) >= self._most_keys:
            self._keys.clear()
            self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._keys.add(key)
        limit = RateLimitItemPerMinute(per_minute)
        if self._limiter.hit(limit, key):
            return None
        return max(0.0, self._limiter.get_window_stats(limit, key).reset_time - time.time())
