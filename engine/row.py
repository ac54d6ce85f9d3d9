"""A row of the batch: one request as the model and the sampler see it.

Owns the token ids so far and how the next one is chosen. Knows no text, no clock and no thread.
"""

import math
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chat.errors import BadRequest
from chat.types import Sampling

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Decoding:
    """How the next token is chosen. temperature 0 is greedy, top_k 0 considers every token."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    seed: int = field(default_factory=lambda: secrets.randbits(63))

    def __post_init__(self) -> None:
        numbers = (self.temperature, self.top_p, self.repetition_penalty)
        if not all(math.isfinite(number) for number in numbers):
            raise BadRequest("Sampling settings must be finite numbers.")
        if self.temperature < 0 or not 0 <= self.top_p <= 1:
            raise BadRequest("temperature must be at least 0, top_p between 0 and 1.")
        if self.top_k < 0 or self.repetition_penalty <= 0:
            raise BadRequest("top_k must be at least 0, repetition_penalty above 0.")

    @property
    def is_greedy(self) -> bool:
        return self.temperature == 0

    def uniform(self, step: int) -> float:
        """The random number in [0, 1) that decides token number `step` of the answer.

        It depends on seed and step alone: neither on the device, nor on who else is in the batch,
        nor on how often the row had to be started again.
        """
        return random.Random(f"{self.seed}:{step}").random()


def decoding_of(sampling: Sampling) -> Decoding:
    """The decoding that `sampling` describes; what it leaves open is neutral. Raises BadRequest."""
    stated = {
        name: value for name in Decoding.__slots__ if (value := getattr(sampling, name)) is not None
    }
    return Decoding(**stated)


@dataclass(eq=False, slots=True)
class Row:
    """One request in the batch. Its runner appends to `token_ids`, or sets `error`."""

    id: str
    prompt_ids: Sequence[int]
    decoding: Decoding
    salt: str = ""
    """Only rows with the same salt share what the cache holds of their prompts."""
    token_ids: list[int] = field(default_factory=list)
    reused_prompt_tokens: int | None = None
    error: str | None = None
    seen: "torch.Tensor | None" = None
    """The sampler's copy of prompt and answer, on its device; it goes when the row goes."""

    @property
    def length(self) -> int:
        """Tokens of prompt and answer so far."""
        return len(self.prompt_ids) + len(self.token_ids)
