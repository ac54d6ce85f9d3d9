"""Sessions of signed-in browsers."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from chat.accounts import models as people
from chat.accounts.models import AuditEntry, User
from chat.errors import NotFound
from store.accounts.rows import guest_link_row, user_row, write_entry
from store.schema.accounts import SessionRow, UserRow


def add_session(session: Session, token_hash: str, new: people.Session, entry: AuditEntry) -> None:
    """Also deletes expired sessions. Raises NotFound."""
    link_id = user_row(session, new.user_id).guest_link_id
    if link_id is not None and guest_link_row(session, link_id, for_update=True).revoked:
        raise NotFound
    if user_row(session, new.user_id, for_update=True).disabled:
        raise NotFound
    session.execute(delete(SessionRow).where(SessionRow.expires_at <= new.created_at))
    session.add(
        SessionRow(
            id=new.id,
            token_hash=token_hash,
            user_id=new.user_id,
            created_at=new.created_at,
            used_at=new.used_at,
            expires_at=new.expires_at,
            device=new.device,
        )
    )
    write_entry(session, entry)


def session_of(session: Session, token_hash: str) -> tuple[people.Session, User] | None:
    result = session.execute(
        select(SessionRow, UserRow)
        .join(UserRow, UserRow.id == SessionRow.user_id)
        .where(SessionRow.token_hash == token_hash)
    ).one_or_none()
    if result is None:
        return None
    row, user = result
    return row.value(), user.value()


def touch_session(session: Session, session_id: str, used_at: datetime) -> None:
    session.execute(update(SessionRow).where(SessionRow.id == session_id).values(used_at=used_at))


def sessions(session: Session, user_id: str) -> Sequence[people.Session]:
    rows = session.scalars(
        select(SessionRow)
        .where(SessionRow.user_id == user_id)
        .order_by(SessionRow.created_at.desc(), SessionRow.id)
    )
    return [row.value() for row in rows]


def end_session(session: Session, user_id: str, session_id: str, entry: AuditEntry) -> None:
    """Raises NotFound."""
    ended = session.scalars(
        delete(SessionRow)
        .where(SessionRow.id == session_id, SessionRow.user_id == user_id)
        .returning(SessionRow.id)
    ).all()
    if not ended:
        raise NotFound
    write_entry(session, entry)


def end_sessions(
    session: Session, user_id: str, entry: AuditEntry, *, besides: str | None = None
) -> int:
    ended = session.scalars(
        delete(SessionRow)
        .where(SessionRow.user_id == user_id, SessionRow.id.is_distinct_from(besides))
        .returning(SessionRow.id)
    ).all()
    write_entry(session, entry)
    return len(ended)
