"""One-time links: to create an account, or to reset a password."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from chat.accounts.models import (
    LOCAL_USER,
    AuditEntry,
    Invitation,
    OneTimeLink,
    OneTimeLinkKind,
    User,
)
from chat.errors import NotFound
from store.accounts.rows import add_audit_entry, user_row
from store.accounts.users import add_user, has_users, set_password
from store.schema.accounts import OneTimeLinkRow

ID_LENGTH = 32
"""Characters of a link's digest that name it in lists: half of them, and no way to its token."""


def add_one_time_link(
    session: Session, token_hash: str, one_time: OneTimeLink, audit_entry: AuditEntry
) -> None:
    """Also deletes expired links. Raises NotFound."""
    if one_time.kind is OneTimeLinkKind.SETUP:
        session.execute(delete(OneTimeLinkRow).where(OneTimeLinkRow.kind == OneTimeLinkKind.SETUP))
    if one_time.user_id is not None:
        user_row(session, one_time.user_id, for_update=True)
        session.execute(delete(OneTimeLinkRow).where(OneTimeLinkRow.user_id == one_time.user_id))
    session.execute(delete(OneTimeLinkRow).where(OneTimeLinkRow.expires_at <= audit_entry.at))
    session.add(
        OneTimeLinkRow(
            token_hash=token_hash,
            kind=one_time.kind,
            rank=one_time.role,
            made_by=one_time.created_by,
            expires_at=one_time.expires_at,
            user_id=one_time.user_id,
        )
    )
    add_audit_entry(session, audit_entry)


def one_time_link_of(session: Session, token_hash: str) -> OneTimeLink:
    """Raises NotFound."""
    row = session.scalar(select(OneTimeLinkRow).where(OneTimeLinkRow.token_hash == token_hash))
    if row is None:
        raise NotFound
    return _good(session, row.value())


def invitations(session: Session, at: datetime) -> Sequence[Invitation]:
    rows = session.scalars(
        select(OneTimeLinkRow)
        .where(OneTimeLinkRow.kind == OneTimeLinkKind.INVITE, OneTimeLinkRow.expires_at > at)
        .order_by(OneTimeLinkRow.expires_at.desc(), OneTimeLinkRow.token_hash)
    )
    return [
        Invitation(row.token_hash[:ID_LENGTH], row.rank, row.made_by, row.expires_at)
        for row in rows
    ]


def withdraw_invitation(session: Session, invitation_id: str, audit_entry: AuditEntry) -> None:
    """Raises NotFound."""
    gone = session.scalars(
        delete(OneTimeLinkRow)
        .where(
            OneTimeLinkRow.kind == OneTimeLinkKind.INVITE,
            func.substr(OneTimeLinkRow.token_hash, 1, ID_LENGTH) == invitation_id,
        )
        .returning(OneTimeLinkRow.token_hash)
    ).all()
    if not gone:
        raise NotFound
    add_audit_entry(session, audit_entry)


def use_one_time_link(
    session: Session,
    token_hash: str,
    user: User | None,
    password_hash: str,
    audit_entry: AuditEntry,
    take_over: Callable[[Session, str, str], None],
) -> User:
    """Raises NotFound, NameTaken.

    The first administrator gets what the local user has, by `take_over`, in the same transaction.
    """
    # Deleting it uses it up: a concurrent second call waits here and then finds no row.
    row = session.scalar(
        delete(OneTimeLinkRow)
        .where(OneTimeLinkRow.token_hash == token_hash)
        .returning(OneTimeLinkRow)
    )
    if row is None:
        raise NotFound
    one_time = _good(session, row.value())
    if user is None:
        assert one_time.user_id is not None
        set_password(session, one_time.user_id, password_hash, audit_entry)
        return user_row(session, one_time.user_id).value()
    if not has_users(session):
        take_over(session, LOCAL_USER, user.id)
    add_user(session, user, password_hash, audit_entry)
    return user


def _good(session: Session, one_time: OneTimeLink) -> OneTimeLink:
    """The link if it is still valid. Raises NotFound."""
    if one_time.kind is OneTimeLinkKind.SETUP and has_users(session):
        raise NotFound
    if one_time.user_id is not None and user_row(session, one_time.user_id).disabled:
        raise NotFound
    return one_time
