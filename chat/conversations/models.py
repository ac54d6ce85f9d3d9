"""Conversations, messages, turns and presets, as values."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chat.accounts.models import Account
from chat.models import (
    ChatOptions,
    Finish,
    PresetRef,
    Provenance,
    Role,
    Sampling,
    Status,
    Timing,
    Usage,
)

TEMPORARY = "temporary-"
"""Prefix of the ids of conversations that are not stored, and of their messages."""


class Origin(StrEnum):
    """Where the text of a message comes from."""

    HERE = "here"
    EDITED = "edited"
    IMPORTED = "imported"


class Folder(StrEnum):
    """Where a conversation is listed. KEPT: both chats and archive, all but the trash."""

    CHATS = "chats"
    ARCHIVE = "archive"
    TRASH = "trash"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A text file attached to a question: the page shows its name, the model reads it as data."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation. `head_id` is the last message of the displayed path.

    `campaign_id` is the campaign that it belongs to, if any. `deleted_at`: since when it is in the
    trash.
    """

    id: str
    owner_id: str
    title: str
    options: ChatOptions
    head_id: str | None
    created_at: datetime
    updated_at: datetime
    pinned: bool = False
    campaign_id: str = ""
    archived: bool = False
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One node of a conversation's tree. Nothing is overwritten: retry and edit add a sibling."""

    id: str
    conversation_id: str
    parent_id: str | None
    role: Role
    content: str
    status: Status
    created_at: datetime
    finish: Finish | None = None
    usage: Usage | None = None
    timing: Timing | None = None
    provenance: Provenance | None = None
    error_code: str | None = None
    attachments: tuple[Attachment, ...] = ()
    origin: Origin = Origin.HERE


@dataclass(frozen=True, slots=True)
class Question:
    """A user's question. `request_id` makes sending it idempotent.

    It goes below the head of its conversation, or beside the question `beside`. `title`,
    `temporary` and `campaign_id` are for a new conversation; a temporary one is not stored.
    """

    text: str
    request_id: str
    title: str = ""
    attachments: tuple[Attachment, ...] = ()
    beside: str | None = None
    temporary: bool = False
    campaign_id: str = ""


@dataclass(frozen=True, slots=True)
class Archive:
    """One conversation with the messages of all its branches, parents before their children."""

    conversation: Conversation
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of text with search matches: `marks` are [start, end) within `text`."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A conversation in which a search found something.

    `message_id` is the newest message with all words; None when they are in the title alone.
    """

    conversation: Conversation
    title: Excerpt
    message_id: str | None = None
    excerpt: Excerpt | None = None


@dataclass(frozen=True, slots=True)
class PresetText:
    """The content of a preset. `language` is that of a shipped one ("zh", "en"), else empty."""

    name: str
    system_prompt: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    questions: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Preset:
    """One version of a preset. `owner_id` is empty for a shipped one; `shared` shows it to all."""

    ref: PresetRef
    owner_id: str
    shared: bool
    text: PresetText
    created_at: datetime

    def is_own(self, user_id: str) -> bool:
        """Whether the user may change it; a shipped preset belongs to nobody."""
        return bool(self.owner_id) and self.owner_id == user_id


@dataclass(frozen=True, slots=True)
class EffectiveOptions:
    """The options that apply to a question, and the campaign that sets them.

    `campaign_id` is empty outside campaigns. `engine` is the name of the engine that answers;
    empty for the first one. `account` is who asks, where it was read to find the options.
    `concealed`: who asks may not know what answers, nor how fast it is.
    """

    options: ChatOptions
    campaign_id: str = ""
    engine: str = ""
    account: Account | None = None
    concealed: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """The rows of one accepted question: stored together or not at all."""

    conversation: Conversation
    question: Message
    answer: Message


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """The end of an answer, stored in one update."""

    content: str
    status: Status
    finish: Finish | None = None
    usage: Usage | None = None
    timing: Timing | None = None
    provenance: Provenance | None = None
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of an answer being generated, as its watchers get it.

    While PENDING: `position` (1 is next) and `wait_s`, the estimate. STREAMING without text means
    that the prompt is being read. `tokens_per_s` is the rate so far. `dropped_turns` of the oldest
    are not in the prompt.
    """

    message_id: str
    text: str = ""
    status: Status = Status.PENDING
    position: int | None = None
    wait_s: float | None = None
    completion_tokens: int = 0
    tokens_per_s: float | None = None
    dropped_turns: int = 0
    error_code: str | None = None
