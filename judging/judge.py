"""`chat.evaluation.ports.Judge`: each check in a child process with a time limit."""

import asyncio
import json
import sys
from pathlib import Path

from chat.evaluation.errors import BadCheck, CheckTooCostly
from chat.evaluation.models import Check

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 10.0
"""Of one check, the start of its process included."""
MAX_PROCESSES = 2
"""Child processes at once; each may use `judging.child.MEMORY_BYTES`."""


class ProcessJudge:
    """Judges at most two at once; each has `timeout_s` seconds, from when its process starts."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(MAX_PROCESSES)

    async def read(self, check: Check) -> None:
        await self._judge(check, None)

    async def holds(self, check: Check, answer: str) -> bool:
        return await self._judge(check, answer)

    async def _judge(self, check: Check, answer: str | None) -> bool:
        job = {"kind": check.kind.value, "expected": check.expected, "answer": answer}
        async with self._slots:
            output = await self._run_child(json.dumps(job).encode())
        try:
            verdict = json.loads(output)
        except ValueError:  # the child hit its memory or CPU limit
            raise CheckTooCostly from None
        if "unreadable" in verdict:
            raise BadCheck(verdict["unreadable"])
        return bool(verdict["holds"])

    async def _run_child(self, job: bytes) -> bytes:
        """The child's output. Raises CheckTooCostly."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "judging.child"),
            cwd=ROOT,
            env={},  # no secrets of our environment
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl+C must not reach the child
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                output, _ = await process.communicate(job)
        except TimeoutError:
            raise CheckTooCostly from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return output
