"""Copies of conversations that whoever has a link can read."""

from dataclasses import dataclass
from datetime import datetime

from chat.conversations.models import Message


@dataclass(frozen=True, slots=True)
class SharedCopy:
    """The displayed path at the moment of sharing: only what readers of the link may see.

    `system_prompt` is empty and files are without text unless their owner chose to show them.
    """

    title: str
    messages: tuple[Message, ...]
    system_prompt: str = ""


@dataclass(frozen=True, slots=True)
class SharedLink:
    """A link to a copy of a conversation. Whoever has its token reads it without signing in."""

    id: str
    owner_id: str
    conversation_id: str
    title: str
    created_at: datetime
    expires_at: datetime
