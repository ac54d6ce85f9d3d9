"""Answers in memory: the response cache, and recent answers that programs may still rate.

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
"""Lifetime of an answer in the response cache, in seconds."""

RECENT_S = 3600.0
RECENT_COUNT = 1000
RECENT_BYTES = 16 * 2**20
"""Bounds of the recent answers: lifetime in seconds, count, bytes in total."""

OVERHEAD = 400
"""Estimated bytes of a small Python object with its fields."""


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer and the pieces in which it came."""

    record: CompletionRecord
    deltas: Sequence[Delta]

    @property
    def size(self) -> int:
        """Estimated size in memory."""
        every = (*self.record.prompt_scores, *self.record.scores)
        scores = sum(1 + len(score.best) for score in every)
        return _size(self.record) + OVERHEAD * (len(self.deltas) + scores)


class ResponseCache:
    """Answers by the digest of everything that made them. `max_bytes` 0 keeps nothing."""

    def __init__(self, max_bytes: int, age_s: float = CACHE_S) -> None:
        self._answers: TTLCache[str, CachedAnswer] = TTLCache(
            max_bytes, age_s, getsizeof=lambda answer: answer.size
        )

    def find(self, digest: str) -> CachedAnswer | None:
        return self._answers.get(digest)

    def keep(self, digest: str, answer: CachedAnswer) -> None:
        """Keep an answer, unless it alone is larger than the cache."""
        if answer.size <= self._answers.maxsize:
            self._answers[digest] = answer


class RecentAnswers:
    """The last answers, each for the user whose program asked for it."""

    def __init__(self, age_s: float = RECENT_S, max_bytes: int = RECENT_BYTES) -> None:
        # Each answer counts for at least its share of the bytes, which bounds their count too.
        least = max_bytes // RECENT_COUNT
        self._answers: TTLCache[tuple[str, str], CompletionRecord] = TTLCache(
            max_bytes, age_s, getsizeof=lambda record: max(least, _size(record))
        )

    def keep(self, record: CompletionRecord) -> None:
        if _size(record) <= self._answers.maxsize:
            self._answers[record.principal.user.id, record.id] = record

    def find(self, user_id: str, completion_id: str) -> CompletionRecord:
        """Raises NotFound, also for another user's answer."""
        record = self._answers.get((user_id, completion_id))
        if record is None:
            raise NotFound
        return record


def _size(record: CompletionRecord) -> int:
    """Estimated bytes of a record, without its scores."""
    calls = sum(len(call.arguments) for call in record.calls)
    tools = sum(len(tool.parameters) + len(tool.description) for tool in record.extras.tools)
    # Four bytes a character: CPython stores a whole string as wide as its widest character.
    return OVERHEAD + 4 * (_length(record.prompt) + len(record.text) + calls + tools)


def _length(prompt: Prompt) -> int:
    if isinstance(prompt, str):
        return len(prompt)
    return sum(
        OVERHEAD // 4 + len(turn.content) + sum(len(call.arguments) for call in turn.calls)
        for turn in prompt
    )
