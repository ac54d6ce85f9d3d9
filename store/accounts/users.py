"""Accounts: creation, look-up and changes."""

from collections.abc import Sequence

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from chat.accounts.errors import NameTaken
from chat.accounts.models import Account, AccountRole, AuditEntry, User, name_key
from chat.errors import NotFound
from store.accounts.guest_links import revoke_links, take_place
from store.accounts.rows import add_audit_entry, refuse_last_admin, user_row
from store.schema.accounts import (
    GuestLinkRow,
    KeyRow,
    OneTimeLinkRow,
    SessionRow,
    UserRow,
)


def has_users(session: Session) -> bool:
    return bool(session.scalar(select(exists(select(UserRow.id)))))


def add_user(
    session: Session, user: User, password_hash: str | None, audit_entry: AuditEntry
) -> None:
    """Raises NameTaken."""
    key = None if user.role is AccountRole.GUEST else name_key(user.name)
    if key is not None and session.scalar(select(UserRow.id).where(UserRow.name_key == key)):
        raise NameTaken
    session.add(
        UserRow(
            id=user.id,
            name=user.name,
            name_key=key,
            rank=user.role,
            created_at=user.created_at,
            disabled=user.disabled,
            guest_link_id=user.guest_link_id,
            password_hash=password_hash,
        )
    )
    add_audit_entry(session, audit_entry)


def user(session: Session, user_id: str) -> User:
    """Raises NotFound."""
    return user_row(session, user_id).value()


def account(session: Session, user_id: str) -> Account:
    """Raises NotFound, also when the link of a guest is gone."""
    found = session.execute(
        select(UserRow, GuestLinkRow)
        .outerjoin(GuestLinkRow, GuestLinkRow.id == UserRow.guest_link_id)
        .where(UserRow.id == user_id)
    ).one_or_none()
    if found is None:
        raise NotFound
    user, link = found
    if user.guest_link_id is not None and link is None:
        raise NotFound
    return Account(user.value(), link.value() if link else None)


def users(session: Session) -> Sequence[User]:
    rows = session.scalars(select(UserRow).order_by(UserRow.created_at, UserRow.id))
    return [row.value() for row in rows]


def credentials(session: Session, name: str) -> tuple[User, str | None] | None:
    row = session.scalar(select(UserRow).where(UserRow.name_key == name_key(name)))
    return None if row is None else (row.value(), row.password_hash)


def set_password(
    session: Session,
    user_id: str,
    password_hash: str,
    audit_entry: AuditEntry,
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
    add_audit_entry(session, audit_entry)


def change_user(
    session: Session,
    user_id: str,
    audit_entry: AuditEntry,
    *,
    role: AccountRole | None = None,
    disabled: bool | None = None,
) -> User:
    """Raises NotFound, LastAdmin."""
    if disabled or role not in (None, AccountRole.ADMIN):
        refuse_last_admin(session, user_id)
        session.execute(delete(OneTimeLinkRow).where(OneTimeLinkRow.made_by == user_id))
    if disabled:
        revoke_links(session, GuestLinkRow.owner_id == user_id)
        session.execute(update(KeyRow).where(KeyRow.owner_id == user_id).values(revoked=True))
        session.execute(delete(SessionRow).where(SessionRow.user_id == user_id))
    row = user_row(session, user_id, for_update=True)
    row.rank = row.rank if role is None else role
    row.disabled = row.disabled if disabled is None else disabled
    add_audit_entry(session, audit_entry)
    return row.value()


def admit_guest(session: Session, link_id: str, guest: User, audit_entry: AuditEntry) -> None:
    """Count one more guest of the link and add the account. Raises NotFound, LinkFull."""
    take_place(session, link_id, guest.created_at)
    add_user(session, guest, None, audit_entry)
