"""One request inside the engine: its row, its text and its timing.

Knows no thread, no model and no other request.
"""

import itertools
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from chat.errors import AppError
from chat.models import Finish, Timing, Usage
from chat.serving.errors import EngineFailed
from chat.serving.models import Delta
from chat.tools import TokenScore
from engine.row import Row
from engine.scores import ScoreLine
from engine.text import TextStream, Written

Event = Delta | AppError
"""An event of a request's stream; an error is the last one."""


@dataclass(eq=False, slots=True)
class Request:
    """A request inside the engine. Times are `time.monotonic()` seconds."""

    row: Row
    text: TextStream
    max_new_tokens: int
    send: Callable[[Event], None]
    scores: ScoreLine | None = None
    """Set if the request asked for log-probabilities."""
    prompt_only: bool = False
    """The answer is empty: its one token, which shows that the prompt was read, is dropped."""
    suspect: bool = False
    """The request was in a failed step and has produced no token since."""
    consumed: int = 0
    """How many of the row's tokens have been added to the answer."""
    received_at: float = field(default_factory=time.monotonic)
    admitted_at: float | None = None
    first_token_at: float | None = None

    @property
    def tokens(self) -> int:
        """The largest number of tokens of prompt and answer together."""
        return len(self.row.prompt_ids) + self.max_new_tokens

    def admit(self) -> None:
        self.admitted_at = self.admitted_at or time.monotonic()

    def keep_alive(self) -> Delta:
        return Delta(completion_tokens=self.consumed)

    def take_tokens(self, end_ids: Collection[int]) -> Delta:
        """The delta of the row's new tokens, with `finish` if the answer ends with one of them.

        Usually one token; more if something failed between a step and this call.
        """
        is_first = self.first_token_at is None
        self.first_token_at = self.first_token_at or time.monotonic()
        self.suspect = False
        prompt_scores = self._prompt_scores() if is_first else ()
        if self.prompt_only:
            return Delta(
                finish=Finish.LENGTH,
                usage=Usage(len(self.row.prompt_ids), 0),
                timing=self._timing(),
                prompt_scores=prompt_scores,
            )
        pieces: list[Written] = []
        finish: Finish | None = None
        for token_id in self.row.token_ids[self.consumed :]:
            finish = self._take(token_id, end_ids, pieces)
            if finish:
                break
        # Sent with the first token: if the answer is cut off, nothing else reports the prompt.
        timing = self._timing() if is_first or finish else None
        usage = Usage(len(self.row.prompt_ids), self.consumed) if finish else None
        return Delta(
            text="".join(piece.text for piece in pieces),
            completion_tokens=self.consumed,
            finish=finish,
            usage=usage,
            timing=timing,
            calls=tuple(call for piece in pieces for call in piece.calls),
            scores=tuple(self.scores.release(*self.text.position)) if self.scores else (),
            prompt_scores=prompt_scores,
        )

    def _prompt_scores(self) -> tuple[TokenScore, ...]:
        """Raises EngineFailed if some of the prompt's tokens were not scored."""
        if not (self.scores and self.row.scores_prompt):
            return ()
        if len(self.row.prompt_scores) != len(self.row.prompt_ids) - 1:
            raise EngineFailed
        first, *others = self.row.prompt_ids
        scored = zip(others, self.row.prompt_scores, strict=True)
        return (self.scores.unscored(first), *itertools.starmap(self.scores.scored, scored))

    def _take(
        self, token_id: int, end_ids: Collection[int], pieces: list[Written]
    ) -> Finish | None:
        """Add the text of one token; the finish reason if the answer ends with it."""
        self.consumed += 1
        is_end = token_id in end_ids
        is_last = self.consumed >= self.max_new_tokens
        # With the prompt's scores come those of all tokens, as other servers have them: programs
        # count them from the end.
        if self.scores and (self.row.scores_prompt or not is_end):
            _, begin = self.text.position
            self.scores.add(token_id, self.row.scores[self.consumed - 1], begin=begin)
        if not is_end:
            pieces.append(self.text.feed(token_id))
        is_whole = self.text.stopped
        if (is_end or is_last) and not is_whole:
            pieces.append(self.text.flush())
        # A stop string can be in what was held back. A call that the flush ended was cut off.
        if is_end or is_whole or self.text.stop_found:
            return Finish.TOOL_CALLS if self.text.called else Finish.STOP
        return Finish.LENGTH if is_last else None

    def _timing(self) -> Timing:
        now = time.monotonic()
        first = self.first_token_at or now
        decode_s = now - first
        return Timing(
            prefill_s=first - (self.admitted_at or self.received_at),
            ttft_s=first - self.received_at,
            total_s=now - self.received_at,
            decode_tokens_per_s=max(self.consumed - 1, 0) / decode_s if decode_s > 0 else 0.0,
            reused_prompt_tokens=self.row.reused_prompt_tokens or 0,
        )
