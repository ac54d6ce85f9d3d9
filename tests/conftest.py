"""Fixtures for every test, and what lets files of tests run side by side."""

from collections.abc import Generator

import pytest

pytest_plugins = ["tests.postgres", "tests.starter"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Reports travel between processes as UTF-8: half a surrogate pair would end the run."""
    report = yield
    report.sections = [
        (name, said.encode(errors="backslashreplace").decode()) for name, said in report.sections
    ]
    return report
