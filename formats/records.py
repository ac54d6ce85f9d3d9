"""Records of the app's own JSON files, with bounds.

The JSON schemas in docs/ are generated from them, docstrings included.

Fields have the names of `chat.models`.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from chat.conversations.attachments import MAX_FILES, MAX_NAME, attachment
from chat.conversations.errors import BadAttachment
from chat.conversations.models import Attachment, Conversation, Message, Origin
from chat.conversations.validation import MAX_RENAMED
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
from chat.validation import (
    BOUNDS,
    IN_BOUNDS,
    MAX_CHARACTERS,
    MAX_STOP_CHARACTERS,
    MAX_STOP_STRINGS,
    is_bounded,
)

MAX_TEXT = 1_000_000
"""Characters of one message. Questions are shorter; answers of the longest context may reach it."""

MAX_ID = 128
MAX_MESSAGES = 20_000
MAX_NUMBER = 2**53 - 1
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def plain(text: str) -> str:
    """The text, if every database can store it. Raises ValueError."""
    if _UNSTORABLE.search(text):
        raise ValueError("holds characters that cannot be stored (NUL or half a surrogate pair)")
    return text


def _in_utc(time: datetime) -> datetime:
    if not is_bounded(time):
        raise ValueError(f"is not within {IN_BOUNDS}")
    return time.astimezone(UTC)


def _written(value: object) -> object:
    if isinstance(value, str):
        return value
    raise ValueError("should be a date and time as text")


def _within(name: str) -> Any:
    low, high = BOUNDS[name]
    return Field(default=None, ge=low, le=high)


Plain = Annotated[str, AfterValidator(plain)]
Id = Annotated[Plain, Field(min_length=1, max_length=MAX_ID)]
Name = Annotated[Plain, Field(max_length=500)]
Prompt = Annotated[Plain, Field(max_length=MAX_CHARACTERS)]
Text = Annotated[Plain, Field(max_length=MAX_TEXT)]
Title = Annotated[Plain, Field(max_length=MAX_RENAMED)]
Stop = Annotated[Plain, Field(min_length=1, max_length=MAX_STOP_CHARACTERS)]
Count = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
Amount = Annotated[float, Field(ge=0)]
Time = Annotated[
    AwareDatetime, Field(strict=False), AfterValidator(_in_utc), BeforeValidator(_written)
]


class FileRecord(BaseModel):
    """Nothing unknown, nothing converted: what is not understood is refused, not dropped."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class SamplingRecord(FileRecord):
    """How the next token was chosen; null is the model's own default."""

    temperature: float | None = _within("temperature")
    top_p: float | None = _within("top_p")
    top_k: int | None = _within("top_k")
    repetition_penalty: float | None = _within("repetition_penalty")
    max_new_tokens: int | None = _within("max_new_tokens")
    seed: int | None = _within("seed")
    stop: list[Stop] = Field(default=[], max_length=MAX_STOP_STRINGS)
    presence_penalty: float | None = _within("presence_penalty")
    frequency_penalty: float | None = _within("frequency_penalty")
    min_new_tokens: int | None = _within("min_new_tokens")

    def value(self) -> Sampling:
        return Sampling(**(self.model_dump() | {"stop": tuple(self.stop)}))


class PresetRefRecord(FileRecord):
    """One version of a preset, by name."""

    id: Id
    version: Count

    def value(self) -> PresetRef:
        return PresetRef(self.id, self.version)


class OptionsRecord(FileRecord):
    """The user's settings of the conversation."""

    system_prompt: Prompt = ""
    sampling: SamplingRecord = SamplingRecord()
    preset: PresetRefRecord | None = None

    def value(self) -> ChatOptions:
        preset = self.preset.value() if self.preset else None
        return ChatOptions(self.system_prompt, self.sampling.value(), preset)


class UsageRecord(FileRecord):
    """Tokens of one answer."""

    prompt_tokens: Count
    completion_tokens: Count

    def value(self) -> Usage:
        return Usage(**self.model_dump())


class TimingRecord(FileRecord):
    """Where the time of one answer went, in seconds."""

    queue_s: Amount = 0.0
    prefill_s: Amount = 0.0
    ttft_s: Amount = 0.0
    total_s: Amount = 0.0
    decode_tokens_per_s: Amount = 0.0
    reused_prompt_tokens: Count = 0

    def value(self) -> Timing:
        return Timing(**self.model_dump())


class ProvenanceRecord(FileRecord):
    """What the answer was made with."""

    model: Name
    revision: Name
    quantization: Name
    engine: Name
    sampling: SamplingRecord
    prompt_sha256: Name
    dropped_turns: Count = 0
    system_prompt: Prompt = ""
    preset: PresetRefRecord | None = None
    continued_characters: Count = 0

    def value(self) -> Provenance:
        nested = {
            "sampling": self.sampling.value(),
            "preset": self.preset.value() if self.preset else None,
        }
        return Provenance(**(self.model_dump(exclude=set(nested)) | nested))


class AttachmentRecord(FileRecord):
    """A text file that went with a question."""

    name: Annotated[Plain, Field(min_length=1, max_length=MAX_NAME)]
    text: Prompt

    def value(self) -> Attachment:
        return Attachment(self.name, self.text)


def _has_showable_name(record: AttachmentRecord) -> AttachmentRecord:
    try:
        parsed = attachment(record.name, record.text)
    except BadAttachment:
        parsed = None
    if parsed != record.value():
        raise ValueError("has a name that cannot be shown")
    return record


class MessageRecord(FileRecord):
    """One node of the tree. `parent_id` names an earlier message; null begins a branch."""

    id: Id
    parent_id: Id | None
    role: Literal["user", "assistant"]
    content: Text
    status: Annotated[Status, Field(strict=False)]
    created_at: Time
    finish: Literal["stop", "length"] | None = None
    usage: UsageRecord | None = None
    timing: TimingRecord | None = None
    provenance: ProvenanceRecord | None = None
    error_code: Annotated[Plain, Field(max_length=64)] | None = None
    attachments: list[Annotated[AttachmentRecord, AfterValidator(_has_showable_name)]] = Field(
        default=[], max_length=MAX_FILES
    )
    origin: Annotated[Origin, Field(strict=False)] = Origin.HERE

    def value(self, conversation_id: str) -> Message:
        return Message(
            id=self.id,
            conversation_id=conversation_id,
            parent_id=self.parent_id,
            role=Role(self.role),
            content=self.content,
            status=self.status,
            created_at=self.created_at,
            finish=Finish(self.finish) if self.finish else None,
            usage=self.usage.value() if self.usage else None,
            timing=self.timing.value() if self.timing else None,
            provenance=self.provenance.value() if self.provenance else None,
            error_code=self.error_code,
            attachments=tuple(item.value() for item in self.attachments),
            origin=self.origin,
        )


class ConversationRecord(FileRecord):
    """A conversation with all its branches; `head_id` is the end of the selected path."""

    id: Id
    title: Title
    options: OptionsRecord = OptionsRecord()
    head_id: Id | None
    created_at: Time
    updated_at: Time
    pinned: bool = False
    archived: bool = False
    messages: list[MessageRecord] = Field(max_length=MAX_MESSAGES)

    def value(self, owner_id: str) -> Conversation:
        return Conversation(
            id=self.id,
            owner_id=owner_id,
            title=self.title,
            options=self.options.value(),
            head_id=self.head_id,
            created_at=self.created_at,
            updated_at=self.updated_at,
            pinned=self.pinned,
            archived=self.archived,
        )


class FileHead(FileRecord):
    """The header of an exported file."""

    format: Literal["qwen-chat"]
    version: Literal[1]


class ConversationsFile(FileHead):
    """Conversations of Qwen Chat, version 1."""

    conversations: list[ConversationRecord]
