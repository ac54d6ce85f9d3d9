"""Conversations: options, titles, listing, deletion and restoring."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, case, false, func, select, update
from sqlalchemy import delete as delete_rows
from sqlalchemy.orm import Session

from chat.conversations.errors import RenamedMeanwhile
from chat.conversations.models import Conversation, Folder
from chat.errors import NotFound
from chat.models import ChatOptions, Status
from store.conversations.rows import OPEN, conversation_of, index_for, listed, row_count
from store.schema.conversations import ConversationRow, MessageRow, measured


def set_options(session: Session, user_id: str, conversation_id: str, options: ChatOptions) -> None:
    """Raises NotFound."""
    conversation_of(session, user_id, conversation_id, for_update=True).options = options


def rename(session: Session, user_id: str, conversation_id: str, *, title: str, seen: str) -> None:
    """Raises NotFound, RenamedMeanwhile; asking twice for the same name is no conflict."""
    row = conversation_of(session, user_id, conversation_id, for_update=True)
    if row.title not in (seen, title):
        raise RenamedMeanwhile(title=row.title)
    row.title = title


def pin(session: Session, user_id: str, conversation_id: str, pinned: bool) -> None:
    """Raises NotFound."""
    conversation_of(session, user_id, conversation_id, for_update=True).pinned = pinned


def set_archived(session: Session, user_id: str, conversation_id: str, archived: bool) -> None:
    """Raises NotFound."""
    conversation_of(session, user_id, conversation_id, for_update=True).archived = archived


def conversation(session: Session, user_id: str, conversation_id: str) -> Conversation:
    """Raises NotFound."""
    return conversation_of(session, user_id, conversation_id).value()


IN_FOLDER: Mapping[Folder, Sequence[ColumnElement[bool]]] = {
    Folder.CHATS: (ConversationRow.deleted_at.is_(None), ConversationRow.archived == false()),
    Folder.ARCHIVE: (ConversationRow.deleted_at.is_(None), ConversationRow.archived != false()),
    Folder.TRASH: (ConversationRow.deleted_at.is_not(None),),
    Folder.KEPT: (ConversationRow.deleted_at.is_(None),),
}


def conversations(
    session: Session,
    user_id: str,
    *,
    limit: int = 50,
    offset: int = 0,
    folder: Folder = Folder.CHATS,
) -> Sequence[Conversation]:
    in_trash = folder is Folder.TRASH
    first = ConversationRow.deleted_at if in_trash else ConversationRow.pinned
    rows = session.scalars(
        select(ConversationRow)
        .where(ConversationRow.owner_id == user_id, *IN_FOLDER[folder], *listed(session, user_id))
        .order_by(first.desc(), ConversationRow.updated_at.desc(), ConversationRow.id)
        .limit(row_count(limit))
        .offset(row_count(offset))
    )
    return [row.value() for row in rows]


def delete(session: Session, now: datetime, user_id: str, conversation_id: str) -> None:
    """Raises NotFound."""
    conversation_of(session, user_id, conversation_id, for_update=True).deleted_at = now


def restore(session: Session, user_id: str, conversation_id: str) -> None:
    """Raises NotFound."""
    row = conversation_of(session, user_id, conversation_id, for_update=True, deleted=True)
    row.deleted_at = None


def purge_deleted(session: Session, before: datetime) -> int:
    conversations, _ = destroy(session, ConversationRow.deleted_at < before)
    return conversations + purge_messages(session, before)


def destroy_deleted(session: Session, user_id: str, conversation_id: str | None = None) -> int:
    """Raises NotFound."""
    due = (ConversationRow.owner_id == user_id) & ConversationRow.deleted_at.is_not(None)
    if conversation_id is not None:
        due &= ConversationRow.id == conversation_id
    count, _ = destroy(session, due)
    if conversation_id is not None and not count:
        raise NotFound
    return count


def destroy(session: Session, due: ColumnElement[bool]) -> tuple[int, int]:
    """Delete whole conversations; return the counts of conversations and messages."""
    messages = (
        select(MessageRow.sequence)
        .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
        .where(due)
    )
    count = session.scalar(select(func.count()).select_from(messages.subquery()))
    index_for(session).remove(session, messages)
    deleted = session.scalars(delete_rows(ConversationRow).where(due).returning(ConversationRow.id))
    return len(deleted.all()), count or 0


def purge_messages(session: Session, before: datetime) -> int:
    """Clear the text and keep the rows, because other messages may be below them."""
    due = (MessageRow.deleted_at < before, MessageRow.purged.is_(False))
    index_for(session).remove(session, select(MessageRow.sequence).where(*due))
    wiped = session.scalars(
        update(MessageRow)
        .where(*due)
        .values(
            purged=True,
            content="",
            attachments=(),
            status=case((MessageRow.status.in_(OPEN), Status.INTERRUPTED), else_=MessageRow.status),
            finish=None,
            error_code=None,
            **measured("", None, None, None),
        )
        .returning(MessageRow.sequence)
    )
    return len(wiped.all())
