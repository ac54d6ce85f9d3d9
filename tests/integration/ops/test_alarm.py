"""A process whose event loop no longer runs is ended by the kernel, and by nothing else."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

from tests.fakes import ScriptedEngine
from tests.integration.ops.test_shutdown import running, until

ROOT = Path(__file__).parents[3]

# PyDLL keeps Python's lock during the call: no other thread of the process runs.
HANGS = """
import ctypes
from api.ops.alarm import LoopAlarm
def hangs_in_native_code():
    ctypes.PyDLL(None).sleep(60)
LoopAlarm(3).set()
hangs_in_native_code()
"""
ENDS = """
import time
from api.ops.alarm import LoopAlarm
alarm = LoopAlarm(0.2)
alarm.set()
alarm.clear()
time.sleep(0.5)
"""


def run(program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_hang_that_keeps_python_s_lock_ends_the_process_and_leaves_its_traceback() -> None:
    ended = run(HANGS)
    assert ended.returncode == -signal.SIGALRM
    assert "in hangs_in_native_code" in ended.stderr


def test_an_alarm_that_was_cleared_ends_nothing() -> None:
    ended = run(ENDS)
    assert (ended.returncode, ended.stderr) == (0, "")


class CountedAlarm:
    """Counts, and ends nothing: the process is the test's own."""

    def __init__(self) -> None:
        self.count = 0
        self.is_set = False

    def set(self) -> None:
        self.count += 1
        self.is_set = True

    def clear(self) -> None:
        self.is_set = False


async def test_the_app_sets_its_alarm_again_and_again_and_clears_it_when_it_stops(
    tmp_path: Path,
) -> None:
    alarm = CountedAlarm()
    async with running(tmp_path, ScriptedEngine(), alarm=alarm) as (server, serving, _):
        await until(lambda: alarm.count >= 2)
        assert alarm.is_set
        server.should_exit = True
        await asyncio.wait_for(serving, 30)
    assert not alarm.is_set
