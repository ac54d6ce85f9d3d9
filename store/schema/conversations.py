"""Tables of conversations and presets, and the conversion of rows to domain values."""

from datetime import datetime
from math import isfinite
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, validates

from chat.conversations.models import (
    Attachment,
    Conversation,
    Message,
    Origin,
    Preset,
    PresetText,
)
from chat.languages import language_of
from chat.models import ChatOptions, Finish, PresetRef, Provenance, Role, Status, Timing, Usage
from store.schema.base import NUMBER, Base, words_of_enum
from store.schema.columns import AsJson, PlainText, UtcDateTime
from store.search_words import haystack


def _of_deleted() -> Index:
    """Partial index of the deleted rows, for the purge."""
    some = text("deleted_at IS NOT NULL")
    return Index(None, "deleted_at", sqlite_where=some, postgresql_where=some)


HAPPENED_HERE: ColumnElement[bool] = literal_column("origin <> 'imported'")
"""Condition on messages. Literal text, so that SQLite recognises a partial index's condition."""


def _of_what_happened() -> Index:
    """Covering index for counts: rows are long and are not read."""
    return Index(
        "ix_messages_happened",
        *("created_at", "origin", "role", "status", "owner", "conversation_id", "error_code"),
        *("completion_tokens", "queue_s", "ttft_s", "total_s", "decode_tokens_per_s"),
        *("model", "language"),
        sqlite_where=HAPPENED_HERE,
        postgresql_where=HAPPENED_HERE,
    )


class ConversationRow(Base):
    """A tree of messages and the selected path through it.

    `title_words` is the title as a search compares it. Deletion sets `deleted_at`: it is in the
    trash then.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        Index(None, "owner", "pinned", "updated_at"),
        Index(None, "campaign_id"),
        _of_deleted(),
    )

    id: Mapped[str] = mapped_column(PlainText, primary_key=True)
    owner_id: Mapped[str] = mapped_column("owner", PlainText)
    title: Mapped[str] = mapped_column(PlainText)
    title_words: Mapped[str] = mapped_column(PlainText)
    options: Mapped[ChatOptions] = mapped_column(AsJson(ChatOptions))
    # No foreign key: the two tables would refer to each other, and neither could be created first.
    # The head is set in the transaction that writes its message; messages are deleted with all.
    head_id: Mapped[str | None] = mapped_column(PlainText)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    pinned: Mapped[bool] = mapped_column(default=False)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    campaign_id: Mapped[str | None] = mapped_column(PlainText)
    archived: Mapped[bool] = mapped_column(default=False)

    @validates("title")
    def _index_title(self, _name: str, title: str) -> str:
        self.title_words = haystack(title)
        return title

    def value(self) -> Conversation:
        return Conversation(
            id=self.id,
            owner_id=self.owner_id,
            title=self.title,
            options=self.options,
            head_id=self.head_id,
            created_at=self.created_at,
            updated_at=self.updated_at,
            pinned=self.pinned,
            campaign_id=self.campaign_id or "",
            archived=self.archived,
            deleted_at=self.deleted_at,
        )


class MessageRow(Base):
    """One node of a conversation's tree.

    `sequence` grows with every message, so a parent always has a smaller one than its children.
    `request_id` is the client's name for the request that made a question. A message that is
    `purged` has lost its words and keeps its place. What `measured` gives is written together;
    `language` is that of an answer that has ended, and None where it has no word.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("owner", "request_id"),
        Index(None, "conversation_id", "sequence"),
        Index(None, "parent_id"),
        _of_deleted(),
        _of_what_happened(),
    )

    sequence: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    id: Mapped[str] = mapped_column(PlainText)
    conversation_id: Mapped[str] = mapped_column(
        PlainText, ForeignKey("conversations.id", ondelete="CASCADE")
    )
    owner_id: Mapped[str] = mapped_column("owner", PlainText)
    # No cascade: SQLite follows it message by message and fails at a depth of 1,000.
    parent_id: Mapped[str | None] = mapped_column(PlainText, ForeignKey("messages.id"))
    role: Mapped[Role] = mapped_column(words_of_enum(Role))
    content: Mapped[str] = mapped_column(PlainText)
    status: Mapped[Status] = mapped_column(words_of_enum(Status))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finish: Mapped[Finish | None] = mapped_column(words_of_enum(Finish))
    usage: Mapped[Usage | None] = mapped_column(AsJson(Usage))
    timing: Mapped[Timing | None] = mapped_column(AsJson(Timing))
    provenance: Mapped[Provenance | None] = mapped_column(AsJson(Provenance))
    completion_tokens: Mapped[int | None] = mapped_column(NUMBER)
    queue_s: Mapped[float | None]
    ttft_s: Mapped[float | None]
    total_s: Mapped[float | None]
    decode_tokens_per_s: Mapped[float | None]
    model: Mapped[str | None] = mapped_column(PlainText)
    language: Mapped[str | None] = mapped_column(PlainText)
    error_code: Mapped[str | None] = mapped_column(PlainText)
    request_id: Mapped[str | None] = mapped_column(PlainText)
    attachments: Mapped[tuple[Attachment, ...]] = mapped_column(
        AsJson(tuple[Attachment, ...]), default=()
    )
    origin: Mapped[Origin] = mapped_column(words_of_enum(Origin), default=Origin.HERE)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    purged: Mapped[bool] = mapped_column(default=False)

    def value(self) -> Message:
        return Message(
            id=self.id,
            conversation_id=self.conversation_id,
            parent_id=self.parent_id,
            role=self.role,
            content=self.content,
            status=self.status,
            created_at=self.created_at,
            finish=self.finish,
            usage=self.usage,
            timing=self.timing,
            provenance=self.provenance,
            error_code=self.error_code,
            attachments=self.attachments,
            origin=self.origin,
        )


def measured(
    answer: str, usage: Usage | None, timing: Timing | None, provenance: Provenance | None
) -> dict[str, Any]:
    """The usage of a message: as JSON, and repeated in columns for queries over many messages.

    Reading the JSON of each message would take longer than the rest of such a query. `answer` is
    its text; empty for a question, because no query counts its language. A number that is not
    finite is null in JSON and is read as its default.
    """
    names = ("queue_s", "ttft_s", "total_s", "decode_tokens_per_s")
    spans = {name: getattr(timing, name) if timing else None for name in names}
    return {
        "usage": usage,
        "timing": timing,
        "provenance": provenance,
        "completion_tokens": usage.completion_tokens if usage else None,
        "model": provenance.model if provenance else None,
        "language": language_of(answer) or None,
    } | {name: 0.0 if span and not isfinite(span) else span for name, span in spans.items()}


class PresetRow(Base):
    """A preset: its owner and its newest version. A shipped preset has no owner."""

    __tablename__ = "presets"
    __table_args__ = (UniqueConstraint("id"), Index(None, "owner"))

    sequence: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    id: Mapped[str] = mapped_column(PlainText)
    owner_id: Mapped[str] = mapped_column("owner", PlainText)
    shared: Mapped[bool]
    newest: Mapped[int]
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PresetVersionRow(Base):
    """The text of one version of a preset; immutable."""

    __tablename__ = "preset_versions"

    preset_id: Mapped[str] = mapped_column(
        PlainText, ForeignKey("presets.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[PresetText] = mapped_column(AsJson(PresetText))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    def value(self, preset: PresetRow) -> Preset:
        return Preset(
            ref=PresetRef(self.preset_id, self.version),
            owner_id=preset.owner_id,
            shared=preset.shared,
            text=self.text,
            created_at=self.created_at,
        )
