"""Fixtures for every test, and what lets files of tests run side by side."""

import gc
from collections.abc import Generator

import pytest

pytest_plugins = ["tests.postgres", "tests.starter"]

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
        (name, said.encode(errors="backslashreplace").decode()) for name, said in report.sections
    ]
    return report
