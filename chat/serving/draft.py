"""The answer so far: text, calls, scores, and the times at which they came.

Knows no queue and no store.
"""

import time
from dataclasses import dataclass, field, replace

from chat.models import Timing
from chat.serving.models import Delta
from chat.tools import CallPiece, TokenScore, ToolCall


@dataclass(slots=True)
class Draft:
    """What came from the engine so far. `started_at` is None while the request is queued."""

    pieces: list[str] = field(default_factory=list)
    last: Delta = field(default_factory=Delta)
    engine_timing: Timing | None = None
    queue_s: float = 0.0
    started_at: float | None = None
    first_text_at: float | None = None
    tokens_at_first_text: int = 0
    own_prompt_tokens: int | None = None
    """How many tokens of the prompt this user sent before; None: all of them."""
    call_pieces: list[CallPiece] = field(default_factory=list)
    scores: list[TokenScore] = field(default_factory=list)
    prompt_scores: list[TokenScore] = field(default_factory=list)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The calls so far, in the order of their beginnings."""
        pieces: dict[int, list[CallPiece]] = {}
        for piece in self.call_pieces:
            pieces.setdefault(piece.index, []).append(piece)
        return tuple(
            ToolCall(
                id="".join(piece.id for piece in of_one),
                name="".join(piece.name for piece in of_one),
                arguments="".join(piece.arguments for piece in of_one),
            )
            for of_one in pieces.values()
        )

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def take(self, delta: Delta) -> None:
        self.last = delta
        self.engine_timing = delta.timing or self.engine_timing
        self.call_pieces += delta.calls
        self.scores += delta.scores
        self.prompt_scores += delta.prompt_scores
        if text := delta.text.replace("\0", ""):  # a model can write NUL, PostgreSQL cannot
            self.pieces.append(text)
            if self.first_text_at is None:
                self.first_text_at = time.monotonic()
                self.tokens_at_first_text = delta.completion_tokens

    def tokens_per_s(self) -> float:
        """The rate since the first text; 0 before it."""
        if self.first_text_at is None:
            return 0.0
        seconds = time.monotonic() - self.first_text_at
        tokens = self.last.completion_tokens - self.tokens_at_first_text
        return tokens / seconds if seconds > 0 else 0.0

    def timing(self) -> Timing:
        """The engine's timing; where the answer was cut off, completed by own measurements."""
        timing = replace(self.engine_timing or Timing(), queue_s=self.queue_s)
        if self.own_prompt_tokens is not None:
            # The engine shares its prefix cache: the full count would reveal that another user had
            # sent the same text.
            reused = min(timing.reused_prompt_tokens, self.own_prompt_tokens)
            timing = replace(timing, reused_prompt_tokens=reused)
        if self.last.finish or self.started_at is None:
            return timing
        measured_ttft_s = self.first_text_at - self.started_at if self.first_text_at else 0.0
        return replace(
            timing,
            ttft_s=timing.ttft_s or measured_ttft_s,
            total_s=time.monotonic() - self.started_at,
            decode_tokens_per_s=self.tokens_per_s(),
        )
