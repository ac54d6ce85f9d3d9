"""What the server remembers of one browser tab, for as long as it is open."""

from dataclasses import dataclass

LISTED = 50
"""Conversations in the list at first, and how many more a click adds."""


@dataclass
class View:
    """What one browser tab is looking at, as a number that grows when it looks elsewhere.

    `listed` is how many conversations its list may show.
    """

    number: int = 0
    listed: int = LISTED

    def turn(self) -> int:
        self.number += 1
        return self.number
