"""Jobs that the app repeats by itself: each fails alone, is logged, counted and tried again.

No failure ends a job, and none ends another job. What fails several times in a row is named by
`failing`, so that `/readyz` can tell of it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeVar

from chat.errors import AppError
from chat.serving.models import EngineState, Phase

log = logging.getLogger(__name__)

JOB_FAILING = "background_job_failing"

FAILING_AFTER = 3
"""Failures in a row after which a job counts as failing."""

RETRY_S = 5.0
"""Wait before the first repetition after a failure; it doubles with each failure in a row."""

LONGEST_RETRY_S = 300.0

Item = TypeVar("Item")


class JobObserver(Protocol):
    """Counts failures. Never raises, never waits."""

    def job_failed(self, job: str) -> None: ...


class BackgroundJobs:
    """Runs jobs by name and remembers which of them fail."""

    def __init__(self, observer: JobObserver | None = None, *, retry_s: float = RETRY_S) -> None:
        self._observer = observer
        self._retry_s = retry_s
        self._in_a_row: Counter[str] = Counter()

    @property
    def failing(self) -> tuple[str, ...]:
        """The names of jobs that have failed so often in a row that nobody should wait for them."""
        return tuple(sorted(job for job, n in self._in_a_row.items() if n >= FAILING_AFTER))

    async def check(self) -> EngineState | None:
        """A state for `/readyz` while jobs keep failing (a `chat.serving.readiness.Check`)."""
        if not (jobs := self.failing):
            return None
        detail = f"failing again and again: {', '.join(jobs)}"
        return EngineState(Phase.DEGRADED, detail=detail, error_code=JOB_FAILING)

    async def repeat(self, job: str, every_s: float, do: Callable[[], Awaitable[object]]) -> None:
        """Do it again and again until cancelled; after a failure sooner than in `every_s`."""
        while True:
            succeeded = await self.attempt(job, do)
            await asyncio.sleep(every_s if succeeded else min(every_s, self._delay_s(job)))

    async def retry_until_success(self, job: str, do: Callable[[], Awaitable[object]]) -> None:
        """Do it until it succeeds once, or the task is cancelled."""
        while True:
            if await self.attempt(job, do):
                return
            await asyncio.sleep(self._delay_s(job))

    async def attempt(self, job: str, do: Callable[[], Awaitable[object]]) -> bool:
        """Do it once; whether it succeeded. Raises CancelledError when the task is cancelled."""
        try:
            await do()
        except asyncio.CancelledError:
            # Something inside may have been cancelled instead of this task: that is a failure.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self._failed(job, RuntimeError("a part of the job was cancelled"))
            return False
        except Exception as error:  # noqa: BLE001 - the top of a task: logged, counted, tried again
            self._failed(job, error)
            return False
        self._in_a_row.pop(job, None)
        return True

    def note(self, job: str, error: Exception) -> None:
        """Log and count a failure of a job that is not repeated, such as a run of cases."""
        if self._observer:
            self._observer.job_failed(job)
        # The database that does not answer needs no traceback, a fault of ours does.
        trace = None if isinstance(error, AppError) else error
        kind = type(error).__name__
        log.warning("background job %s failed: %s: %s", job, kind, error, exc_info=trace)

    def _delay_s(self, job: str) -> float:
        doublings = min(self._in_a_row[job] - 1, 10)
        return float(min(LONGEST_RETRY_S, self._retry_s * 2**doublings))

    def _failed(self, job: str, error: Exception) -> None:
        self._in_a_row[job] += 1
        self.note(job, error)


async def run_each(items: Iterable[Item], do: Callable[[Item], Awaitable[object]]) -> None:
    """Do it for every item, also after one that failed. Raises the first failure at the end."""
    first: Exception | None = None
    for item in items:
        try:
            await do(item)
        except Exception as error:  # noqa: BLE001 - raised below, when the others are done
            first = first or error
    if first:
        raise first
