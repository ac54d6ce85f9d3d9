"""Large files are read in a process of their own, small ones in a thread.

A parser holds the interpreter for as long as it makes values of a text: a file of 18 MB with two
million objects stopped everything else for five seconds, also in a thread.
"""

import asyncio
import io
import pickle
import sys
from asyncio.subprocess import PIPE
from datetime import datetime
from pathlib import Path
from typing import Any

from chat.conversations.errors import BadImport
from chat.errors import AppError
from chat.evaluation.models import CaseText
from formats.cases import read_cases
from formats.import_report import Imported
from formats.importing import read_archives
from formats.unpacking import is_zip

ROOT = Path(__file__).parents[1]
SMALL_BYTES = 4 * 2**20
SMALL_CONTAINERS = 5_000
SMALL_VALUES = 50_000
"""What is read in a thread: it takes 20 ms at the most."""

PATIENCE_S = 180.0


class FileReader:
    """Parses uploaded files, one large file at a time."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()  # a file takes many times its size while it is read

    async def archives(self, data: bytes, *, owner_id: str, now: datetime) -> Imported:
        """As `formats.importing.read_archives`. Raises BadImport."""
        if not _is_small(data):
            *archives, report = await self._apart("archives", data, owner_id=owner_id, now=now)
            return Imported(archives, report)
        return await asyncio.to_thread(read_archives, data, owner_id=owner_id, now=now)

    async def cases(self, data: bytes) -> list[CaseText]:
        """As `formats.cases.read_cases`. Raises BadImport."""
        if not _is_small(data):
            return await self._apart("cases", data)
        return list(await asyncio.to_thread(read_cases, data))

    async def _apart(self, parser_name: str, data: bytes, **more: object) -> list[Any]:
        async with self._one_at_a_time:
            output = await _child((parser_name, data, more))
        items, stream = list[Any](), io.BytesIO(output)
        while stream.tell() < len(output):
            items.append(pickle.load(stream))  # noqa: S301 - our own process wrote it
            await asyncio.sleep(0)  # one by one, so that others come in between
        if items and isinstance(items[0], AppError):
            raise items[0]
        if not items:
            raise BadImport(
                "the file takes too much time or memory to read; split it",
                where="",
                why="the file takes too much time or memory to read; split it",
            )
        return items


async def _child(job: object) -> bytes:
    """The output of the process; empty when it crashed or was killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "formats.child"),
        cwd=ROOT,
        env={},  # nothing in there is its business
        stdin=PIPE,
        stdout=PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl+C is for whoever asks
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            output, _ = await process.communicate(pickle.dumps(job))
    except TimeoutError:
        return b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output if process.returncode == 0 else b""


def _is_small(data: bytes) -> bool:
    if is_zip(data) or len(data) > SMALL_BYTES:
        return False
    containers = data.count(b"[") + data.count(b"{")
    return containers <= SMALL_CONTAINERS and data.count(b",") <= SMALL_VALUES
