"""Fixtures for every test, and what lets files of tests run side by side."""

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

# Apps are made by the hundred, of many objects each. At Python's own threshold a third of the time
# of their tests goes into looking for garbage among them.
gc.set_threshold(50_000, 10, 10)


def pytest_collection_finish() -> None:
    """What was imported stays: it need not be looked through again and again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """What was kept may go: libraries tell of everything that is left at the end as of a leak."""
    gc.unfreeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Reports travel between processes as UTF-8: half a surrogate pair would end the run."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report
