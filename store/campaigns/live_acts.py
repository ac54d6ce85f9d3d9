"""What a host changes in a running campaign, each with its audit entry."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from chat.accounts.models import CAMPAIGN_GRACE, AuditEntry, GuestLink
from chat.campaigns.live_models import LinkLimits
from chat.errors import NotFound
from store.accounts.rows import add_audit_entry, guest_link_row
from store.campaigns.campaigns import row_of
from store.schema.accounts import GuestLinkRow, SessionRow, UserRow


def pause(
    session: Session, campaign_id: str, paused_at: datetime | None, audit_entry: AuditEntry
) -> None:
    """Raises NotFound."""
    row = row_of(session, campaign_id, for_update=True)
    if (row.paused_at is None) != (paused_at is None):
        row.paused_at = paused_at
        add_audit_entry(session, audit_entry)


def tell(session: Session, campaign_id: str, notice: str, audit_entry: AuditEntry) -> None:
    """Raises NotFound."""
    row = row_of(session, campaign_id, for_update=True)
    if row.notice != notice:
        row.notice = notice
        add_audit_entry(session, audit_entry)


def extend(
    session: Session,
    campaign_id: str,
    ends_at: datetime | None,
    until: datetime,
    audit_entry: AuditEntry,
) -> None:
    """Raises NotFound."""
    row = row_of(session, campaign_id, for_update=True)
    if row.plan.ends_at != ends_at:
        row.plan = replace(row.plan, ends_at=ends_at)
        row.plan_version += 1
    links = (GuestLinkRow.campaign_id == campaign_id, GuestLinkRow.revoked.is_(False))
    session.execute(
        update(GuestLinkRow).where(*links, GuestLinkRow.expires_at < until).values(expires_at=until)
    )
    guests = (
        select(UserRow.id)
        .join(GuestLinkRow, GuestLinkRow.id == UserRow.guest_link_id)
        .where(*links)
    )
    stay = until + CAMPAIGN_GRACE
    session.execute(
        update(SessionRow)
        .where(SessionRow.user_id.in_(guests), SessionRow.expires_at < stay)
        .values(expires_at=stay)
    )
    add_audit_entry(session, audit_entry)


def raise_link(
    session: Session,
    campaign_id: str,
    link_id: str,
    change: Callable[[GuestLink], LinkLimits],
    audit_entry: AuditEntry,
) -> None:
    """Raises NotFound."""
    link = guest_link_row(session, link_id, for_update=True)
    if link.campaign_id != campaign_id:
        raise NotFound
    limits = change(link.value())
    link.max_guests, link.max_messages = limits.guests, limits.messages
    detail = f"guests {limits.guests}, messages {limits.messages}"
    add_audit_entry(session, replace(audit_entry, detail=detail))
