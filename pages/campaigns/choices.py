"""Presets, engines and sampling settings as values of the forms that select them."""

from collections.abc import Sequence
from dataclasses import dataclass

from chat.conversations.models import Preset
from chat.models import Sampling
from chat.validation import BOUNDS

WHOLE = frozenset({"top_k", "max_new_tokens", "seed"})
"""The sampling settings that are integers."""


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """The presets that the user may use, and the names of the engines that serve, in order."""

    presets: Sequence[Preset] = ()
    engines: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class NumberField:
    """A sampling setting with its bounds. `value` None: the model's own default."""

    name: str
    step: str
    low: float
    high: float
    value: float | None


def number_field(name: str, sampling: Sampling) -> NumberField:
    """The field of one setting."""
    step = "1" if name in WHOLE else "any"
    return NumberField(name, step, *BOUNDS[name], getattr(sampling, name))
