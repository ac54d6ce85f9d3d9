"""What is told of every answer when it has ended, from the page and from programs alike.

Knows no format of figures and no log.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from chat.models import Timing, Usage


class Source(StrEnum):
    """Where a request came in."""

    PAGE = "page"
    API = "api"
    REPLAY = "replay"
    """Of regression cases: no person waits for it."""


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """How one answer ended: `reason` is a finish ("stop"), a status ("stopped") or an error's code.

    `from_cache`: it was given again without the engine.
    """

    door: Source
    reason: str
    failed: bool = False
    usage: Usage | None = None
    timing: Timing | None = None
    from_cache: bool = False


class Observer(Protocol):
    """Counts. Never raises, never waits."""

    def ended(self, outcome: RequestOutcome) -> None: ...

    def refused(self, door: Source, code: str) -> None:
        """A request that was refused before it had a place in the queue."""
        ...


class NullObserver:
    """An observer that looks away."""

    def ended(self, outcome: RequestOutcome) -> None:
        pass

    def refused(self, door: Source, code: str) -> None:
        pass
