"""One answer for a program: its handle while it is generated, and its record at the end.

Knows no engine and no wire format.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from chat.accounts.models import Principal
from chat.errors import AppError
from chat.models import Finish, Prompt, Provenance, Timing, Usage
from chat.serving.handle import GenerationHandle
from chat.serving.models import Delta
from chat.tools import Extras, TokenScore, ToolCall


@dataclass(frozen=True, slots=True)
class CompletionRecord:
    """An answer that has ended, with everything that it was made from.

    `text` is the new text alone where an answer was continued. `finish` is None where it was cut
    off.
    """

    id: str
    principal: Principal
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


class Completion(GenerationHandle):
    """The handle of one answer for a program."""

    def __init__(self, completion_id: str, principal: Principal, created_at: datetime) -> None:
        super().__init__()
        self.id = completion_id
        self.principal = principal
        self.created_at = created_at
        self.from_cache = False
        self._deltas: list[Delta] = []
        self._record: CompletionRecord | None = None
        self._error: AppError | None = None

    @property
    def deltas(self) -> Sequence[Delta]:
        """Everything of the answer so far."""
        return tuple(self._deltas)

    async def begun(self, timeout_s: float) -> None:
        """Return at the first delta or at the end, at the latest after `timeout_s`.

        Raises the error of an answer that failed before its first delta.
        """
        if not (self._deltas or self._complete):
            await self._wait(self._changed, timeout_s)
        if self._error and not self._deltas:
            raise self._error

    async def watch(self) -> AsyncIterator[Sequence[Delta]]:
        """The deltas so far, then new ones as they come.

        Ends with the answer; raises the error of one that failed, after its last delta.
        """
        seen = 0
        while True:
            changed = self._changed
            if seen < len(self._deltas):
                new = self._deltas[seen:]
                seen += len(new)
                yield new
            elif self._complete:
                break
            else:
                await changed.wait()
        if self._error:
            raise self._error

    async def record(self) -> CompletionRecord:
        """The record of the whole answer, or of what a cancelled one came to. Raises its error."""
        while self._record is None:
            await self._changed.wait()
        if self._error:
            raise self._error
        return self._record

    # From here on: for the service.

    def add(self, *deltas: Delta) -> None:
        """Add deltas. Those without content only show that the engine is alive, and are skipped."""
        if new := [d for d in deltas if d.text or d.calls or d.scores or d.finish]:
            self._deltas += new
            self._notify()

    def complete(self, record: CompletionRecord, error: AppError | None = None) -> None:
        """End the answer. Every watcher gets `error`."""
        self._record, self._error = record, error
        self._notify()

    @property
    def _complete(self) -> bool:
        return self._record is not None
