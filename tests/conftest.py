"""Fixtures of all tests, and settings that let test files run in parallel."""

import gc
import os
from collections.abc import Generator

import pytest

pytest_plugins = ["tests.postgres", "tests.starter"]

# httpx, urllib and Node.js read proxies from the environment, also in child processes. All servers
# of the tests are on loopback: a proxy would look for them on its own machine.
LOOPBACK = "localhost,127.0.0.1,::1"
for _name in ("NO_PROXY", "no_proxy"):
    os.environ[_name] = ",".join(filter(None, (os.environ.get(_name), LOOPBACK)))

# Tests build hundreds of apps with many objects each. With Python's default threshold a third of
# their time is garbage collection.
gc.set_threshold(50_000, 10, 10)


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
