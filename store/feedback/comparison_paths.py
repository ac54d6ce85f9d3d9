"""Votes with the paths of both answers."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import JSON, ColumnElement, Select, func, or_, select, tuple_, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session

from chat.campaigns.models import Comparison, Side
from chat.conversations.models import Message
from chat.conversations.tree import Tree
from chat.errors import NotFound
from chat.feedback.filter_models import ListFilter
from chat.feedback.models import ReviewState
from chat.feedback.result_models import Path, RatingFilter, VotedComparison
from store.schema.campaigns import CampaignRow, ComparisonRow
from store.schema.conversations import ConversationRow, MessageRow
from store.schema.feedback import AnswerSnapshotRow, ReviewRow


def voted_comparisons(
    session: Session,
    seen_by: str | None,
    filters: RatingFilter,
    *,
    after: VotedComparison | None,
    limit: int,
) -> Sequence[VotedComparison]:
    """A page of votes, filtered by campaign and day only."""
    rows = (
        select(ComparisonRow)
        .where(*voted(seen_by, filters))
        .order_by(ComparisonRow.asked_at, ComparisonRow.id)
        .limit(limit)
    )
    if after:
        here = tuple_(ComparisonRow.asked_at, ComparisonRow.id)
        rows = rows.where(here > (after.comparison.asked_at, after.comparison.id))
    return with_answers(session, [row.value() for row in session.scalars(rows)])


def votes(session: Session, seen_by: str | None, filters: RatingFilter) -> int:
    """The number of votes. Filters by model and preset too, but not by language."""
    statement = select(func.count()).select_from(ComparisonRow).where(*voted(seen_by, filters))
    for condition in _provenance_matches(filters):
        statement = statement.where(
            or_(
                *(
                    _side_matches(side, condition)
                    for side in (ComparisonRow.left, ComparisonRow.right)
                )
            )
        )
    return session.scalar(statement) or 0


def own_campaigns(user_id: str) -> Select[str]:
    """The ids of the user's campaigns, whose ratings and votes the user sees."""
    return select(CampaignRow.id).where(CampaignRow.owner_id == user_id)


def voted(seen_by: str | None, filters: ListFilter) -> Iterable[ColumnElement[bool]]:
    """Conditions: decided, visible to the user, in the campaign, on the days."""
    yield ComparisonRow.choice.is_not(None)
    if seen_by is not None:
        yield ComparisonRow.campaign_id.in_(own_campaigns(seen_by))
    if filters.campaign_id:
        yield ComparisonRow.campaign_id == filters.campaign_id
    yield from days(ComparisonRow.voted_at, filters)


def days(
    moment: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    filters: ListFilter,
) -> Iterable[ColumnElement[bool]]:
    """Conditions: the time lies on one of the days (UTC)."""
    if filters.since:
        yield moment >= datetime.combine(filters.since, time.min, UTC)
    if filters.until:
        yield moment < datetime.combine(filters.until + timedelta(days=1), time.min, UTC)


def with_answers(session: Session, comparisons: Sequence[Comparison]) -> Sequence[VotedComparison]:
    """The comparisons with the paths that end at their answers."""
    sides = [side for comparison in comparisons for side in (comparison.left, comparison.right)]
    trees_by_id = trees(session, {side.conversation_id for side in sides})
    unusable = set(
        session.scalars(
            select(AnswerSnapshotRow.answer_id)
            .join(ReviewRow, ReviewRow.evidence_id == AnswerSnapshotRow.id)
            .where(
                AnswerSnapshotRow.answer_id.in_([side.message_id for side in sides]),
                ReviewRow.state == ReviewState.UNUSABLE,
            )
        )
    )
    return [
        VotedComparison(
            comparison,
            left=_path(trees_by_id, comparison.left),
            right=_path(trees_by_id, comparison.right),
            unusable=bool({comparison.left.message_id, comparison.right.message_id} & unusable),
        )
        for comparison in comparisons
    ]


def trees(session: Session, conversation_ids: Iterable[str]) -> dict[str, Tree]:
    """The trees of these conversations, without deleted conversations and messages."""
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
    return {conversation_id: Tree(rows) for conversation_id, rows in messages.items()}


def _path(trees_by_id: dict[str, Tree], side: Side) -> Path:
    """Empty if the answer or one of its ancestors was deleted."""
    tree = trees_by_id.get(side.conversation_id)
    try:
        return tuple(tree.path_to(side.message_id)) if tree else ()
    except NotFound:
        return ()


def _provenance_matches(filters: RatingFilter) -> Iterable[ColumnElement[bool]]:
    """Conditions on a message: its model and its preset are those of the filter."""
    provenance = type_coerce(MessageRow.provenance, JSON)
    if filters.model:
        yield provenance["model"].as_string() == filters.model
    if filters.preset_id:
        yield provenance[("preset", "id")].as_string() == filters.preset_id


def _side_matches(
    side: InstrumentedAttribute[Side], condition: ColumnElement[bool]
) -> ColumnElement[bool]:
    """That the answer of this side is such a one."""
    answer_id: ColumnElement[str] = type_coerce(side, JSON)["message_id"].as_string()
    return answer_id.in_(_answers(condition))


def _answers(condition: ColumnElement[bool]) -> Select[str]:
    """Ids of answers in campaigns that satisfy the condition."""
    return (
        select(MessageRow.id)
        .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
        .where(
            ConversationRow.campaign_id.is_not(None),
            ConversationRow.deleted_at.is_(None),
            MessageRow.deleted_at.is_(None),
            condition,
        )
    )
