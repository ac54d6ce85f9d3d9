"""Common parts of the import of other applications' formats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chat.conversations.errors import TooManyMessages
from chat.conversations.models import Archive, Conversation, Message, Origin
from chat.conversations.validation import MAX_RENAMED, title_of
from chat.models import ChatOptions, Role, Status
from formats.reading import refusal
from formats.records import MAX_MESSAGES, MAX_TEXT, plain

UNTITLED = "…"


@dataclass(frozen=True, slots=True)
class Words:
    """One checked message of a foreign file; the ids are those of the file."""

    id: str
    parent_id: str | None
    role: Role
    content: str
    created_at: datetime


def check_words(content: str, where: str) -> str:
    """Check the text of a message. Raises BadImport."""
    if len(content) > MAX_TEXT:
        raise refusal(where, f"should have at most {MAX_TEXT} characters")
    try:
        return plain(content)
    except ValueError as error:
        raise refusal(where, str(error)) from None


def check_number(messages: Sequence[object] | Mapping[str, object], where: str) -> None:
    """Raises BadImport when there are more messages than one conversation may have."""
    if len(messages) > MAX_MESSAGES:
        raise refusal(where, f"should have at most {MAX_MESSAGES} messages", TooManyMessages)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A conversation of a foreign file; parents precede their children."""

    words: Sequence[Words]
    head_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    system_prompt: str = ""

    def archive(self, owner_id: str) -> Archive:
        """The conversation as an archive, without provenance, because the model is unknown."""
        conversation = Conversation(
            id="imported",
            owner_id=owner_id,
            title=self._title(),
            options=ChatOptions(self.system_prompt),
            head_id=self.head_id,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )
        return Archive(conversation, tuple(map(_message, self.words)))

    def _title(self) -> str:
        """The title in one line, or else the first line of the first message."""
        line = " ".join(self.title.split())[:MAX_RENAMED].rstrip()
        return line or next(
            (title_of(words.content) for words in self.words if words.content.strip()), UNTITLED
        )


def _message(words: Words) -> Message:
    return Message(
        id=words.id,
        conversation_id="imported",
        parent_id=words.parent_id,
        role=words.role,
        content=words.content,
        status=Status.DONE,
        created_at=words.created_at,
        origin=Origin.IMPORTED,
    )
