"""Background jobs: each fails independently, is counted and retried until it succeeds."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from api.ops.metrics import Metrics
from chat.errors import StoreFailed
from chat.serving.background import FAILING_AFTER, BackgroundJobs, run_each
from tests.programs import until

Job = Callable[[], Awaitable[None]]


class Counts:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def job_failed(self, job: str) -> None:
        self.failed.append(job)


class Faulty:
    """A job that fails a number of times, and sets an event when it succeeds."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.calls = 0
        self.succeeded = asyncio.Event()

    async def __call__(self) -> None:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        self.succeeded.set()


async def repeated(jobs: BackgroundJobs, *done: Faulty) -> None:
    """Repeat all of them until each has succeeded once."""
    tasks = [
        asyncio.create_task(jobs.repeat(f"job {number}", 0.001, one))
        for number, one in enumerate(done)
    ]
    async with asyncio.timeout(5):
        await asyncio.gather(*(one.succeeded.wait() for one in done))
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)


async def test_a_job_that_raises_anything_is_counted_and_repeated() -> None:
    counts = Counts()
    faulty = Faulty(OverflowError("date"), StoreFailed(), asyncio.CancelledError())
    await repeated(BackgroundJobs(counts, retry_s=0.001), faulty)
    assert counts.failed == ["job 0"] * 3


async def test_a_job_that_fails_for_ever_stops_no_other_job() -> None:
    jobs, sound = BackgroundJobs(retry_s=0.001), Faulty()
    broken = asyncio.create_task(jobs.repeat("broken", 0.001, Faulty(*[KeyError()] * 10_000)))
    await repeated(jobs, sound)
    await until(lambda: jobs.failing == ("broken",))
    assert not broken.done()
    broken.cancel()
    await asyncio.wait({broken})


async def test_a_job_fails_for_readiness_after_several_failures_until_it_succeeds() -> None:
    jobs = BackgroundJobs()
    for _ in range(FAILING_AFTER):
        assert not jobs.failing
        await jobs.attempt("sweep", Faulty(ValueError()))
    assert jobs.failing == ("sweep",)
    await jobs.attempt("sweep", Faulty())
    assert not jobs.failing


async def test_a_job_to_run_once_is_retried_until_it_succeeds() -> None:
    faulty = Faulty(StoreFailed(), ValueError())
    async with asyncio.timeout(5):
        await BackgroundJobs(retry_s=0.001).retry_until_success("purge", faulty)
    assert faulty.calls == 3


async def test_every_item_is_handled_and_the_first_failure_is_raised_at_the_end() -> None:
    handled: list[int] = []

    async def handle(number: int) -> None:
        handled.append(number)
        if number < 2:
            raise ValueError(number)

    with pytest.raises(ValueError, match="0"):
        await run_each(range(4), handle)
    assert handled == [0, 1, 2, 3]


async def test_failures_of_jobs_stand_in_the_metrics() -> None:
    metrics = Metrics()
    jobs = BackgroundJobs(metrics)
    metrics.watch_jobs(lambda: jobs.failing)
    for _ in range(FAILING_AFTER):
        await jobs.attempt("retention", Faulty(ValueError()))
    text = metrics.text().decode()
    assert 'qwen_chat:background_job_failures_total{job="retention"} 3.0' in text
    assert "qwen_chat:background_jobs_failing 1.0" in text
