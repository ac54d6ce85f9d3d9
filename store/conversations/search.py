"""Full-text search over conversations."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from chat.conversations.models import SearchHit
from store.conversations.rows import index_for, listed, row_count
from store.schema.conversations import ConversationRow, MessageRow
from store.search_words import SearchWord, hit, words_of


def search(session: Session, user_id: str, words: str, *, limit: int = 50) -> Sequence[SearchHit]:
    terms = words_of(words)
    if not terms:
        return []
    newest = (
        select(MessageRow.conversation_id, func.max(MessageRow.sequence).label("sequence"))
        .where(
            *index_for(session).holding(terms),
            MessageRow.owner_id == user_id,
            MessageRow.deleted_at.is_(None),
        )
        .group_by(MessageRow.conversation_id)
        .cte("newest")
        # Without it PostgreSQL may evaluate the CTE for every conversation.
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    rows = session.execute(
        select(ConversationRow, MessageRow)
        .outerjoin(newest, newest.c.conversation_id == ConversationRow.id)
        .outerjoin(MessageRow, MessageRow.sequence == newest.c.sequence)
        .where(
            ConversationRow.owner_id == user_id,
            ConversationRow.deleted_at.is_(None),
            *listed(session, user_id),
            or_(newest.c.sequence.is_not(None), _in_title(terms)),
        )
        .order_by(ConversationRow.updated_at.desc(), ConversationRow.id)
        .limit(row_count(limit))
    )
    return [
        hit(conversation.value(), message.value() if message else None, terms)
        for conversation, message in rows
    ]


def _in_title(words: Sequence[SearchWord]) -> ColumnElement[bool]:
    return and_(*(ConversationRow.title_words.contains(word.needle) for word in words))
