"""Guest links: creation, look-up, counting of guests, revocation."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from chat.accounts.errors import LinkFull
from chat.accounts.models import CAMPAIGN_GRACE, AuditEntry, GuestLimits, GuestLink
from chat.accounts.sessions import ABSOLUTE
from chat.errors import NotFound
from store.accounts.rows import add_audit_entry, guest_link_row, owned_by
from store.schema.accounts import GuestLinkRow, SessionRow, UserRow


def add_guest_link(
    session: Session, token_hash: str, link: GuestLink, audit_entry: AuditEntry
) -> None:
    columns = {item.name: getattr(link, item.name) for item in fields(link)}
    session.add(GuestLinkRow(token_hash=token_hash, **columns))
    add_audit_entry(session, audit_entry)


def guest_links(session: Session, owner_id: str | None) -> Sequence[GuestLink]:
    statement = select(GuestLinkRow).where(owned_by(GuestLinkRow.owner_id, owner_id))
    newest_first = statement.order_by(GuestLinkRow.created_at.desc(), GuestLinkRow.id)
    return [row.value() for row in session.scalars(newest_first)]


def guest_link(session: Session, link_id: str) -> GuestLink:
    """Raises NotFound."""
    return guest_link_row(session, link_id).value()


def guest_link_by_token(session: Session, token_hash: str) -> GuestLink:
    """Raises NotFound."""
    row = session.scalar(select(GuestLinkRow).where(GuestLinkRow.token_hash == token_hash))
    if row is None:
        raise NotFound
    return row.value()


def take_place(session: Session, link_id: str, at: datetime) -> None:
    """Count one more guest. Raises NotFound (revoked or expired at that time), LinkFull."""
    link = guest_link_row(session, link_id, for_update=True)
    if link.revoked or at >= link.expires_at:
        raise NotFound
    if link.guests >= link.max_guests:
        raise LinkFull(limit=link.max_guests)
    link.guests += 1


def extend_guest_link(
    session: Session, link_id: str, limits: GuestLimits, audit_entry: AuditEntry
) -> GuestLink:
    """Raises NotFound."""
    row = guest_link_row(session, link_id, for_update=True)
    if row.revoked:
        raise NotFound
    ended = row.value().sessions_end
    for name, value in asdict(limits).items():
        setattr(row, name, value)
    link = row.value()
    guests = select(UserRow.id).where(UserRow.guest_link_id == link_id)
    for one in session.scalars(
        select(SessionRow).where(SessionRow.user_id.in_(guests), SessionRow.expires_at == ended)
    ):
        one.expires_at = max(ended, min(one.created_at + ABSOLUTE, link.sessions_end))
    add_audit_entry(session, audit_entry)
    return link


def revoke_guest_link(session: Session, link_id: str, audit_entry: AuditEntry) -> None:
    """Raises NotFound."""
    link = guest_link_row(session, link_id, for_update=True)
    if link.campaign_id is None:
        revoke_links(session, GuestLinkRow.id == link_id)
    else:
        link.revoked = True
        _end_sessions_at(session, link_id, audit_entry.at + CAMPAIGN_GRACE)
    add_audit_entry(session, audit_entry)


def _end_sessions_at(session: Session, link_id: str, ends_at: datetime) -> None:
    guests = select(UserRow.id).where(UserRow.guest_link_id == link_id)
    session.execute(
        update(SessionRow)
        .where(SessionRow.user_id.in_(guests), SessionRow.expires_at > ends_at)
        .values(expires_at=ends_at)
    )


def revoke_links(session: Session, condition: ColumnElement[bool]) -> None:
    """Revoke these links and end the sessions of their guests."""
    session.execute(update(GuestLinkRow).where(condition).values(revoked=True))
    guests = (
        select(UserRow.id)
        .join(GuestLinkRow, GuestLinkRow.id == UserRow.guest_link_id)
        .where(condition)
    )
    session.execute(delete(SessionRow).where(SessionRow.user_id.in_(guests)))


def end_guests_of(session: Session, owner_id: str) -> None:
    """Disable the guests of all links of a user, before those links are deleted."""
    revoke_links(session, GuestLinkRow.owner_id == owner_id)
    links = select(GuestLinkRow.id).where(GuestLinkRow.owner_id == owner_id)
    session.execute(update(UserRow).where(UserRow.guest_link_id.in_(links)).values(disabled=True))
