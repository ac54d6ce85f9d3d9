"""What has come of an answer so far, when it came, and from what it was made.

Knows neither job nor store.
"""

import time
from dataclasses import dataclass, field, replace

from chat.models import Timing
from chat.serving.models import Delta
from chat.tools import CallPiece, TokenScore, ToolCall


@dataclass(slots=True)
class Draft:
    """What has come from the engine so far, and when."""

    pieces: list[str] = field(default_factory=list)
    last: Delta = field(default_factory=Delta)
    told: Timing | None = None
    queue_s: float = 0.0
    started_at: float | None = None
    first_text_at: float | None = None
    tokens_at_first_text: int = 0
    own_prompt_tokens: int | None = None
    """How much of the prompt this person sent before; None: all of it."""
    call_pieces: list[CallPiece] = field(default_factory=list)
    scores: list[TokenScore] = field(default_factory=list)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The calls so far, in the order in which they began."""
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
        self.told = delta.timing or self.told
        self.call_pieces += delta.calls
        self.scores += delta.scores
        if text := delta.text.replace("\0", ""):  # a model can write NUL, PostgreSQL cannot
            self.pieces.append(text)
            if self.first_text_at is None:
                self.first_text_at = time.monotonic()
                self.tokens_at_first_text = delta.completion_tokens

    def tokens_per_s(self) -> float:
        """The rate since the first text; 0 before there is one."""
        if self.first_text_at is None:
            return 0.0
        seconds = time.monotonic() - self.first_text_at
        tokens = self.last.completion_tokens - self.tokens_at_first_text
        return tokens / seconds if seconds > 0 else 0.0

    def timing(self) -> Timing:
        """The engine's own timing; where the answer was cut short, with what was seen from here."""
        told = replace(self.told or Timing(), queue_s=self.queue_s)
        if self.own_prompt_tokens is not None:
            reused = min(told.reused_prompt_tokens, self.own_prompt_tokens)
            told = replace(told, reused_prompt_tokens=reused)
        if self.last.finish or self.started_at is None:
            return told
        seen_ttft_s = self.first_text_at - self.started_at if self.first_text_at else 0.0
        return replace(
            told,
            ttft_s=told.ttft_s or seen_ttft_s,
            total_s=time.monotonic() - self.started_at,
            decode_tokens_per_s=self.tokens_per_s(),
        )
