"""The rows of a campaign's tables: testers, comparisons without a vote, unrated answers."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from chat.feedback.filter_models import Cursor
from chat.feedback.result_models import VotedComparison
from chat.feedback.table_models import ParticipantActivity, UnratedAnswer
from chat.models import Role, Status
from store.campaigns.progress import as_it_is_now
from store.feedback.comparison_paths import with_answers
from store.schema.campaigns import ComparisonRow, ParticipantRow
from store.schema.conversations import ConversationRow, MessageRow
from store.schema.feedback import AnswerSnapshotRow, RatingRow


def testers(
    session: Session, campaign_id: str, *, after: Cursor | None, limit: int
) -> Sequence[ParticipantActivity]:
    """In the order in which they came."""
    place = tuple_(ParticipantRow.joined_at, ParticipantRow.user_id)
    rows = (
        select(ParticipantRow)
        .where(ParticipantRow.campaign_id == campaign_id)
        .order_by(ParticipantRow.joined_at, ParticipantRow.user_id)
        .limit(limit)
    )
    if after:
        rows = rows.where(place > (after.at, after.row_id))
    participants = [row.value() for row in session.scalars(rows)]
    ids = [participant.user_id for participant in participants]
    questions = _questions(session, campaign_id, ids)
    ratings = _ratings(session, campaign_id, ids)
    compared = _compared(session, campaign_id, ids)
    return [
        ParticipantActivity(
            participant,
            # A comparison asks both variants, each in a conversation of its own.
            questions=compared[user_id][0] if user_id in compared else questions.get(user_id, 0),
            ratings=ratings.get(user_id, 0),
            votes=compared.get(user_id, (0, 0, 0))[1],
            skipped=compared.get(user_id, (0, 0, 0))[2],
        )
        for participant, user_id in zip(participants, ids, strict=True)
    ]


def unvoted(
    session: Session, campaign_id: str, *, after: VotedComparison | None, limit: int
) -> Sequence[VotedComparison]:
    """Comparisons without a vote, with both answers, oldest first."""
    place = tuple_(ComparisonRow.asked_at, ComparisonRow.id)
    rows = (
        select(ComparisonRow)
        .where(ComparisonRow.campaign_id == campaign_id, ComparisonRow.choice.is_(None))
        .order_by(ComparisonRow.asked_at, ComparisonRow.id)
        .limit(limit)
    )
    if after:
        rows = rows.where(place > (after.comparison.asked_at, after.comparison.id))
    return with_answers(session, [row.value() for row in session.scalars(rows)])


def unrated(
    session: Session, campaign_id: str, *, after: UnratedAnswer | None, limit: int
) -> Sequence[UnratedAnswer]:
    """Ended answers that have no rating now, oldest first, without deleted ones."""
    asked, place = aliased(MessageRow), tuple_(MessageRow.created_at, MessageRow.id)
    rows = (
        select(
            MessageRow,
            ConversationRow.owner_id,
            func.coalesce(asked.content, ""),
            ConversationRow.title,
            ParticipantRow.variant,
        )
        .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
        .outerjoin(asked, asked.id == MessageRow.parent_id)
        .outerjoin(ParticipantRow, _takes_part(campaign_id))
        .where(
            ConversationRow.campaign_id == campaign_id,
            ConversationRow.deleted_at.is_(None),
            MessageRow.deleted_at.is_(None),
            MessageRow.role == Role.ASSISTANT,
            MessageRow.status.not_in([status for status in Status if status.is_open]),
            MessageRow.id.not_in(
                select(AnswerSnapshotRow.answer_id)
                .join(RatingRow, RatingRow.evidence_id == AnswerSnapshotRow.id)
                .where(AnswerSnapshotRow.campaign_id == campaign_id, *_says_something())
            ),
        )
        .order_by(MessageRow.created_at, MessageRow.id)
        .limit(limit)
    )
    if after:
        rows = rows.where(place > (after.answer.created_at, after.answer.id))
    return [
        UnratedAnswer(row.value(), user_id, question, title, variant)
        for row, user_id, question, title, variant in session.execute(rows)
    ]


def _takes_part(campaign_id: str) -> ColumnElement[bool]:
    """Condition: the participant is the owner of the conversation."""
    return and_(
        ParticipantRow.campaign_id == campaign_id,
        ParticipantRow.user_id == ConversationRow.owner_id,
    )


def _questions(session: Session, campaign_id: str, ids: Sequence[str]) -> Mapping[str, int]:
    rows = session.execute(
        select(ConversationRow.owner_id, func.count())
        .join(MessageRow, MessageRow.conversation_id == ConversationRow.id)
        .where(
            ConversationRow.campaign_id == campaign_id,
            ConversationRow.owner_id.in_(ids),
            MessageRow.role == Role.USER,
        )
        .group_by(ConversationRow.owner_id)
    )
    return dict(iter(rows))


def _ratings(session: Session, campaign_id: str, ids: Sequence[str]) -> Mapping[str, int]:
    rows = session.execute(
        select(RatingRow.user_id, func.count())
        .join(AnswerSnapshotRow, AnswerSnapshotRow.id == RatingRow.evidence_id)
        .where(
            AnswerSnapshotRow.campaign_id == campaign_id,
            AnswerSnapshotRow.owner_id.in_(ids),
            *_says_something(),
        )
        .group_by(RatingRow.user_id)
    )
    return dict(iter(rows))


def _compared(
    session: Session, campaign_id: str, ids: Sequence[str]
) -> Mapping[str, tuple[int, int, int]]:
    """Comparisons of each tester: all, those with a vote, and those that were skipped."""
    rows = session.execute(
        select(
            ComparisonRow.user_id,
            func.count(),
            func.count().filter(ComparisonRow.choice.is_not(None)),
            func.count().filter(ComparisonRow.skip_reason != ""),
        )
        .where(ComparisonRow.campaign_id == campaign_id, ComparisonRow.user_id.in_(ids))
        .group_by(ComparisonRow.user_id)
    )
    return {user_id: (asked, voted, skipped) for user_id, asked, voted, skipped in rows}


def _says_something() -> Sequence[ColumnElement[bool]]:
    """Conditions: the newest version of a rating, which was not withdrawn."""
    return (
        as_it_is_now(),
        or_(
            RatingRow.verdict.is_not(None),
            RatingRow.correction.is_not(None),
            RatingRow.reasons.not_in(["", "\n"]),
            RatingRow.comment != "",
        ),
    )
