"""A row of the batch: one request as the model and the sampler see it.

Owns the token ids so far and how the next one is chosen. Knows no text, no clock and no thread.
"""

import math
import random
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from chat.errors import BadRequest
from chat.models import Sampling
from chat.tools import NO_EXTRAS, Extras

if TYPE_CHECKING:
    import torch

    from engine.grammar.mask import Mask


MAX_PENALTY = 2
"""Bound of presence_penalty and frequency_penalty, as in the OpenAI API."""

MAX_TOP_LOGPROBS = 20


@dataclass(frozen=True, slots=True)
class Decoding:
    """How the next token is chosen. temperature 0 is greedy, top_k 0 disables top-k, min_p 0 min-p.

    No end token is chosen before the answer has `min_new_tokens` tokens.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    min_new_tokens: int = 0
    min_p: float = 0.0
    logit_bias: Sequence[tuple[int, float]] = ()
    """Additions to the logits of token ids."""
    seed: int = field(default_factory=lambda: secrets.randbits(63))

    def __post_init__(self) -> None:
        on_presence, on_frequency = self.presence_penalty, self.frequency_penalty
        numbers = [self.temperature, self.top_p, self.repetition_penalty, on_presence, on_frequency]
        numbers += [self.min_p, *(bias for _, bias in self.logit_bias)]
        if not all(math.isfinite(number) for number in numbers):
            raise BadRequest("Sampling settings must be finite numbers.")
        if not max(abs(on_presence), abs(on_frequency)) <= MAX_PENALTY or self.min_new_tokens < 0:
            raise BadRequest(
                f"presence_penalty and frequency_penalty must be between -{MAX_PENALTY} and "
                f"{MAX_PENALTY}, min_new_tokens at least 0."
            )
        if self.temperature < 0 or not 0 <= self.top_p <= 1:
            raise BadRequest("temperature must be at least 0, top_p between 0 and 1.")
        if not 0 <= self.min_p <= 1:
            raise BadRequest("min_p must be between 0 and 1.")
        if self.top_k < 0 or self.repetition_penalty <= 0:
            raise BadRequest("top_k must be at least 0, repetition_penalty above 0.")

    @property
    def is_greedy(self) -> bool:
        return self.temperature == 0

    def uniform(self, step: int) -> float:
        """The random number in [0, 1) for token number `step` of the answer.

        It depends on seed and step only: not on the device, the other rows of the batch, or how
        often the row was restarted.
        """
        return random.Random(f"{self.seed}:{step}").random()


def decoding_of(sampling: Sampling, extras: Extras = NO_EXTRAS) -> Decoding:
    """The decoding of a request; unset settings get neutral values. Raises BadRequest."""
    names = set(Decoding.__slots__) - {"min_p", "logit_bias"}
    stated = {name: value for name in names if (value := getattr(sampling, name)) is not None}
    return Decoding(**stated, min_p=extras.min_p, logit_bias=extras.logit_bias)


class Score(NamedTuple):
    """A token's log-probability before sampling settings, and (id, log-probability) of the best."""

    logprob: float
    best: Sequence[tuple[int, float]] = ()


@dataclass(eq=False, slots=True)
class Row:
    """One request in the batch. Its runner appends to `token_ids`, or sets `error`.

    With `top_logprobs` set, it also appends one score per token, with that many alternatives. With
    `scores_prompt` it first sets `prompt_scores`, which begin with the prompt's second token.
    """

    id: str
    prompt_ids: Sequence[int]
    decoding: Decoding
    salt: str = ""
    """Only rows with the same salt share cached prefixes."""
    end_ids: Collection[int] = ()
    """The tokens that end the answer."""
    top_logprobs: int | None = None
    scores_prompt: bool = False
    """Needs a salt that no other row has: what is reused is not read, and so has no scores."""
    mask: "Mask | None" = None
    """The grammar that the answer must follow; freed with the row."""
    token_ids: list[int] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    prompt_scores: list[Score] = field(default_factory=list)
    reused_prompt_tokens: int | None = None
    error: str | None = None
    seen: "torch.Tensor | None" = None
    """The sampler's copy of prompt and answer on its device, int64, shape [length]."""

    def __post_init__(self) -> None:
        if not 0 <= (self.top_logprobs or 0) <= MAX_TOP_LOGPROBS:
            raise BadRequest(f"top_logprobs must be between 0 and {MAX_TOP_LOGPROBS}.")

    @property
    def length(self) -> int:
        """Tokens of prompt and answer so far."""
        return len(self.prompt_ids) + len(self.token_ids)
