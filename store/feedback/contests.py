"""Votes, with the two answers that they are between."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from chat.campaigns import Duel, Side
from chat.errors import NotFound
from chat.evidence import ReviewState
from chat.findings import Contest, Filter, Path
from chat.tree import Tree
from chat.types import Message
from store.feedback.tables import CampaignRow, DuelRow, EvidenceRow, ReviewRow
from store.tables import ConversationRow, MessageRow


def contests(
    session: Session, seen_by: str | None, wanted: Filter, after: Contest | None, limit: int
) -> Sequence[Contest]:
    """Votes one after the other, by campaign and day alone."""
    rows = (
        select(DuelRow)
        .where(DuelRow.choice.is_not(None), *days(DuelRow.voted_at, wanted))
        .order_by(DuelRow.asked_at, DuelRow.id)
        .limit(limit)
    )
    if seen_by is not None:
        rows = rows.join(CampaignRow, CampaignRow.id == DuelRow.campaign_id)
        rows = rows.where(CampaignRow.owner == seen_by)
    if wanted.campaign_id:
        rows = rows.where(DuelRow.campaign_id == wanted.campaign_id)
    if after:
        here = tuple_(DuelRow.asked_at, DuelRow.id)
        rows = rows.where(here > (after.duel.asked_at, after.duel.id))
    return _with_answers(session, [row.value() for row in session.scalars(rows)])


def days(
    moment: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    wanted: Filter,
) -> Iterable[ColumnElement[bool]]:
    """That a time is on one of the days."""
    if wanted.since:
        yield moment >= datetime.combine(wanted.since, time.min, UTC)
    if wanted.until:
        yield moment < datetime.combine(wanted.until + timedelta(days=1), time.min, UTC)


def _with_answers(session: Session, duels: Sequence[Duel]) -> Sequence[Contest]:
    sides = [side for duel in duels for side in (duel.left, duel.right)]
    found = trees(session, {side.conversation_id for side in sides})
    unusable = set(
        session.scalars(
            select(EvidenceRow.answer_id)
            .join(ReviewRow, ReviewRow.evidence_id == EvidenceRow.id)
            .where(
                EvidenceRow.answer_id.in_([side.message_id for side in sides]),
                ReviewRow.state == ReviewState.UNUSABLE,
            )
        )
    )
    return [
        Contest(
            duel,
            left=_path(found, duel.left),
            right=_path(found, duel.right),
            unusable=bool({duel.left.message_id, duel.right.message_id} & unusable),
        )
        for duel in duels
    ]


def trees(session: Session, conversation_ids: Iterable[str]) -> dict[str, Tree]:
    """Those of these conversations that are not deleted, without deleted messages."""
    rows = session.scalars(
        select(MessageRow)
        .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
        .where(
            ConversationRow.id.in_(conversation_ids),
            ConversationRow.deleted_at.is_(None),
            MessageRow.deleted_at.is_(None),
        )
        .order_by(MessageRow.sequence)
    )
    messages: dict[str, list[Message]] = defaultdict(list)
    for row in rows:
        messages[row.conversation_id].append(row.value())
    return {conversation_id: Tree(found) for conversation_id, found in messages.items()}


def _path(found: dict[str, Tree], side: Side) -> Path:
    """Empty where the answer, or something before it, was deleted."""
    tree = found.get(side.conversation_id)
    try:
        return tuple(tree.path_to(side.message_id)) if tree else ()
    except NotFound:
        return ()
