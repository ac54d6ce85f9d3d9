"""Duels and the votes on them, in the database."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from chat.campaigns.comparison_models import NewComparison, StoredComparison
from chat.campaigns.errors import AnswersUnfinished
from chat.campaigns.models import Comparison, Side, VoteChoice
from chat.conversations.models import Turn
from chat.conversations.turns import PreparedTurn
from chat.errors import NotFound
from chat.models import Status
from store.accounts.rows import ANEW
from store.conversations.turns import add_turn
from store.schema.campaigns import ComparisonRow, ParticipantRow
from store.schema.conversations import MessageRow
from store.transactions import Transactions


class DatabaseComparisons:
    """`chat.campaigns.ports.ComparisonStore` over SQLAlchemy. Raises BadText, StoreFailed."""

    def __init__(self, database: Transactions) -> None:
        self._database = database

    async def ask(self, new: NewComparison, asked: Sequence[PreparedTurn]) -> Sequence[Turn]:
        return await self._database.write(ask, new, asked)

    async def of_request(self, user_id: str, request_id: str) -> Comparison | None:
        return await self._database.read(of_request, user_id, request_id)

    async def comparison(self, user_id: str, comparison_id: str) -> StoredComparison:
        return await self._database.read(comparison, user_id, comparison_id)

    async def comparisons(
        self, user_id: str, campaign_id: str, limit: int
    ) -> Sequence[StoredComparison]:
        return await self._database.read(comparisons, user_id, campaign_id, limit)

    async def vote(
        self, user_id: str, comparison_id: str, choice: VoteChoice, comment: str, at: datetime
    ) -> Comparison:
        return await self._database.write(vote, user_id, comparison_id, choice, comment, at)

    async def comment(self, user_id: str, comparison_id: str, comment: str) -> Comparison:
        return await self._database.write(set_comment, user_id, comparison_id, comment)


def ask(session: Session, new: NewComparison, asked: Sequence[PreparedTurn]) -> Sequence[Turn]:
    """Raises NotFound, AnswerRunning, BadRequest."""
    # Held: who is taking everything back leaves nothing behind.
    part = (new.campaign_id, new.user_id)
    if session.get(ParticipantRow, part, with_for_update=True) is None:
        raise NotFound
    turns = [
        add_turn(session, new.user_id, one.conversation_id, one.question, one.options, new.asked_at)
        for one in asked
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
            )
        )
    return turns


def of_request(session: Session, user_id: str, request_id: str) -> Comparison | None:
    row = session.scalar(
        select(ComparisonRow).where(
            ComparisonRow.user_id == user_id, ComparisonRow.request_id == request_id
        )
    )
    return row.value() if row else None


def comparison(session: Session, user_id: str, comparison_id: str) -> StoredComparison:
    """Raises NotFound."""
    return _whole(session, _row_of(session, user_id, comparison_id))


def comparisons(
    session: Session, user_id: str, campaign_id: str, limit: int
) -> Sequence[StoredComparison]:
    newest = session.scalars(
        select(ComparisonRow)
        .where(ComparisonRow.user_id == user_id, ComparisonRow.campaign_id == campaign_id)
        .order_by(ComparisonRow.asked_at.desc(), ComparisonRow.id)
        .limit(limit)
    ).all()
    return _written(session, reversed(newest))


def vote(
    session: Session,
    user_id: str,
    comparison_id: str,
    choice: VoteChoice,
    comment: str,
    at: datetime,
) -> Comparison:
    """Raises NotFound, AnswersUnfinished."""
    row = _row_of(session, user_id, comparison_id, for_update=True)
    if row.choice is None:
        written = _whole(session, row)
        if {written.left.status, written.right.status} != {Status.DONE}:
            raise AnswersUnfinished
        row.choice, row.voted_at = choice, at
        row.comment = comment or row.comment
    return row.value()


def set_comment(session: Session, user_id: str, comparison_id: str, comment: str) -> Comparison:
    """Raises NotFound."""
    row = _row_of(session, user_id, comparison_id, for_update=True)
    row.comment = comment
    return row.value()


def _row_of(
    session: Session, user_id: str, comparison_id: str, *, for_update: bool = False
) -> ComparisonRow:
    wanted = select(ComparisonRow).where(
        ComparisonRow.id == comparison_id, ComparisonRow.user_id == user_id
    )
    if for_update:
        wanted = wanted.with_for_update().execution_options(**ANEW)
    row = session.scalar(wanted)
    if row is None:
        raise NotFound
    return row


def _whole(session: Session, row: ComparisonRow) -> StoredComparison:
    """Raises NotFound when one of its answers is gone."""
    found = _written(session, [row])
    if not found:
        raise NotFound
    return found[0]


def _written(session: Session, rows: Iterable[ComparisonRow]) -> Sequence[StoredComparison]:
    """With their answers; without the comparisons whose answers are gone."""
    found = [row.value() for row in rows]
    ids = [side.message_id for one in found for side in (one.left, one.right)]
    answers = {
        row.id: row.value()
        for row in session.scalars(select(MessageRow).where(MessageRow.id.in_(ids)))
    }
    return [
        StoredComparison(one, answers[one.left.message_id], answers[one.right.message_id])
        for one in found
        if {one.left.message_id, one.right.message_id} <= answers.keys()
    ]
