"""The answers of one request for a program: several of one prompt, or of several prompts.

Each choice is a completion of its own, with quota, place and end. Knows no engine and no wire
format.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Any

from chat.models import Status
from chat.serving.completion import Completion, CompletionRecord
from chat.serving.handle import CancelReason
from chat.serving.models import Delta


class Choices:
    """The handle of a request's completions; a choice's index is its place among them."""

    def __init__(self, completions: Sequence[Completion]) -> None:
        self.completions = tuple(completions)

    @property
    def id(self) -> str:
        return self.completions[0].id

    @property
    def created_at(self) -> datetime:
        return self.completions[0].created_at

    @property
    def from_cache(self) -> bool:
        """Whether every choice is from the response cache."""
        return all(completion.from_cache for completion in self.completions)

    def cancel(self, reason: CancelReason = Status.STOPPED) -> None:
        for completion in self.completions:
            completion.cancel(reason)

    async def begun(self, timeout_s: float) -> None:
        """Return when one choice has begun or ended, at the latest after `timeout_s`.

        Raises the error of a choice that failed before its first delta.
        """
        tasks = [asyncio.create_task(each.begun(timeout_s)) for each in self.completions]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            _cancel(tasks)

    async def watch(self) -> AsyncIterator[Sequence[tuple[int, Delta]]]:
        """The deltas of all choices with their indices, as they come.

        Raises the error of the first choice that failed.
        """
        streams = [completion.watch() for completion in self.completions]
        pending = {asyncio.create_task(_next(each)): index for index, each in enumerate(streams)}
        try:
            while pending:
                done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    index, deltas = pending.pop(task), task.result()
                    if deltas is None:
                        continue
                    pending[asyncio.create_task(_next(streams[index]))] = index
                    yield [(index, delta) for delta in deltas]
        finally:
            _cancel(pending)

    async def records(self) -> Sequence[CompletionRecord]:
        """The records of all choices. Raises the error of the first one that failed, at once."""
        return await asyncio.gather(*(completion.record() for completion in self.completions))


async def first_end(completions: Collection[Completion]) -> None:
    """Return when one of them has ended."""
    tasks = [asyncio.create_task(completion.ended()) for completion in completions]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        _cancel(tasks)


async def _next(stream: AsyncIterator[Sequence[Delta]]) -> Sequence[Delta] | None:
    """The next deltas; None at the end."""
    return await anext(stream, None)


def _cancel(tasks: Collection["asyncio.Task[Any]"]) -> None:
    """Cancel tasks without waiting for them.

    Starlette cancels the task of a stream again and again, and then closes its generator, which
    must not be waiting for anything by then.
    """
    for task in tasks:
        task.cancel()
        task.add_done_callback(_retrieve)


def _retrieve(task: "asyncio.Task[Any]") -> None:
    """Look at the error of a task that nobody waits for, so that it is not logged as forgotten."""
    if not task.cancelled():
        task.exception()
