"""Usage by user and day, and the audit log."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from chat.accounts.models import AccountUsage, AuditEntry
from store.conversations.rows import row_count
from store.schema.accounts import AuditRow, GuestLinkRow, KeyRow, UsageRow, UserRow
from store.schema.campaigns import CampaignRow


def spend(session: Session, user_id: str, day: date, used: AccountUsage) -> None:
    link_id = session.scalar(select(UserRow.guest_link_id).where(UserRow.id == user_id))
    if link_id is not None:
        session.execute(
            update(GuestLinkRow)
            .where(GuestLinkRow.id == link_id)
            .values(
                messages=GuestLinkRow.messages + used.messages,
                tokens=GuestLinkRow.tokens + used.tokens,
            )
        )
    locked_row = select(UserRow.id).where(UserRow.id == user_id).with_for_update()
    if session.scalar(locked_row) is None:
        return
    row = session.get(UsageRow, (user_id, day))
    if row is None:
        row = UsageRow(user_id=user_id, day=day, messages=0, tokens=0)
        session.add(row)
    row.messages += used.messages
    row.tokens += used.tokens


def used(session: Session, user_id: str, day: date | None = None) -> AccountUsage:
    statement = select(
        func.coalesce(func.sum(UsageRow.messages), 0),
        func.coalesce(func.sum(UsageRow.tokens), 0),
    ).where(UsageRow.user_id == user_id)
    if day is not None:
        statement = statement.where(UsageRow.day == day)
    messages, tokens = session.execute(statement).one()
    return AccountUsage(int(messages), int(tokens))


def audit_entries(
    session: Session, *, before: datetime | None = None, limit: int = 200
) -> Sequence[AuditEntry]:
    statement = select(AuditRow).order_by(AuditRow.at.desc(), AuditRow.sequence.desc())
    if before is not None:
        statement = statement.where(AuditRow.at < before)
    return [row.value() for row in session.scalars(statement.limit(row_count(limit)))]


def names_in_audit(session: Session, ids: Collection[str]) -> Mapping[str, str]:
    names: dict[str, str] = {}
    for key, name in (
        (UserRow.id, UserRow.name),
        (GuestLinkRow.id, GuestLinkRow.label),
        (KeyRow.id, KeyRow.name),
    ):
        names |= {row[0]: row[1] for row in session.execute(select(key, name).where(key.in_(ids)))}
    plans = select(CampaignRow.id, CampaignRow.plan).where(CampaignRow.id.in_(ids))
    return names | {row[0]: row[1].title for row in session.execute(plans)}
