"""What the server remembers of one browser tab, for as long as it is open."""

from dataclasses import dataclass, field

from chat.types import Attachment, Preset

LISTED = 50
"""Conversations in the list at first, and how many more a click adds."""


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file that waits in the composer. `pasted`: it was a long text that can become one again."""

    file: Attachment
    tokens: int | None = None
    pasted: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """The preset version that is shown, and the newest there is."""

    preset: Preset
    newest: int


@dataclass
class View:
    """What one browser tab is looking at, as a number that grows when it looks elsewhere.

    `listed` is how many conversations its list may show. `files` wait in the composer, by
    the browser's ids; `chosen` is the preset of what is open, for drawing alone.
    """

    number: int = 0
    listed: int = LISTED
    files: dict[str, HeldFile] = field(default_factory=dict)
    chosen: Chosen | None = None

    def turn(self) -> int:
        self.number += 1
        return self.number
