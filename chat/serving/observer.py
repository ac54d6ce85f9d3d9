"""The record of a request that has ended, and the port that counts such records.

Knows no metrics format and no log.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from chat.models import Timing, Usage


class Source(StrEnum):
    """Where a request came in."""

    PAGE = "page"
    API = "api"
    CASE_RUN = "replay"
    """A regression case: no user waits for it."""


@dataclass(frozen=True, slots=True)
class GenerationSummary:
    """How one request ended, without any of its text.

    `reason` is a finish ("stop"), a status ("stopped") or an error's code; `failed` tells an error
    from the others. `from_cache`: the response cache answered, no engine ran.
    """

    source: Source
    reason: str
    failed: bool = False
    usage: Usage | None = None
    timing: Timing | None = None
    from_cache: bool = False
    id: str = ""
    user_id: str = ""
    model: str | None = None
    conversation_id: str | None = None
    key_id: str | None = None


class Observer(Protocol):
    """Counts requests. Never raises, never waits."""

    def ended(self, summary: GenerationSummary) -> None: ...

    def refused(self, source: Source, code: str) -> None:
        """Count a request that was refused before it had a place in the queue."""
        ...


class NullObserver:
    """Counts nothing."""

    def ended(self, summary: GenerationSummary) -> None:
        pass

    def refused(self, source: Source, code: str) -> None:
        pass
