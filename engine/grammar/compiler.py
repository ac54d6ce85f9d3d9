"""Grammars for whoever asks: compiled once, in a process of its own, and kept.

Cheap to import. Knows no schema: what can be wrong with one comes from the child.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cachetools import LRUCache, TTLCache

from chat.serving.errors import BadSchema, EngineFailed, EngineNotReady
from chat.tools import Extras
from engine.grammar.frames import PATIENCE, framed, receive_frame
from engine.grammar.job import job_of

if TYPE_CHECKING:
    import xgrammar
    from tokenizers import Tokenizer

    from engine.grammar.mask import Mask, Vocabulary

log = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
LIMIT_S = 10.0
"""Processor time of a job."""
START_LIMIT_S = 120.0
"""A child imports torch first, which takes seconds, and many on a busy machine."""
GRACE_S = 5.0
"""The child has alarm clocks of its own; it is only killed when they do not ring."""
ATTEMPTS = 2
"""Whether a child ended because of its job is only known if the next one does, too."""
KEPT_BYTES = 64 * 1024**2
REFUSED_S = 300.0
"""How long it is remembered that a job cannot be done: the machine may have been busy."""


class MaskMaker(Protocol):
    """Makes masks for answers. For the event loop's thread."""

    async def mask(self, extras: Extras) -> Mask | None:
        """For one answer as `extras` want it; None if it may be anything. Raises BadSchema."""
        ...

    async def close(self) -> None:
        """Free everything. Safe to call twice."""
        ...


class Compiler:
    """A MaskMaker that makes grammars for one vocabulary; starts nothing before a job.

    One job after the other: compiling uses as many cores as it can.
    """

    def __init__(
        self, tokenizer: Tokenizer, end_ids: Collection[int], *, limit_s: float = LIMIT_S
    ) -> None:
        self._tokenizer = tokenizer
        self._end_ids = end_ids
        self._limit_s = limit_s
        self._vocabulary: Vocabulary | None = None
        self._child: Process | None = None
        self._closed = False
        self._turn = asyncio.Lock()
        self._jobs: dict[str, asyncio.Task[xgrammar.CompiledGrammar]] = {}
        self._kept: LRUCache[str, xgrammar.CompiledGrammar] = LRUCache(
            KEPT_BYTES, getsizeof=lambda grammar: grammar.memory_size_bytes
        )
        self._refused: TTLCache[str, BadSchema] = TTLCache(1000, REFUSED_S)

    async def mask(self, extras: Extras) -> Mask | None:
        job = job_of(extras)
        if job is None:
            return None
        grammar = await self.compile(job)
        from engine.grammar.mask import Mask  # noqa: PLC0415 - imported long before, see below

        return Mask(grammar)

    async def compile(self, job: str) -> xgrammar.CompiledGrammar:
        """The grammar of a job (see `engine.grammar.job`). Raises BadSchema, EngineFailed.

        If the caller is cancelled, the job goes on: others may want the same, and it ends soon.
        """
        if refusal := self._refused.get(job):
            raise refusal.with_traceback(None)
        if job in self._kept:
            return self._kept[job]
        if job not in self._jobs:
            self._jobs[job] = asyncio.create_task(self._run(job))
            self._jobs[job].add_done_callback(functools.partial(self._forget, job))
        return await asyncio.shield(self._jobs[job])

    async def close(self) -> None:
        """Fail whoever waits, and end the child. Safe to call twice."""
        self._closed = True
        jobs = list(self._jobs.values())
        for task in jobs:
            task.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        await self._end_child()

    def _forget(self, job: str, task: asyncio.Task[xgrammar.CompiledGrammar]) -> None:
        del self._jobs[job]
        if not task.cancelled():
            task.exception()  # whoever asked may be gone, and nobody else looks at it

    async def _run(self, job: str) -> xgrammar.CompiledGrammar:
        async with self._turn:
            if self._closed:
                raise EngineNotReady
            try:
                grammar = await self._compile(job)
            except BadSchema as refusal:
                self._refused[job] = refusal
                raise
        with contextlib.suppress(ValueError):  # larger than all that is kept
            self._kept[job] = grammar
        return grammar

    async def _compile(self, job: str) -> xgrammar.CompiledGrammar:
        for _ in range(ATTEMPTS):
            child, vocabulary = await self._started()
            answer = await self._answer(child, job)
            if answer is not None:
                break
        else:
            raise _refusal("is too large")
        if answer.startswith(b"-"):
            raise BadSchema(**json.loads(answer[1:]))
        return await asyncio.to_thread(vocabulary.grammar, answer[1:].decode())

    async def _answer(self, child: Process, job: str) -> bytes | None:
        """None if the child ended, whoever ended it. Raises BadSchema if its time was up."""
        too_slow = f"takes more than {self._limit_s:g} s"
        try:
            async with asyncio.timeout(self._limit_s * PATIENCE + GRACE_S):
                return await _ask(child, job.encode())
        except (EOFError, OSError):
            await self._end_child()
        except TimeoutError:
            await self._end_child()
            raise _refusal(too_slow) from None
        log.warning("the grammar compiler ended with %s", child.returncode)
        if child.returncode in (-signal.SIGPROF, -signal.SIGALRM):
            raise _refusal(too_slow)
        return None

    async def _started(self) -> tuple[Process, Vocabulary]:
        """A child that waits for a job."""
        if self._vocabulary is None:
            self._vocabulary = await asyncio.to_thread(self._read_vocabulary)
        if self._child is not None and self._child.returncode is not None:
            await self._end_child()  # somebody else ended it
        if self._child is None:
            self._child = await _spawn(self._limit_s)
            try:
                async with asyncio.timeout(START_LIMIT_S):
                    await _ask(self._child, self._vocabulary.text.encode())
            except (EOFError, OSError, TimeoutError):
                await self._end_child()
                raise EngineFailed("The compiler of grammars does not start.") from None
        return self._child, self._vocabulary

    def _read_vocabulary(self) -> Vocabulary:
        from engine.grammar.mask import Vocabulary  # noqa: PLC0415 - imports torch and xgrammar

        return Vocabulary(self._tokenizer, self._end_ids)

    async def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.communicate()


def _refusal(why: str) -> BadSchema:
    return BadSchema(where="#", why=f"it {why} to make a grammar of it")


async def _spawn(limit_s: float) -> Process:
    """A child in a session of its own: Ctrl-C at the terminal is not for it."""
    variables = {name: value for name, value in os.environ.items() if "QWEN_CHAT" not in name}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "engine.grammar.child", str(limit_s)),
        cwd=ROOT,
        env={**variables, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        start_new_session=True,
    )


async def _ask(child: Process, message: bytes) -> bytes:
    """Raises EOFError or OSError when the child has gone."""
    if child.stdin is None or child.stdout is None:
        raise EOFError
    child.stdin.write(framed(message))
    await child.stdin.drain()
    return await receive_frame(child.stdout)
