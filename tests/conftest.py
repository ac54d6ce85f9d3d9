"""Fixtures of all tests, and settings that let test files run in parallel."""

import gc
import os
import time
from collections.abc import Generator

import pytest

pytest_plugins = ["tests.postgres", "tests.starter"]

# httpx, urllib and Node.js read proxies from the environment, also in child processes. All servers
# of the tests are on loopback: a proxy would look for them on its own machine.
LOOPBACK = "localhost,127.0.0.1,::1"
for _name in ("NO_PROXY", "no_proxy"):
    os.environ[_name] = ",".join(filter(None, (os.environ.get(_name), LOOPBACK)))

# Every second worker is in another time zone (and each has hash seeds of its own): pytest-xdist
# refuses to run where the names of tests differ between workers, so no name holds a time or chance.
if os.environ.get("PYTEST_XDIST_WORKER", "gw0")[-1] in "13579":
    os.environ["TZ"] = "Pacific/Apia"
    time.tzset()

# Tests build hundreds of apps with many objects each. With Python's default threshold a third of
# their time is garbage collection.
gc.set_threshold(50_000, 10, 10)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Spread the slow tests over the beginnings of what each worker gets: none is left for the end.

    pytest-xdist gives each worker an equal part of the list, in order.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    others = [item for item in items if not item.get_closest_marker("slow")]
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        size = (len(items) - len(ordered)) // (workers - worker)
        first = slow[worker::workers]
        ordered += first + others[: size - len(first)]
        del others[: size - len(first)]
    items[:] = ordered


def pytest_collection_finish() -> None:
    """Freeze imported objects, so that the garbage collector does not visit them again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Unfreeze them at the end: libraries report objects that were never freed as leaks."""
    gc.unfreeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Reports travel between processes as UTF-8: half a surrogate pair would end the run."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report
