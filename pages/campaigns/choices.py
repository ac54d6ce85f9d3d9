"""What answers can be made with, for the forms in which that is chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from chat.conversations.models import Preset


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """The presets that a person may use, and the names of the engines that serve, in order."""

    presets: Sequence[Preset] = ()
    engines: Sequence[str] = ()
