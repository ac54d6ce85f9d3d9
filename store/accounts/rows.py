"""Helpers of the account queries: rows by id and owner, row locks, and audit entries.

Rows are locked in one order: administrators, guest links, users. SQLite has no row locks and needs
none, because there is only one writer.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, CursorResult, Delete, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from chat.accounts.errors import LastAdmin
from chat.accounts.models import AccountRole, AuditEntry
from chat.errors import NotFound
from store.schema.accounts import AuditRow, GuestLinkRow, UserRow

REFRESH = {"populate_existing": True}
"""Execution options: overwrite rows already in the session, so that a locked row is current."""


def owned_by(column: InstrumentedAttribute[str], owner_id: str | None) -> ColumnElement[bool]:
    """Condition: the row belongs to that user. None is everybody, as in `visible_owner`."""
    return true() if owner_id is None else column == owner_id


def user_row(session: Session, user_id: str, *, for_update: bool = False) -> UserRow:
    """Raises NotFound."""
    statement = select(UserRow).where(UserRow.id == user_id)
    if for_update:
        statement = statement.with_for_update().execution_options(**REFRESH)
    row = session.scalar(statement)
    if row is None:
        raise NotFound
    return row


def guest_link_row(
    session: Session, link_id: str | None, *, for_update: bool = False
) -> GuestLinkRow:
    """Raises NotFound."""
    statement = select(GuestLinkRow).where(GuestLinkRow.id == link_id)
    if for_update:
        statement = statement.with_for_update().execution_options(**REFRESH)
    row = session.scalar(statement)
    if row is None:
        raise NotFound
    return row


def lock_admins(session: Session) -> Sequence[str]:
    """Ids of enabled administrators, locked so that two cannot remove each other at once."""
    rows = session.scalars(
        select(UserRow)
        .where(UserRow.rank == AccountRole.ADMIN, UserRow.disabled.is_(False))
        .order_by(UserRow.id)
        .with_for_update()
        .execution_options(**REFRESH)
    )
    return [row.id for row in rows]


def refuse_last_admin(session: Session, user_id: str) -> None:
    """Raises LastAdmin."""
    if lock_admins(session) == [user_id]:
        raise LastAdmin


def count_of(session: Session, statement: Delete) -> int:
    """Execute a deletion and return its row count."""
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount


def add_audit_entry(session: Session, audit_entry: AuditEntry) -> None:
    session.add(
        AuditRow(
            at=audit_entry.at,
            user_id=audit_entry.user_id,
            action=audit_entry.action,
            target=audit_entry.target,
            detail=audit_entry.detail,
        )
    )
