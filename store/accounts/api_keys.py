"""API keys: look-up by digest, revocation, and usage by day."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from chat.accounts.access import may_host
from chat.accounts.models import AccountUsage, ApiKey, AuditEntry, User
from chat.errors import NotFound
from store.accounts.rows import add_audit_entry, count_of, owned_by, user_row
from store.schema.accounts import KeyRow, KeyUsageRow, UserRow


def add_key(session: Session, token_hash: str, key: ApiKey, audit_entry: AuditEntry) -> None:
    """Raises NotFound."""
    user = user_row(session, key.owner_id, for_update=True)
    if not may_host(user.value()):
        raise NotFound
    columns = {item.name: getattr(key, item.name) for item in fields(key)}
    columns["scopes"] = " ".join(sorted(key.scopes))
    session.add(KeyRow(token_hash=token_hash, **columns))
    add_audit_entry(session, audit_entry)


def key_by_token(session: Session, token_hash: str) -> tuple[ApiKey, User] | None:
    result = session.execute(
        select(KeyRow, UserRow)
        .join(UserRow, UserRow.id == KeyRow.owner_id)
        .where(KeyRow.token_hash == token_hash)
    ).one_or_none()
    if result is None:
        return None
    row, user = result
    return row.value(), user.value()


def keys(session: Session, owner_id: str | None) -> Sequence[ApiKey]:
    statement = select(KeyRow).where(owned_by(KeyRow.owner_id, owner_id))
    newest_first = statement.order_by(KeyRow.created_at.desc(), KeyRow.id)
    return [row.value() for row in session.scalars(newest_first)]


def touch_key(session: Session, key_id: str, used_at: datetime) -> None:
    session.execute(update(KeyRow).where(KeyRow.id == key_id).values(used_at=used_at))


def revoke_key(
    session: Session, key_id: str, audit_entry: AuditEntry, *, owner_id: str | None = None
) -> None:
    """Raises NotFound."""
    visible = owned_by(KeyRow.owner_id, owner_id)
    statement = update(KeyRow).where(KeyRow.id == key_id, visible).values(revoked=True)
    if not session.scalars(statement.returning(KeyRow.id)).all():
        raise NotFound
    add_audit_entry(session, audit_entry)


def spend_by_key(session: Session, key_id: str, day: date, used: AccountUsage) -> None:
    locked_row = select(KeyRow.id).where(KeyRow.id == key_id).with_for_update()
    if session.scalar(locked_row) is None:
        return
    row = session.get(KeyUsageRow, (key_id, day))
    if row is None:
        row = KeyUsageRow(key_id=key_id, day=day, messages=0, tokens=0)
        session.add(row)
    row.messages += used.messages
    row.tokens += used.tokens


def used_by_key(session: Session, key_id: str, day: date) -> AccountUsage:
    row = session.get(KeyUsageRow, (key_id, day))
    return AccountUsage(row.messages, row.tokens) if row else AccountUsage()


def delete_keys(session: Session, owner_id: str) -> int:
    """Delete a user's keys and their usage; return the row count."""
    key_ids = select(KeyRow.id).where(KeyRow.owner_id == owner_id)
    days = count_of(session, delete(KeyUsageRow).where(KeyUsageRow.key_id.in_(key_ids)))
    return days + count_of(session, delete(KeyRow).where(KeyRow.owner_id == owner_id))
