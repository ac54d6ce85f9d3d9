"""The state that the server keeps for one browser tab while it is open."""

from dataclasses import dataclass, field

from chat.campaigns.models import Campaign
from chat.conversations.models import TEMPORARY, Attachment, Folder, Preset
from chat.conversations.service import Removed, Version
from chat.models import ChatOptions, Sampling

LISTED = 50
MOST_LISTED = 50_000
"""Initial number of conversations in the list; a click doubles it, up to a bound."""


@dataclass(frozen=True, slots=True)
class HeldFile:
    """An attached file before it is sent. `pasted`: a long pasted text, which can be put back.

    `encoding` is the one it was read with where the file does not say which it is, and `readings`
    are the encodings that it can be read with, each with some of the text.
    """

    file: Attachment
    tokens: int | None = None
    pasted: bool = False
    encoding: str = ""
    readings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ChosenPreset:
    """The selected version of a preset, and the newest one."""

    preset: Preset
    newest: int


@dataclass
class Drawn:
    """The part of a conversation that a tab displays: all but the `hidden` oldest turns.

    `seen` is the version of the conversation then. `sought` is a message that must be in it.
    """

    conversation_id: str = ""
    hidden: int = 0
    seen: Version | None = None
    sought: str = ""

    def is_behind(self, conversation_id: str, version: Version) -> bool:
        """Whether that conversation is displayed, but with other messages than it has now."""
        seen = self.seen if self.conversation_id == conversation_id else None
        return seen is not None and not version.has_messages_of(seen)


@dataclass
class View:
    """The state of one tab. `number` grows whenever the tab opens another conversation.

    List: `listed` is its maximum length, `words` the search, `folder` what it lists, `ticked` the
    list as the last tick sent it. Composer: `temporary` new conversations are not stored; `files`
    are attached, by the browser's ids; `options`, their preset `chosen` and the model's `defaults`
    are only displayed.
    Transcript: `drawn` is its content; `listening`: an answer is being streamed into it; `listened`
    is the `number` of the last stream that ended; `followed`: there was an answer to stream;
    `kept`: this event must not redraw it, because a refused edit is open there; `calls` counts the
    requests to catch up with another tab; `removed` is the last deletion. `campaign_id` is the
    campaign of the tab: new conversations belong to it, if the domain agrees. `conceals`: its
    testers may not know what answers; None: not known yet, so nothing is told. `campaign` is what
    the tab last saw of it.
    """

    number: int = 0
    listed: int = LISTED
    words: str = ""
    folder: Folder = Folder.CHATS
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
    conceals: bool | None = None
    campaign: Campaign | None = None

    def turn(self) -> int:
        self.number += 1
        return self.number

    def is_temporary(self, conversation_id: str) -> bool:
        """Whether that conversation is temporary; without an id: whether a new one will be."""
        return conversation_id.startswith(TEMPORARY) if conversation_id else self.temporary
