"""Export and import of whole conversations."""

from collections.abc import Sequence
from dataclasses import fields, replace
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from chat.conversations.models import Archive, Conversation, Message
from chat.models import Role
from store.conversations.copies import renewed
from store.conversations.rows import conversation_of, index_for
from store.schema.conversations import ConversationRow, MessageRow, measured


def archive(session: Session, user_id: str, conversation_id: str) -> Archive:
    """Raises NotFound."""
    conversation = conversation_of(session, user_id, conversation_id)
    rows = session.scalars(
        select(MessageRow)
        .where(MessageRow.conversation_id == conversation.id)
        .order_by(MessageRow.sequence)
    )
    living: dict[str | None, str | None] = {None: None}
    messages: list[Message] = []
    for row in rows:  # parents first, so that a deleted message passes on its own ancestor
        parent_id = living[row.parent_id]
        living[row.id] = row.id if row.deleted_at is None else parent_id
        if row.deleted_at is None:
            messages.append(replace(row.value(), parent_id=parent_id))
    return Archive(conversation.value(), tuple(messages))


def add_archives(
    session: Session, user_id: str, archives: Sequence[Archive]
) -> Sequence[Conversation]:
    """Raises BadRequest unless parents come before their children."""
    copies = [renewed(archive, user_id, lambda: uuid4().hex) for archive in archives]
    for copy in copies:
        session.add(ConversationRow(**_columns(copy.conversation)))
        session.flush()
        rows = [_row(user_id, message) for message in copy.messages]
        session.add_all(rows)
        session.flush()  # in this order: rows of one table refer to each other
        index_for(session).add(session, {row.sequence: row.content for row in rows})
    return [copy.conversation for copy in copies]


def _row(user_id: str, message: Message) -> MessageRow:
    answer = message.content if message.role is Role.ASSISTANT else ""
    measurements = measured(answer, message.usage, message.timing, message.provenance)
    return MessageRow(owner_id=user_id, **(_columns(message) | measurements))


def _columns(value: Conversation | Message) -> dict[str, object]:
    return {item.name: getattr(value, item.name) for item in fields(value)}
