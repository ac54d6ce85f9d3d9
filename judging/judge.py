"""`chat.evaluation.ports.Judge`: each check in a child process with a time limit."""

import asyncio
import json
import sys
from pathlib import Path

from chat.evaluation.errors import BadCheck, CheckTooCostly
from chat.evaluation.models import Check

ROOT = Path(__file__).parents[1]
PATIENCE_S = 10.0
AT_ONCE = 2


class ProcessJudge:
    """Judges at most two at once; each has `patience_s` seconds, from when its process starts."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._places = asyncio.Semaphore(AT_ONCE)

    async def read(self, check: Check) -> None:
        await self._judge(check, None)

    async def holds(self, check: Check, answer: str) -> bool:
        return await self._judge(check, answer)

    async def _judge(self, check: Check, answer: str | None) -> bool:
        job = {"kind": check.kind.value, "expected": check.expected, "answer": answer}
        async with self._places:
            told = await self._ask(json.dumps(job).encode())
        try:
            verdict = json.loads(told)
        except ValueError:  # out of memory, or of its own bound on time
            raise CheckTooCostly from None
        if "unreadable" in verdict:
            raise BadCheck(verdict["unreadable"])
        return bool(verdict["holds"])

    async def _ask(self, job: bytes) -> bytes:
        """What the process says. Raises CheckTooCostly."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "judging.child"),
            cwd=ROOT,
            env={},  # nothing in there is its business
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl+C is for whoever asks
        )
        try:
            async with asyncio.timeout(self._patience_s):
                told, _ = await process.communicate(job)
        except TimeoutError:
            raise CheckTooCostly from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return told
