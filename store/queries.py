"""What is read and written, each function inside a transaction that its caller holds.

Every query takes the user. Knows nothing of threads, connections or which database it is.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import Update, delete, select, update
from sqlalchemy.orm import Session

from chat.errors import AnswerRunning, BadRequest, NotFound
from chat.types import AnswerRecord, ChatOptions, Conversation, Message, Role, Status, Turn
from store.tables import ConversationRow, MessageRow

OPEN = [status for status in Status if status.is_open]
MOST_ROWS = 2**31 - 1


class Question(NamedTuple):
    """What `add_turn` is given, apart from the user and the time."""

    conversation_id: str | None
    text: str
    title: str
    options: ChatOptions
    request_id: str


def interrupt_unfinished(session: Session) -> int:
    changed = session.scalars(
        update(MessageRow)
        .where(MessageRow.status.in_(OPEN))
        .values(status=Status.INTERRUPTED)
        .returning(MessageRow.sequence)
    )
    return len(changed.all())


def add_turn(session: Session, user: str, question: Question, now: datetime) -> Turn:
    """Raises NotFound, AnswerRunning; IntegrityError if the same request came first meanwhile."""
    conversation = _conversation_for_update(session, user, question.conversation_id)
    if turn := _turn_of_request(session, user, question.request_id):
        return turn
    if question.conversation_id is None:
        conversation = _new_conversation(session, user, question.title, now)
    if conversation is None:
        raise NotFound
    _refuse_while_answering(session, conversation)
    conversation.options = question.options
    asked = _add_message(
        session,
        conversation,
        parent_id=conversation.head_id,
        now=now,
        role=Role.USER,
        content=question.text,
        status=Status.DONE,
        request_id=question.request_id,
    )
    answer = _add_pending_answer(session, conversation, asked.id, now)
    return Turn(conversation.value(), asked.value(), answer.value())


def add_answer(
    session: Session, user: str, conversation_id: str, sibling_id: str, now: datetime
) -> Message:
    """Raises NotFound, BadRequest, AnswerRunning."""
    conversation = _conversation_for_update(session, user, conversation_id)
    sibling = session.scalar(
        select(MessageRow).where(
            MessageRow.id == sibling_id,
            MessageRow.owner == user,
            MessageRow.conversation_id == conversation_id,
        )
    )
    if conversation is None or sibling is None:
        raise NotFound
    if sibling.role is not Role.ASSISTANT:
        raise BadRequest("Only an answer can be written again.")
    _refuse_while_answering(session, conversation)
    return _add_pending_answer(session, conversation, sibling.parent_id, now).value()


def save_text(session: Session, user: str, message_id: str, text: str) -> None:
    _update_open(session, user, message_id, content=text, status=Status.STREAMING)


def finish_answer(session: Session, user: str, message_id: str, record: AnswerRecord) -> None:
    _update_open(
        session,
        user,
        message_id,
        content=record.content,
        status=record.status,
        finish=record.finish,
        usage=record.usage,
        timing=record.timing,
        provenance=record.provenance,
        error_code=record.error_code,
    )


def set_options(session: Session, user: str, conversation_id: str, options: ChatOptions) -> None:
    _conversation(session, user, conversation_id).options = options


def conversation(session: Session, user: str, conversation_id: str) -> Conversation:
    return _conversation(session, user, conversation_id).value()


def conversations(session: Session, user: str, limit: int, offset: int) -> Sequence[Conversation]:
    rows = session.scalars(
        select(ConversationRow)
        .where(ConversationRow.owner == user)
        .order_by(ConversationRow.updated_at.desc(), ConversationRow.id)
        .limit(_rows(limit))
        .offset(_rows(offset))
    )
    return [row.value() for row in rows]


def path(session: Session, user: str, conversation_id: str) -> Sequence[Message]:
    head_id = _conversation(session, user, conversation_id).head_id
    line = (
        select(MessageRow.sequence, MessageRow.parent_id)
        .where(MessageRow.id == head_id)
        .cte("line", recursive=True)
    )
    line = line.union_all(
        select(MessageRow.sequence, MessageRow.parent_id).where(MessageRow.id == line.c.parent_id)
    )
    rows = session.scalars(
        select(MessageRow)
        .join(line, MessageRow.sequence == line.c.sequence)
        .order_by(MessageRow.sequence)
    )
    return [row.value() for row in rows]


def clear(session: Session, user: str, conversation_id: str) -> None:
    cleared = session.scalar(
        delete(ConversationRow)
        .where(ConversationRow.id == conversation_id, ConversationRow.owner == user)
        .returning(ConversationRow.id)
    )
    if cleared is None:
        raise NotFound


def _conversation(session: Session, user: str, conversation_id: str) -> ConversationRow:
    row = session.scalar(
        select(ConversationRow).where(
            ConversationRow.id == conversation_id, ConversationRow.owner == user
        )
    )
    if row is None:
        raise NotFound
    return row


def _new_conversation(session: Session, user: str, title: str, now: datetime) -> ConversationRow:
    row = ConversationRow(
        id=uuid4().hex,
        owner=user,
        title=title,
        options=ChatOptions(),
        head_id=None,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    return row


def _conversation_for_update(
    session: Session, user: str, conversation_id: str | None
) -> ConversationRow | None:
    """The conversation, held until the transaction ends: whoever adds to it waits here.

    SQLite has no row locks and needs none: there is only one writer.
    """
    return session.scalar(
        select(ConversationRow)
        .where(ConversationRow.id == conversation_id, ConversationRow.owner == user)
        .with_for_update()
    )


def _turn_of_request(session: Session, user: str, request_id: str) -> Turn | None:
    """What a request has made already: its question with the first answer to it."""
    question = session.scalar(
        select(MessageRow).where(MessageRow.owner == user, MessageRow.request_id == request_id)
    )
    if question is None:
        return None
    answer = session.scalars(
        select(MessageRow)
        .where(MessageRow.parent_id == question.id)
        .order_by(MessageRow.sequence)
        .limit(1)
    ).one()
    row = _conversation(session, user, question.conversation_id)
    return Turn(row.value(), question.value(), answer.value())


def _refuse_while_answering(session: Session, conversation: ConversationRow) -> None:
    status = session.scalar(select(MessageRow.status).where(MessageRow.id == conversation.head_id))
    if status is not None and status.is_open:
        raise AnswerRunning


def _add_pending_answer(
    session: Session, conversation: ConversationRow, parent_id: str | None, now: datetime
) -> MessageRow:
    return _add_message(
        session,
        conversation,
        parent_id=parent_id,
        now=now,
        role=Role.ASSISTANT,
        content="",
        status=Status.PENDING,
    )


def _add_message(
    session: Session,
    conversation: ConversationRow,
    *,
    parent_id: str | None,
    now: datetime,
    **columns: Any,
) -> MessageRow:
    """Add a message and make it the head."""
    row = MessageRow(
        id=uuid4().hex,
        conversation_id=conversation.id,
        owner=conversation.owner,
        parent_id=parent_id,
        created_at=now,
        **columns,
    )
    conversation.head_id = row.id
    conversation.updated_at = now
    session.add(row)
    session.flush()  # in this order: rows of one table refer to each other
    return row


def _update_open(session: Session, user: str, message_id: str, **columns: Any) -> None:
    """Change a message that is still being written; one that has ended stays as it is.

    Raises NotFound.
    """
    mine = (MessageRow.id == message_id, MessageRow.owner == user)
    change: Update = update(MessageRow).where(*mine, MessageRow.status.in_(OPEN)).values(**columns)
    if session.scalar(change.returning(MessageRow.sequence)) is None and (
        session.scalar(select(MessageRow.sequence).where(*mine)) is None
    ):
        raise NotFound


def _rows(number: int) -> int:
    return min(max(number, 0), MOST_ROWS)
