"""One request inside the engine: its row, its text, and where its time went.

Knows no thread, no model and no other request.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from chat.errors import AppError
from chat.types import Delta, Finish, Timing, Usage
from engine.row import Row
from engine.text import TextStream

Event = Delta | AppError
"""What a request sends to whoever waits for it; an error is the last thing it sends."""


@dataclass(eq=False, slots=True)
class Request:
    """A request from the moment the engine took it. Times are `time.monotonic()` seconds."""

    row: Row
    text: TextStream
    max_new_tokens: int
    send: Callable[[Event], None]
    suspect: bool = False
    """It was in a step that failed and has made no token since."""
    taken: int = 0
    """How many of the row's tokens are part of the answer."""
    taken_at: float = field(default_factory=time.monotonic)
    admitted_at: float | None = None
    first_token_at: float | None = None

    @property
    def tokens(self) -> int:
        """The most tokens it can come to, prompt and answer."""
        return len(self.row.prompt_ids) + self.max_new_tokens

    def admit(self) -> None:
        self.admitted_at = self.admitted_at or time.monotonic()

    def sign_of_life(self) -> Delta:
        return Delta(completion_tokens=self.taken)

    def take_tokens(self, end_ids: Collection[int]) -> Delta:
        """What the row's new tokens add. With `finish` if the answer ends with one of them.

        There is one, or more when something failed after a step and before this.
        """
        is_first = self.first_token_at is None
        self.first_token_at = self.first_token_at or time.monotonic()
        self.suspect = False
        text = ""
        for token_id in self.row.token_ids[self.taken :]:
            self.taken += 1
            if token_id in end_ids:
                return self._end(text + self.text.flush(), Finish.STOP)
            text += self.text.feed(token_id)
            if self.text.stopped:
                return self._end(text, Finish.STOP)
            if self.taken >= self.max_new_tokens:
                text += self.text.flush()
                return self._end(text, Finish.STOP if self.text.stopped else Finish.LENGTH)
        # With the first token all is known of the prompt: it must not be lost if the answer is cut.
        timing = self._timing() if is_first else None
        return Delta(text=text, completion_tokens=self.taken, timing=timing)

    def _end(self, text: str, finish: Finish) -> Delta:
        usage = Usage(prompt_tokens=len(self.row.prompt_ids), completion_tokens=self.taken)
        return Delta(text, self.taken, finish, usage, self._timing())

    def _timing(self) -> Timing:
        now = time.monotonic()
        first = self.first_token_at or now
        decode_s = now - first
        return Timing(
            prefill_s=first - (self.admitted_at or self.taken_at),
            ttft_s=first - self.taken_at,
            total_s=now - self.taken_at,
            decode_tokens_per_s=max(self.taken - 1, 0) / decode_s if decode_s > 0 else 0.0,
            reused_prompt_tokens=self.row.reused_prompt_tokens or 0,
        )
