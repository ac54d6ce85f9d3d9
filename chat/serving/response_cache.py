"""Answers kept in memory for their callers: to give again what would come out the same, and to find
again what somebody wants to rate.

Owns the bounds of both. Knows no engine, no store and no request.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cachetools import TTLCache

from chat.errors import NotFound
from chat.models import Prompt
from chat.serving.completion import CompletionRecord
from chat.serving.models import Delta

CACHE_S = 600.0
"""How old an answer may be that is given again."""

RECENT_S = 3600.0
RECENT_COUNT = 1000
RECENT_BYTES = 16 * 2**20
"""What there is of answers to be found again: so long, so many, so large together."""

OVERHEAD = 400
"""About what a small Python object with its fields takes, in bytes."""


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer and the pieces in which it came."""

    written: CompletionRecord
    deltas: Sequence[Delta]

    @property
    def bytes(self) -> int:
        """About what it takes in memory."""
        scores = sum(1 + len(score.best) for score in self.written.scores)
        return _size(self.written) + OVERHEAD * (len(self.deltas) + scores)


class ResponseCache:
    """Answers by the digest of everything that made them. One of no bytes keeps nothing."""

    def __init__(self, max_bytes: int, age_s: float = CACHE_S) -> None:
        self._kept: TTLCache[str, CachedAnswer] = TTLCache(
            max_bytes, age_s, getsizeof=lambda k: k.bytes
        )

    def find(self, digest: str) -> CachedAnswer | None:
        return self._kept.get(digest)

    def keep(self, digest: str, kept: CachedAnswer) -> None:
        """Keep it, unless it is larger than everything together may be."""
        if kept.bytes <= self._kept.maxsize:
            self._kept[digest] = kept


class RecentAnswers:
    """The last answers, each for the person whose program asked for it."""

    def __init__(self, age_s: float = RECENT_S, max_bytes: int = RECENT_BYTES) -> None:
        # No answer counts for less than its share: that bounds their number too.
        least = max_bytes // RECENT_COUNT
        self._kept: TTLCache[tuple[str, str], CompletionRecord] = TTLCache(
            max_bytes, age_s, getsizeof=lambda written: max(least, _size(written))
        )

    def keep(self, written: CompletionRecord) -> None:
        if _size(written) <= self._kept.maxsize:
            self._kept[written.caller.user.id, written.id] = written

    def find(self, user_id: str, id: str) -> CompletionRecord:
        """Raises NotFound, also for another's."""
        written = self._kept.get((user_id, id))
        if written is None:
            raise NotFound
        return written


def _size(written: CompletionRecord) -> int:
    """About how many bytes it takes, without its scores."""
    calls = sum(len(call.arguments) for call in written.calls)
    tools = sum(len(tool.parameters) + len(tool.description) for tool in written.extras.tools)
    # Four bytes for each character: one that is no Latin letter makes a whole string as wide.
    return OVERHEAD + 4 * (_length(written.prompt) + len(written.text) + calls + tools)


def _length(prompt: Prompt) -> int:
    if isinstance(prompt, str):
        return len(prompt)
    return sum(
        OVERHEAD // 4 + len(turn.content) + sum(len(call.arguments) for call in turn.calls)
        for turn in prompt
    )
