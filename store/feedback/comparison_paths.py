"""Votes, with the two answers that they are between."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import JSON, ColumnElement, Select, func, or_, select, tuple_, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session

from chat.campaigns.models import Comparison, Side
from chat.conversations.models import Message
from chat.conversations.tree import Tree
from chat.errors import NotFound
from chat.feedback.models import ReviewState
from chat.feedback.result_models import Path, RatingFilter, VotedComparison
from chat.feedback.vote_models import VoteFilter
from store.schema.campaigns import CampaignRow, ComparisonRow
from store.schema.conversations import ConversationRow, MessageRow
from store.schema.feedback import AnswerSnapshotRow, ReviewRow


def voted_comparisons(
    session: Session,
    seen_by: str | None,
    wanted: RatingFilter,
    after: VotedComparison | None,
    limit: int,
) -> Sequence[VotedComparison]:
    """Votes one after the other, by campaign and day alone."""
    rows = (
        select(ComparisonRow)
        .where(*voted(seen_by, wanted))
        .order_by(ComparisonRow.asked_at, ComparisonRow.id)
        .limit(limit)
    )
    if after:
        here = tuple_(ComparisonRow.asked_at, ComparisonRow.id)
        rows = rows.where(here > (after.comparison.asked_at, after.comparison.id))
    return with_answers(session, [row.value() for row in session.scalars(rows)])


def votes(session: Session, seen_by: str | None, wanted: RatingFilter) -> int:
    """How many of them, by model and preset too; what language they are in is not looked at."""
    found = select(func.count()).select_from(ComparisonRow).where(*voted(seen_by, wanted))
    for made in _made_with(wanted):
        found = found.where(
            or_(*(_is_there(side, made) for side in (ComparisonRow.left, ComparisonRow.right)))
        )
    return session.scalar(found) or 0


def voted(seen_by: str | None, wanted: RatingFilter | VoteFilter) -> Iterable[ColumnElement[bool]]:
    """That somebody voted, that the person sees it, in that campaign and on those days."""
    yield ComparisonRow.choice.is_not(None)
    if seen_by is not None:
        own = select(CampaignRow.id).where(CampaignRow.owner_id == seen_by)
        yield ComparisonRow.campaign_id.in_(own)
    if wanted.campaign_id:
        yield ComparisonRow.campaign_id == wanted.campaign_id
    yield from days(ComparisonRow.voted_at, wanted)


def days(
    moment: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    wanted: RatingFilter | VoteFilter,
) -> Iterable[ColumnElement[bool]]:
    """That a time is on one of the days."""
    if wanted.since:
        yield moment >= datetime.combine(wanted.since, time.min, UTC)
    if wanted.until:
        yield moment < datetime.combine(wanted.until + timedelta(days=1), time.min, UTC)


def with_answers(session: Session, comparisons: Sequence[Comparison]) -> Sequence[VotedComparison]:
    """The comparisons with the paths that end at their answers."""
    sides = [side for comparison in comparisons for side in (comparison.left, comparison.right)]
    found = trees(session, {side.conversation_id for side in sides})
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
            left=_path(found, comparison.left),
            right=_path(found, comparison.right),
            unusable=bool({comparison.left.message_id, comparison.right.message_id} & unusable),
        )
        for comparison in comparisons
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


def _made_with(wanted: RatingFilter) -> Iterable[ColumnElement[bool]]:
    """Of a message: that it is from the model that is wanted, that it is from the preset."""
    made = type_coerce(MessageRow.provenance, JSON)
    if wanted.model:
        yield made["model"].as_string() == wanted.model
    if wanted.preset_id:
        yield made[("preset", "id")].as_string() == wanted.preset_id


def _is_there(side: InstrumentedAttribute[Side], made: ColumnElement[bool]) -> ColumnElement[bool]:
    """That the answer of this side is such a one."""
    answer_id: ColumnElement[str] = type_coerce(side, JSON)["message_id"].as_string()
    return answer_id.in_(_answers(made))


def _answers(made: ColumnElement[bool]) -> Select[str]:
    """The ids of those of them that were given in campaigns."""
    return (
        select(MessageRow.id)
        .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
        .where(
            ConversationRow.campaign_id.is_not(None),
            ConversationRow.deleted_at.is_(None),
            MessageRow.deleted_at.is_(None),
            made,
        )
    )
