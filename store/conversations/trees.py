"""The message tree of a conversation: the current path, deletion and restoring."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from chat.conversations.models import Message
from chat.errors import NotFound
from store.conversations.rows import conversation_of, living_message
from store.schema.conversations import ConversationRow, MessageRow


def path(session: Session, user_id: str, conversation_id: str) -> Sequence[Message]:
    """Follows deleted messages but does not return them. Raises NotFound."""
    head_id = conversation_of(session, user_id, conversation_id).head_id
    ancestors = (
        select(MessageRow.sequence, MessageRow.parent_id)
        .where(MessageRow.id == head_id)
        .cte("line", recursive=True)
    )
    ancestors = ancestors.union_all(
        select(MessageRow.sequence, MessageRow.parent_id).where(
            MessageRow.id == ancestors.c.parent_id
        )
    )
    rows = session.scalars(
        select(MessageRow)
        .join(ancestors, MessageRow.sequence == ancestors.c.sequence)
        .where(MessageRow.deleted_at.is_(None))
        .order_by(MessageRow.sequence)
    )
    return [row.value() for row in rows]


def set_head(session: Session, user_id: str, conversation_id: str, message_id: str) -> None:
    """Raises NotFound."""
    _show(session, conversation_of(session, user_id, conversation_id, for_update=True), message_id)


def delete_messages(
    session: Session,
    now: datetime,
    user_id: str,
    conversation_id: str,
    ids: Collection[str],
    *,
    head_id: str | None,
) -> None:
    """Raises NotFound, also when the head would be one of the deleted."""
    conversation = _with_all(session, user_id, conversation_id, ids)
    session.execute(
        update(MessageRow)
        .where(MessageRow.id.in_(ids), MessageRow.deleted_at.is_(None))
        .values(deleted_at=now)
    )
    _show(session, conversation, head_id)


def restore_messages(
    session: Session,
    user_id: str,
    conversation_id: str,
    ids: Collection[str],
    *,
    head_id: str | None,
) -> None:
    """Raises NotFound."""
    conversation = _with_all(session, user_id, conversation_id, ids)
    session.execute(update(MessageRow).where(MessageRow.id.in_(ids)).values(deleted_at=None))
    _show(session, conversation, head_id)


def _with_all(
    session: Session, user_id: str, conversation_id: str, ids: Collection[str]
) -> ConversationRow:
    """The conversation that has all these messages, deleted ones too, but no purged ones."""
    conversation = conversation_of(session, user_id, conversation_id, for_update=True)
    existing = session.scalars(
        select(MessageRow.id).where(
            MessageRow.id.in_(ids),
            MessageRow.conversation_id == conversation.id,
            MessageRow.purged.is_(False),
        )
    )
    if not set(existing).issuperset(ids):
        raise NotFound
    return conversation


def _show(session: Session, conversation: ConversationRow, head_id: str | None) -> None:
    if head_id is not None:
        living_message(session, conversation, head_id)
    conversation.head_id = head_id
