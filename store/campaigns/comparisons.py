"""Blind comparisons and their votes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import JSON, func, select, type_coerce
from sqlalchemy.orm import Session

from chat.campaigns.comparison_models import NewComparison, StoredComparison
from chat.campaigns.errors import AnswersUnfinished, VoteFrozen
from chat.campaigns.models import Comparison, EarlierVote, Side, VoteChoice
from chat.campaigns.validation import MAX_EARLIER_VOTES
from chat.conversations.models import Turn
from chat.conversations.turns import PreparedTurn
from chat.errors import NotFound
from chat.models import Status
from store.accounts.rows import REFRESH
from store.conversations.turns import add_turn
from store.schema.campaigns import ComparisonRow, ParticipantRow
from store.schema.conversations import MessageRow


def ask(session: Session, new: NewComparison, prepared: Sequence[PreparedTurn]) -> Sequence[Turn]:
    """Raises NotFound, AnswerRunning, BadRequest."""
    # Locked: a concurrent withdrawal must not leave rows behind.
    part = (new.campaign_id, new.user_id)
    if session.get(ParticipantRow, part, with_for_update=True) is None:
        raise NotFound
    turns = [
        add_turn(
            session,
            new.asked_at,
            new.user_id,
            conversation_id=each.conversation_id,
            question=each.question,
            options=each.options,
        )
        for each in prepared
    ]
    if of_request(session, new.user_id, new.comparison_request.request_id) is None:
        left, right = (
            Side(variant, turn.conversation.id, turn.answer.id)
            for variant, turn in zip(new.variants, turns, strict=True)
        )
        session.add(
            ComparisonRow(
                id=uuid4().hex,
                campaign_id=new.campaign_id,
                user_id=new.user_id,
                request_id=new.comparison_request.request_id,
                question=new.comparison_request.text,
                task_id=new.comparison_request.task_id,
                left=left,
                right=right,
                asked_at=new.asked_at,
                choice=None,
                comment="",
                voted_at=None,
                skip_reason="",
            )
        )
    return turns


def pair_counts(session: Session, campaign_id: str) -> Mapping[tuple[int, int], int]:
    left, right = (
        type_coerce(side, JSON)["variant"].as_integer()
        for side in (ComparisonRow.left, ComparisonRow.right)
    )
    found = (
        select(left.label("first"), right.label("second"))
        .where(ComparisonRow.campaign_id == campaign_id)
        .subquery()
    )
    first, second = found.c
    rows = session.execute(select(first, second, func.count()).group_by(first, second))
    counted = Counter[tuple[int, int]]()
    for one, other, count in rows:
        counted[min(one, other), max(one, other)] += count
    return counted


def of_request(session: Session, user_id: str, request_id: str) -> Comparison | None:
    row = session.scalar(
        select(ComparisonRow).where(
            ComparisonRow.user_id == user_id, ComparisonRow.request_id == request_id
        )
    )
    return row.value() if row else None


def comparison(session: Session, user_id: str, comparison_id: str) -> StoredComparison:
    """Raises NotFound."""
    return _with_its_answers(session, _row_of(session, user_id, comparison_id))


def comparisons(
    session: Session, user_id: str, campaign_id: str, limit: int
) -> Sequence[StoredComparison]:
    newest = session.scalars(
        select(ComparisonRow)
        .where(ComparisonRow.user_id == user_id, ComparisonRow.campaign_id == campaign_id)
        .order_by(ComparisonRow.asked_at.desc(), ComparisonRow.id)
        .limit(limit)
    ).all()
    return _with_answers(session, reversed(newest))


def vote(
    session: Session,
    user_id: str,
    comparison_id: str,
    choice: VoteChoice,
    comment: str,
    at: datetime,
) -> Comparison:
    """Raises NotFound, AnswersUnfinished, VoteFrozen."""
    part = _row_of(session, user_id, comparison_id)
    # Locked in the order of `ask`: no question is asked between the check and the change.
    session.get(ParticipantRow, (part.campaign_id, user_id), with_for_update=True)
    row = _row_of(session, user_id, comparison_id, for_update=True)
    if row.choice is choice:
        return row.value()
    if row.choice is None:
        _refuse_unfinished(session, row)
    else:
        _refuse_frozen(session, row)
        earlier = EarlierVote(row.choice, row.voted_at or at, row.comment)
        row.earlier_votes = (*row.earlier_votes, earlier)
    row.choice, row.voted_at, row.skip_reason = choice, at, ""
    row.comment = comment or row.comment
    return row.value()


def skip(session: Session, user_id: str, comparison_id: str, reason: str) -> Comparison:
    """Raises NotFound, AnswersUnfinished."""
    row = _row_of(session, user_id, comparison_id, for_update=True)
    if row.choice is None:
        _refuse_unfinished(session, row)
        row.skip_reason = reason
    return row.value()


def skipped(session: Session, campaign_id: str, limit: int) -> Sequence[Comparison]:
    """The newest comparisons of all testers that were skipped, newest first."""
    rows = session.scalars(
        select(ComparisonRow)
        .where(ComparisonRow.campaign_id == campaign_id, ComparisonRow.skip_reason != "")
        .order_by(ComparisonRow.asked_at.desc(), ComparisonRow.id)
        .limit(limit)
    )
    return [row.value() for row in rows]


def set_comment(session: Session, user_id: str, comparison_id: str, comment: str) -> Comparison:
    """Raises NotFound."""
    row = _row_of(session, user_id, comparison_id, for_update=True)
    row.comment = comment
    return row.value()


def _row_of(
    session: Session, user_id: str, comparison_id: str, *, for_update: bool = False
) -> ComparisonRow:
    statement = select(ComparisonRow).where(
        ComparisonRow.id == comparison_id, ComparisonRow.user_id == user_id
    )
    if for_update:
        statement = statement.with_for_update().execution_options(**REFRESH)
    row = session.scalar(statement)
    if row is None:
        raise NotFound
    return row


def _refuse_unfinished(session: Session, row: ComparisonRow) -> None:
    written = _with_its_answers(session, row)
    if {written.left.status, written.right.status} != {Status.DONE}:
        raise AnswersUnfinished


def _refuse_frozen(session: Session, row: ComparisonRow) -> None:
    newest = session.scalar(
        select(ComparisonRow.id)
        .where(ComparisonRow.user_id == row.user_id, ComparisonRow.campaign_id == row.campaign_id)
        .order_by(ComparisonRow.asked_at.desc(), ComparisonRow.id)
        .limit(1)
    )
    if newest != row.id or len(row.earlier_votes) >= MAX_EARLIER_VOTES:
        raise VoteFrozen


def _with_its_answers(session: Session, row: ComparisonRow) -> StoredComparison:
    """Raises NotFound when one of its answers was deleted."""
    comparisons = _with_answers(session, [row])
    if not comparisons:
        raise NotFound
    return comparisons[0]


def _with_answers(session: Session, rows: Iterable[ComparisonRow]) -> Sequence[StoredComparison]:
    """Comparisons with their answers; those whose answers were deleted are left out."""
    comparisons = [row.value() for row in rows]
    ids = [side.message_id for each in comparisons for side in (each.left, each.right)]
    answers = {
        row.id: row.value()
        for row in session.scalars(select(MessageRow).where(MessageRow.id.in_(ids)))
    }
    return [
        StoredComparison(each, answers[each.left.message_id], answers[each.right.message_id])
        for each in comparisons
        if {each.left.message_id, each.right.message_id} <= answers.keys()
    ]
