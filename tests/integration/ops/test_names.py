"""The names of tests are equal in every process: they contain no time, address or random value.

pytest-xdist collects in each worker and refuses to run when the lists differ.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COLLECT = ("-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")


def test_test_names_are_equal_in_every_process(request: pytest.FixtureRequest) -> None:
    variables = {
        "PYTHONHASHSEED": "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2",
        "TZ": "Pacific/Auckland",
    }
    collected = subprocess.run(
        [sys.executable, *COLLECT],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [line for line in collected.stdout.splitlines() if "::" in line]
    here = [item.nodeid for item in request.session.items]
    assert len(set(names)) == len(names)
    assert set(here) - set(names) == set()
