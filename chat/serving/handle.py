"""The handle of one generation, its result, and the part of its life that belongs to the caller."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from chat.errors import AppError, BadRequest
from chat.models import Finish, Provenance, Status, Timing, Usage
from chat.serving.admission import QueueTicket
from chat.serving.draft import Draft
from chat.serving.errors import QueueTimeout
from chat.serving.models import Delta
from chat.tools import TokenScore, ToolCall

CancelReason = Status | AppError
"""Why a generation was cancelled: the status it ends with, or the error that its watchers get."""


@dataclass(frozen=True, slots=True)
class GenerationResult:
    """A generation that has ended.

    `text` begins with the text that was continued, if any. `finish` is None where the text was cut
    off. `error` is set exactly when `status` is ERROR. `started`: it had left the queue.
    """

    status: Status
    text: str
    usage: Usage
    timing: Timing
    started: bool
    error: AppError | None = None
    finish: Finish | None = None
    calls: tuple[ToolCall, ...] = ()
    scores: tuple[TokenScore, ...] = ()
    prompt_scores: tuple[TokenScore, ...] = ()
    provenance: Provenance | None = None

    @property
    def refused(self) -> bool:
        """Whether nothing was generated: there was no place, or the engine cannot do it."""
        return isinstance(self.error, BadRequest | QueueTimeout)

    @property
    def reason(self) -> str:
        """The error's code, else the finish, else the status."""
        return self.error.code if self.error else (self.finish or self.status).value


class GenerationSink:
    """What a caller does with a generation. The methods of this class do nothing."""

    def queued(self, ticket: QueueTicket) -> None:
        """The request waits; called at once and then every second."""

    def started(self) -> None:
        """The request has left the queue."""

    async def take(self, draft: Draft, delta: Delta) -> None:
        """`delta` came from the engine and is part of `draft` now. May raise: that ends it."""

    async def finish(self, result: GenerationResult) -> GenerationResult:
        """Keep the result, which is billed already. What this returns is logged and counted.

        No cancellation reaches this call.
        """
        return result


class GenerationHandle:
    """One generation: every holder may wait for its changes, or cancel it.

    `cancel_reason` is the first reason that `cancel` was called with.
    """

    def __init__(self) -> None:
        self.cancel_reason: CancelReason | None = None
        self._result: GenerationResult | None = None
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def cancel(self, reason: CancelReason = Status.STOPPED) -> None:
        """Stop generating; the text so far stays. Later calls are ignored: the first one counts."""
        # A second cancellation of the task would hit the clean-up after the first: it would leave
        # the engine's request running, or the end of an answer unsaved.
        if self._task is None or self.cancel_reason is not None or self._task.done():
            return
        self.cancel_reason = reason
        self._task.cancel()

    async def result(self) -> GenerationResult:
        """The result, once there is one."""
        while self._result is None:
            await self._changed.wait()
        return self._result

    # From here on: for subclasses and for the service.

    def attach(self, task: asyncio.Task[None]) -> None:
        """Set the task that `cancel` cancels."""
        self._task = task

    def end(self, result: GenerationResult) -> None:
        self._result = result
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _wait(self, changed: asyncio.Event, timeout_s: float) -> None:
        """Return at the change that `changed` (an earlier `_changed`) announces, or at time-out."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await changed.wait()
