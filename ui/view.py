"""What the server remembers of one browser tab, for as long as it is open."""

from dataclasses import dataclass, field

from chat.conversations.models import TEMPORARY, Attachment, Preset
from chat.conversations.service import Removed, Version
from chat.models import ChatOptions, Sampling

LISTED = 50
MOST_LISTED = 50_000
"""Conversations in the list at first; a click shows twice as many, up to a bound."""


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file that waits in the composer. `pasted`: it was a long text that can become one again."""

    file: Attachment
    tokens: int | None = None
    pasted: bool = False


@dataclass(frozen=True, slots=True)
class ChosenPreset:
    """The preset version that is shown, and the newest there is."""

    preset: Preset
    newest: int


@dataclass
class Drawn:
    """What a tab has drawn of which conversation: all but the `hidden` oldest turns.

    `seen` is how the conversation was then. `sought` is a message that has to be among it.
    """

    conversation_id: str = ""
    hidden: int = 0
    seen: Version | None = None
    sought: str = ""


@dataclass
class View:
    """What one browser tab is looking at, as a number that grows when it looks elsewhere.

    `listed` is how many conversations its list may show, `words` what they are searched for, and
    `ticked` the list as the last tick has sent it. `temporary`: what it begins leaves no trace.
    `files` wait in the composer, by the browser's ids. `options` and their preset, `chosen`, are
    kept for drawing alone, `defaults` are the model's own as they are shown, if it was known then.
    `drawn` is what stands in the middle, `listening` whether an answer is streamed into it,
    `listened` the number at which a stream has ended, `followed` whether there was one, `kept`
    whether nothing is drawn into it after this event, because an edit that was refused is open
    there, `calls` how often it was told that it is behind, and `removed` what was deleted there
    last. `campaign_id` is the campaign that the tab is in: what it begins is asked for that one,
    if the domain agrees.
    """

    number: int = 0
    listed: int = LISTED
    words: str = ""
    ticked: object = None
    temporary: bool = False
    files: dict[str, HeldFile] = field(default_factory=dict)
    options: ChatOptions = field(default_factory=ChatOptions)
    chosen: ChosenPreset | None = None
    defaults: Sampling | None = None
    drawn: Drawn = field(default_factory=Drawn)
    listening: bool = False
    listened: int | None = None
    followed: bool = False
    kept: bool = False
    calls: int = 0
    removed: Removed | None = None
    campaign_id: str = ""

    def turn(self) -> int:
        self.number += 1
        return self.number

    def is_temporary(self, conversation_id: str) -> bool:
        """Whether the page with that conversation, or the empty one, leaves no trace."""
        return conversation_id.startswith(TEMPORARY) if conversation_id else self.temporary
