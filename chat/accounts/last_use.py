"""Throttles writes of the time of last use to one a minute for each key."""

import time
from datetime import datetime, timedelta

from cachetools import TTLCache

from chat.accounts.models import Timer

WRITE_EVERY = timedelta(minutes=1)
MOST_REMEMBERED = 10_000


class LastUse:
    """Remembers recent writes, so that one of many concurrent requests writes."""

    def __init__(self, timer: Timer = time.monotonic) -> None:
        self._written: TTLCache[str, None] = TTLCache(
            MOST_REMEMBERED, WRITE_EVERY.total_seconds(), timer
        )

    def is_news(self, key: str, stored_at: datetime | None, now: datetime) -> bool:
        """Whether a use `now` is to be written; `stored_at` is what the store has.

        A time in the future is overwritten: it was written before the clock was set back.
        """
        if key in self._written or (stored_at and abs(now - stored_at) < WRITE_EVERY):
            return False
        self._written[key] = None
        return True
