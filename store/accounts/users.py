"""Accounts: creation, look-up and changes."""

from collections.abc import Sequence

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from chat.accounts.errors import NameTaken
from chat.accounts.models import AccountRole, AuditEntry, User, name_key
from store.accounts.guest_links import revoke_links, take_place
from store.accounts.rows import refuse_last_admin, user_row, write_entry
from store.schema.accounts import (
    GuestLinkRow,
    KeyRow,
    OneTimeLinkRow,
    SessionRow,
    UserRow,
)


def has_people(session: Session) -> bool:
    return bool(session.scalar(select(exists(select(UserRow.id)))))


def add_person(session: Session, user: User, password_hash: str | None, entry: AuditEntry) -> None:
    """Raises NameTaken."""
    key = None if user.rank is AccountRole.GUEST else name_key(user.name)
    if key is not None and session.scalar(select(UserRow.id).where(UserRow.name_key == key)):
        raise NameTaken
    session.add(
        UserRow(
            id=user.id,
            name=user.name,
            name_key=key,
            rank=user.rank,
            created_at=user.created_at,
            disabled=user.disabled,
            guest_link_id=user.guest_link_id,
            password_hash=password_hash,
        )
    )
    write_entry(session, entry)


def user(session: Session, user_id: str) -> User:
    """Raises NotFound."""
    return user_row(session, user_id).value()


def people(session: Session) -> Sequence[User]:
    rows = session.scalars(select(UserRow).order_by(UserRow.created_at, UserRow.id))
    return [row.value() for row in rows]


def credentials(session: Session, name: str) -> tuple[User, str | None] | None:
    row = session.scalar(select(UserRow).where(UserRow.name_key == name_key(name)))
    return None if row is None else (row.value(), row.password_hash)


def set_password(
    session: Session,
    user_id: str,
    password_hash: str,
    entry: AuditEntry,
    *,
    keep: str | None = None,
) -> None:
    """Raises NotFound."""
    user_row(session, user_id, for_update=True).password_hash = password_hash
    session.execute(
        delete(SessionRow).where(
            SessionRow.user_id == user_id, SessionRow.id.is_distinct_from(keep)
        )
    )
    session.execute(delete(OneTimeLinkRow).where(OneTimeLinkRow.user_id == user_id))
    write_entry(session, entry)


def change_person(
    session: Session,
    user_id: str,
    entry: AuditEntry,
    *,
    rank: AccountRole | None = None,
    disabled: bool | None = None,
) -> User:
    """Raises NotFound, LastAdmin."""
    if disabled or rank not in (None, AccountRole.ADMIN):
        refuse_last_admin(session, user_id)
        session.execute(delete(OneTimeLinkRow).where(OneTimeLinkRow.made_by == user_id))
    if disabled:
        revoke_links(session, GuestLinkRow.owner_id == user_id)
        session.execute(update(KeyRow).where(KeyRow.owner_id == user_id).values(revoked=True))
        session.execute(delete(SessionRow).where(SessionRow.user_id == user_id))
    row = user_row(session, user_id, for_update=True)
    row.rank = row.rank if rank is None else rank
    row.disabled = row.disabled if disabled is None else disabled
    write_entry(session, entry)
    return row.value()


def admit_guest(session: Session, link_id: str, guest: User, entry: AuditEntry) -> None:
    """Count one more guest of the link and add the account. Raises NotFound, LinkFull."""
    take_place(session, link_id, guest.created_at)
    add_person(session, guest, None, entry)
