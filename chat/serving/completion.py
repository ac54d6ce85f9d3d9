"""One answer for a program: as it is being written, and what is known of it at the end.

Knows neither who writes it nor in which format it goes out.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from chat.accounts.models import Principal
from chat.errors import AppError
from chat.models import Finish, Prompt, Provenance, Timing, Usage
from chat.serving.models import Delta
from chat.tools import Extras, TokenScore, ToolCall


@dataclass(frozen=True, slots=True)
class CompletionRecord:
    """An answer that has ended, with everything that it was made from.

    `text` is what is new, where an answer was continued. `finish` is None where it was cut off.
    """

    id: str
    caller: Principal
    created_at: datetime
    prompt: Prompt
    extras: Extras
    text: str
    usage: Usage
    finish: Finish | None = None
    calls: tuple[ToolCall, ...] = ()
    scores: tuple[TokenScore, ...] = ()
    timing: Timing | None = None
    provenance: Provenance | None = None
    from_cache: bool = False


class Completion:
    """The handle of one answer: whoever has it may watch, or end it by `cancel`.

    `why` is what a cancelled one was cancelled for, where there is something to be told.
    """

    def __init__(self, id: str, principal: Principal, created_at: datetime) -> None:
        self.id = id
        self.caller = principal
        self.created_at = created_at
        self.from_cache = False
        self.why: AppError | None = None
        self._deltas: list[Delta] = []
        self._written: CompletionRecord | None = None
        self._error: AppError | None = None
        self._changed = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._cancelled = False

    async def begun(self, patience_s: float) -> None:
        """Return when there is something of the answer, at the latest after `patience_s`.

        Raises the error of an answer that failed before.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while not (self._deltas or self._ended):
                    await self._changed.wait()
        if self._error and not self._deltas:
            raise self._error

    async def watch(self, every_s: float) -> AsyncIterator[Sequence[Delta]]:
        """What there is, then what is new whenever something is; nothing, if that takes `every_s`.

        Ends with the answer. Raises the error of one that failed, after what there was of it.
        """
        seen = 0
        while True:
            changed = self._changed
            if seen < len(self._deltas):
                new = self._deltas[seen:]
                seen += len(new)
                yield new
            elif self._ended:
                break
            else:
                try:
                    async with asyncio.timeout(every_s):
                        await changed.wait()
                except TimeoutError:
                    yield ()
        if self._error:
            raise self._error

    async def written(self) -> CompletionRecord:
        """The whole answer, or what there is of one that was cancelled. Raises its error."""
        while not self._ended:
            await self._changed.wait()
        if self._error:
            raise self._error
        assert self._written is not None
        return self._written

    def cancel(self, why: AppError | None = None) -> None:
        """Stop writing. The first to say so counts; `why` is told to whoever watches."""
        # A second cancellation would hit the task while it cleans up.
        if self._writing and not (self._cancelled or self._writing.done()):
            self._cancelled, self.why = True, why
            self._writing.cancel()

    # From here on: for who writes it.

    @property
    def deltas(self) -> Sequence[Delta]:
        """Everything of the answer so far."""
        return tuple(self._deltas)

    def written_by(self, task: asyncio.Task[None]) -> None:
        """It is this task that `cancel` ends."""
        self._writing = task

    def take(self, *deltas: Delta) -> None:
        """Add what has content; signs of life are of no use here."""
        self._deltas += (d for d in deltas if d.text or d.calls or d.scores or d.finish)
        self._wake()

    def end(self, written: CompletionRecord, error: AppError | None = None) -> None:
        """That was all. An `error` is raised to whoever watches."""
        self._written, self._error = written, error
        self._wake()

    @property
    def _ended(self) -> bool:
        return self._written is not None

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
