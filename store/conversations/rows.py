"""The rows that the other queries begin with: found for their user, or NotFound."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from chat.campaigns.models import Mode
from chat.errors import NotFound
from chat.models import Status
from store.schema.campaigns import CampaignRow, ParticipantRow
from store.schema.conversations import ConversationRow, MessageRow
from store.search_index import MessageIndex, index_of

OPEN = [status for status in Status if status.is_open]
MOST_ROWS = 2**31 - 1


def conversation_of(
    session: Session,
    user_id: str,
    conversation_id: str | None,
    *,
    for_update: bool = False,
    deleted: bool = False,
) -> ConversationRow:
    """A conversation of the user's, also a deleted one if `deleted`. Raises NotFound.

    One that is read for update is held until the transaction ends: whoever else changes it waits.
    SQLite has no row locks and needs none: there is only one writer.
    """
    statement = select(ConversationRow).where(
        ConversationRow.id == conversation_id, ConversationRow.owner_id == user_id
    )
    if not deleted:
        statement = statement.where(ConversationRow.deleted_at.is_(None))
    if for_update:
        statement = statement.with_for_update()
    row = session.scalar(statement)
    if row is None:
        raise NotFound
    return row


def listed(session: Session, user_id: str) -> Sequence[ColumnElement[bool]]:
    """Which of the user's conversations are shown in lists.

    Those of blind comparisons are not: they would reveal the variants.
    """
    joined = session.scalars(
        select(CampaignRow)
        .join(ParticipantRow, ParticipantRow.campaign_id == CampaignRow.id)
        .where(ParticipantRow.user_id == user_id)
    )
    blind = [row.id for row in joined if row.plan.mode is Mode.BLIND]
    held_for = ConversationRow.campaign_id
    return (or_(held_for.is_(None), held_for.not_in(blind)),) if blind else ()


def living_message(session: Session, conversation: ConversationRow, message_id: str) -> MessageRow:
    """A message of that conversation. Raises NotFound, also for a deleted one."""
    row = session.scalar(
        select(MessageRow).where(
            MessageRow.id == message_id,
            MessageRow.conversation_id == conversation.id,
            MessageRow.deleted_at.is_(None),
        )
    )
    if row is None:
        raise NotFound
    return row


def index_for(session: Session) -> MessageIndex:
    return index_of(session.get_bind().dialect.name)


def row_count(number: int) -> int:
    """A LIMIT or OFFSET that every database takes."""
    return min(max(number, 0), MOST_ROWS)
