"""One-time links: to create an account, or to reset a password."""

from collections.abc import Callable

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from chat.accounts.models import LOCAL_USER, AuditEntry, OneTimeLink, OneTimeLinkKind, User
from chat.errors import NotFound
from store.accounts.rows import user_row, write_entry
from store.accounts.users import add_person, has_people, set_password
from store.schema.accounts import OneTimeLinkRow


def add_pass(session: Session, token_hash: str, one_time: OneTimeLink, entry: AuditEntry) -> None:
    """Also deletes expired links. Raises NotFound."""
    if one_time.kind is OneTimeLinkKind.SETUP:
        session.execute(delete(OneTimeLinkRow).where(OneTimeLinkRow.kind == OneTimeLinkKind.SETUP))
    if one_time.user_id is not None:
        user_row(session, one_time.user_id, for_update=True)
        session.execute(delete(OneTimeLinkRow).where(OneTimeLinkRow.user_id == one_time.user_id))
    session.execute(delete(OneTimeLinkRow).where(OneTimeLinkRow.expires_at <= entry.at))
    session.add(
        OneTimeLinkRow(
            token_hash=token_hash,
            kind=one_time.kind,
            rank=one_time.rank,
            made_by=one_time.made_by,
            expires_at=one_time.expires_at,
            user_id=one_time.user_id,
        )
    )
    write_entry(session, entry)


def pass_of(session: Session, token_hash: str) -> OneTimeLink:
    """Raises NotFound."""
    row = session.scalar(select(OneTimeLinkRow).where(OneTimeLinkRow.token_hash == token_hash))
    if row is None:
        raise NotFound
    return _good(session, row.value())


def use_pass(
    session: Session,
    token_hash: str,
    user: User | None,
    password_hash: str,
    entry: AuditEntry,
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
        set_password(session, one_time.user_id, password_hash, entry)
        return user_row(session, one_time.user_id).value()
    if not has_people(session):
        take_over(session, LOCAL_USER, user.id)
    add_person(session, user, password_hash, entry)
    return user


def _good(session: Session, one_time: OneTimeLink) -> OneTimeLink:
    """The link if it is still valid. Raises NotFound."""
    if one_time.kind is OneTimeLinkKind.SETUP and has_people(session):
        raise NotFound
    if one_time.user_id is not None and user_row(session, one_time.user_id).disabled:
        raise NotFound
    return one_time
