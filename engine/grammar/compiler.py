"""Compiles masks in a separate thread. Cheap to import."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from chat.serving.errors import EngineNotReady
from chat.tools import Extras
from engine.panics import without_panic

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from engine.grammar.mask import Mask, Vocabulary

STACK_BYTES = 256 * 1024**2
"""Address space of the thread's stack: llguidance follows references recursively.

Measured: a chain of 1,000 references through 4,000 parts needs 32 MiB, and overflows the default
8 MiB, which ends the process.
"""


class MaskMaker(Protocol):
    """Makes masks for answers. Call it from the event loop's thread."""

    async def mask(self, extras: Extras) -> Mask | None:
        """The mask for one answer; None if `extras` do not constrain it. Raises BadSchema."""
        ...

    async def close(self) -> None:
        """Free everything. Safe to call twice."""
        ...


class Compiler:
    """A MaskMaker for one vocabulary; starts its thread on the first use.

    Compiles one schema at a time, so that expensive schemas occupy one core at most.
    """

    def __init__(self, tokenizer: Tokenizer, end_ids: Collection[int]) -> None:
        self._tokenizer = tokenizer
        self._end_ids = end_ids
        self._thread: ThreadPoolExecutor | None = None
        self._closed = False
        self._vocabulary: Vocabulary | None = None

    async def mask(self, extras: Extras) -> Mask | None:
        if not extras.constrains_text:
            return None
        if self._closed:
            raise EngineNotReady
        self._thread = self._thread or _deep_thread()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, without_panic, self._make, extras)

    async def close(self) -> None:
        self._closed = True
        if self._thread:
            self._thread.shutdown(wait=False)

    def _make(self, extras: Extras) -> Mask | None:
        """Runs in the compiler's thread."""
        from engine.grammar.mask import Vocabulary  # noqa: PLC0415 - imports torch

        if self._closed:
            raise EngineNotReady
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(self._tokenizer, self._end_ids)
        return self._vocabulary.mask(extras)


def _deep_thread() -> ThreadPoolExecutor:
    thread = ThreadPoolExecutor(1, thread_name_prefix="grammar")
    usual = threading.stack_size(STACK_BYTES)
    try:
        thread.submit(int)  # starts it
    finally:
        threading.stack_size(usual)
    return thread
