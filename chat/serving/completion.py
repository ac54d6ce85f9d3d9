"""One answer for a program: its handle while it is generated, and its record at the end.

Knows no engine and no wire format.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from chat.accounts.models import Principal
from chat.errors import AppError
from chat.models import Finish, Prompt, Provenance, Status, Timing, Usage
from chat.serving.handle import CancelReason, GenerationHandle
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
    prompt_scores: tuple[TokenScore, ...] = ()
    timing: Timing | None = None
    provenance: Provenance | None = None
    from_cache: bool = False


class Completion(GenerationHandle):
    """The handle of one answer for a program. `prompt` is bare text, whatever it came as."""

    def __init__(
        self,
        completion_id: str,
        principal: Principal,
        created_at: datetime,
        prompt: Prompt = (),
    ) -> None:
        super().__init__()
        self.id = completion_id
        self.principal = principal
        self.created_at = created_at
        self.prompt = prompt
        self.from_cache = False
        self._deltas: list[Delta] = []
        self._record: CompletionRecord | None = None
        self._error: AppError | None = None

    @property
    def deltas(self) -> Sequence[Delta]:
        """Everything of the answer so far."""
        return tuple(self._deltas)

    @property
    def has_ended(self) -> bool:
        return self._record is not None

    async def begun(self, timeout_s: float) -> None:
        """Return at the first delta or at the end, at the latest after `timeout_s`.

        Raises the error of an answer that failed before its first delta.
        """
        if not (self._deltas or self.has_ended):
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
            elif self.has_ended:
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

    def cancel(self, reason: CancelReason = Status.STOPPED) -> None:
        """As of every generation; one that has not been started yet will not be."""
        if self._task is None:
            self.cancel_reason = self.cancel_reason or reason
        else:
            super().cancel(reason)

    async def ended(self) -> None:
        """Return when the answer has ended, however it did."""
        while not self.has_ended:
            await self._changed.wait()

    # From here on: for the service.

    def add(self, *deltas: Delta) -> None:
        """Add deltas. Those without content only show that the engine is alive, and are skipped."""
        if new := [d for d in deltas if _has_content(d)]:
            self._deltas += new
            self._notify()

    def complete(self, record: CompletionRecord, error: AppError | None = None) -> None:
        """End the answer. Every watcher gets `error`."""
        self._record, self._error = record, error
        self._notify()


def _has_content(delta: Delta) -> bool:
    return bool(delta.text or delta.calls or delta.scores or delta.prompt_scores or delta.finish)
