"""When something was last used, exact to a minute: which of many uses is worth a write.

Knows neither what is used nor where that is kept.
"""

from datetime import datetime, timedelta

WRITE_EVERY = timedelta(minutes=1)
MOST_REMEMBERED = 10_000


class LastUse:
    """Remembers what it has let be written, so that of many requests at once one writes."""

    def __init__(self) -> None:
        self._written: dict[str, datetime] = {}

    def is_news(self, key: str, kept: datetime | None, now: datetime) -> bool:
        """Whether a use `now` is to be written; `kept` is what the store has."""
        written = self._written.get(key)
        times = [time for time in (kept, written) if time is not None]
        if times and now - max(times) < WRITE_EVERY:
            return False
        if len(self._written) >= MOST_REMEMBERED:
            self._written.clear()
        self._written[key] = now
        return True
