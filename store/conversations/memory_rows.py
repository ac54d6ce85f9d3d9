"""What a store in memory holds of conversations, and how it finds them for their user."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from chat.conversations.models import Conversation, Folder, Message
from chat.errors import NotFound
from store.conversations.copies import is_in


@dataclass
class MemoryRows:
    """Conversations and messages by id, with the times of deletion of both."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    stored: dict[str, Conversation] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    deleted: dict[str, datetime] = field(default_factory=dict)
    purged: set[str] = field(default_factory=set)

    def _owned(self, user_id: str, conversation_id: str) -> Conversation:
        conversation = self.stored.get(conversation_id)
        if conversation is None or conversation.owner_id != user_id:
            raise NotFound
        return conversation

    def _mine(self, user_id: str, conversation_id: str) -> Conversation:
        if conversation_id in self.deleted:
            raise NotFound
        return self._owned(user_id, conversation_id)

    def _all_of(self, user_id: str, folder: Folder) -> list[Conversation]:
        """Newest first, in the trash the last deleted first."""
        mine = [
            replace(stored, deleted_at=self.deleted.get(stored.id))
            for stored in self.stored.values()
            if stored.owner_id == user_id
        ]
        return sorted(
            (stored for stored in mine if is_in(stored, folder)),
            key=lambda stored: (stored.deleted_at or stored.updated_at, stored.updated_at),
            reverse=True,
        )

    def _messages_of(self, conversation: Conversation) -> list[Message]:
        return [m for m in self.messages.values() if m.conversation_id == conversation.id]

    def _closed(self, conversation: Conversation) -> list[Message]:
        """Messages that a search sees: not the answer being generated."""
        living = (m for m in self._messages_of(conversation) if m.id not in self.deleted)
        return [message for message in living if not message.status.is_open]

    def _living(self, conversation: Conversation, message_id: str) -> Message:
        message = self.messages.get(message_id)
        if (
            message is None
            or message.conversation_id != conversation.id
            or message_id in self.deleted
        ):
            raise NotFound
        return message

    def _living_ancestor(self, message_id: str | None) -> str | None:
        while message_id in self.deleted:
            message_id = self.messages[message_id].parent_id
        return message_id

    def _with_all(self, user_id: str, conversation_id: str, ids: Iterable[str]) -> Conversation:
        """The conversation that has all these messages, deleted ones too."""
        conversation = self._mine(user_id, conversation_id)
        existing = {message.id for message in self._messages_of(conversation)}
        if not existing.difference(self.purged).issuperset(ids):
            raise NotFound
        return conversation
