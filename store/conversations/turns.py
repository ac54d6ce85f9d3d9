"""Adding questions and answers, and saving answers while they are generated."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from chat.conversations.errors import AnswerRunning
from chat.conversations.models import AnswerRecord, Message, Origin, Question, Turn
from chat.errors import BadRequest, NotFound
from chat.languages import language_of
from chat.models import ChatOptions, Role, Status
from store.conversations.rows import OPEN, conversation_of, index_for, living_message
from store.schema.conversations import ConversationRow, MessageRow, measured


def interrupt_unfinished(session: Session) -> int:
    changed = session.execute(
        update(MessageRow)
        .where(MessageRow.status.in_(OPEN))
        .values(status=Status.INTERRUPTED)
        .returning(MessageRow.sequence, MessageRow.content)
    ).all()
    languages = [
        {"sequence": row.sequence, "language": language_of(row.content) or None} for row in changed
    ]
    if languages:
        session.execute(update(MessageRow), languages)
    index_for(session).add(session, {row.sequence: row.content for row in changed})
    return len(changed)


def add_turn(
    session: Session,
    now: datetime,
    user_id: str,
    *,
    conversation_id: str | None,
    question: Question,
    options: ChatOptions,
) -> Turn:
    """Raises NotFound, BadRequest, AnswerRunning.

    IntegrityError if the same request came first meanwhile.
    """
    conversation = None
    if conversation_id is not None:
        conversation = conversation_of(session, user_id, conversation_id, for_update=True)
    if turn := _turn_of_request(session, user_id, question.request_id):
        return turn
    if conversation is None:
        conversation = _new_conversation(session, user_id, question, now)
    _refuse_while_answering(session, conversation)
    conversation.options = options
    question_row = _add_message(
        session,
        conversation,
        parent_id=_place_of(session, conversation, question),
        now=now,
        role=Role.USER,
        content=question.text,
        status=Status.DONE,
        request_id=question.request_id,
        attachments=question.attachments,
    )
    index_for(session).add(session, {question_row.sequence: question_row.content})
    answer = _add_answer(session, conversation, question_row.id, now)
    return Turn(conversation.value(), question_row.value(), answer.value())


def add_answer(
    session: Session,
    now: datetime,
    user_id: str,
    *,
    conversation_id: str,
    sibling_id: str,
    content: str = "",
) -> Message:
    """Raises NotFound, BadRequest, AnswerRunning."""
    conversation, sibling = _answered(session, user_id, conversation_id, sibling_id)
    return _add_answer(session, conversation, sibling.parent_id, now, content=content).value()


def add_edited_answer(
    session: Session,
    now: datetime,
    user_id: str,
    *,
    conversation_id: str,
    sibling_id: str,
    content: str,
) -> Message:
    """Raises NotFound, BadRequest, AnswerRunning."""
    conversation, sibling = _answered(session, user_id, conversation_id, sibling_id)
    answer = _add_answer(
        session,
        conversation,
        sibling.parent_id,
        now,
        content=content,
        status=Status.DONE,
        origin=Origin.EDITED,
        **measured(content, None, None, None),
    )
    index_for(session).add(session, {answer.sequence: content})
    return answer.value()


def save_text(session: Session, user_id: str, message_id: str, text: str) -> None:
    """Raises NotFound."""
    _change_open(session, user_id, message_id, content=text, status=Status.STREAMING)


def finish_answer(session: Session, user_id: str, message_id: str, record: AnswerRecord) -> None:
    """Raises NotFound."""
    ended = _change_open(
        session,
        user_id,
        message_id,
        content=record.content,
        status=record.status,
        finish=record.finish,
        error_code=record.error_code,
        **measured(record.content, record.usage, record.timing, record.provenance),
    )
    if ended is not None:
        index_for(session).add(session, {ended: record.content})


def _turn_of_request(session: Session, user_id: str, request_id: str) -> Turn | None:
    """The turn that this request id already created: its question and first answer."""
    question = session.scalar(
        select(MessageRow).where(
            MessageRow.owner_id == user_id, MessageRow.request_id == request_id
        )
    )
    if question is None:
        return None
    conversation = conversation_of(session, user_id, question.conversation_id)
    if question.deleted_at is not None:
        raise NotFound
    answer = session.scalars(
        select(MessageRow)
        .where(MessageRow.parent_id == question.id)
        .order_by(MessageRow.deleted_at.is_not(None), MessageRow.sequence)
        .limit(1)
    ).one()
    return Turn(conversation.value(), question.value(), answer.value())


def _new_conversation(
    session: Session, user_id: str, question: Question, now: datetime
) -> ConversationRow:
    row = ConversationRow(
        id=uuid4().hex,
        owner_id=user_id,
        title=question.title,
        options=ChatOptions(),
        head_id=None,
        created_at=now,
        updated_at=now,
        pinned=False,
        campaign_id=question.campaign_id or None,
    )
    session.add(row)
    return row


def _place_of(session: Session, conversation: ConversationRow, question: Question) -> str | None:
    """The id of the parent message of a question."""
    if question.beside is None:
        return conversation.head_id
    sibling = living_message(session, conversation, question.beside)
    if sibling.role is not Role.USER:
        raise BadRequest("Only a question can be asked in other words.")
    return sibling.parent_id


def _answered(
    session: Session, user_id: str, conversation_id: str, sibling_id: str
) -> tuple[ConversationRow, MessageRow]:
    """The conversation and the answer to which a sibling may be added."""
    conversation = conversation_of(session, user_id, conversation_id, for_update=True)
    sibling = living_message(session, conversation, sibling_id)
    if sibling.role is not Role.ASSISTANT:
        raise BadRequest("Only an answer can be written again.")
    _refuse_while_answering(session, conversation)
    return conversation, sibling


def _refuse_while_answering(session: Session, conversation: ConversationRow) -> None:
    status = session.scalar(select(MessageRow.status).where(MessageRow.id == conversation.head_id))
    if status is not None and status.is_open:
        raise AnswerRunning


def _add_answer(
    session: Session,
    conversation: ConversationRow,
    parent_id: str | None,
    now: datetime,
    **columns: Any,
) -> MessageRow:
    """Add an answer and make it the head."""
    pending = {"role": Role.ASSISTANT, "content": "", "status": Status.PENDING}
    row = _add_message(session, conversation, parent_id=parent_id, now=now, **pending | columns)
    conversation.head_id = row.id
    conversation.updated_at = now
    conversation.archived = False
    return row


def _add_message(
    session: Session,
    conversation: ConversationRow,
    *,
    parent_id: str | None,
    now: datetime,
    **columns: Any,
) -> MessageRow:
    row = MessageRow(
        id=uuid4().hex,
        conversation_id=conversation.id,
        owner_id=conversation.owner_id,
        parent_id=parent_id,
        created_at=now,
        **columns,
    )
    session.add(row)
    session.flush()  # in this order: rows of one table refer to each other
    return row


def _change_open(session: Session, user_id: str, message_id: str, **columns: Any) -> int | None:
    """Update a message that is being generated; a finished one is left unchanged.

    Its sequence, or None if it has ended. Raises NotFound.
    """
    owned = (MessageRow.id == message_id, MessageRow.owner_id == user_id)
    change = update(MessageRow).where(*owned, MessageRow.status.in_(OPEN)).values(**columns)
    changed = session.scalar(change.returning(MessageRow.sequence))
    if changed is None and session.scalar(select(MessageRow.sequence).where(*owned)) is None:
        raise NotFound
    return changed
