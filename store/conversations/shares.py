"""Links to copies of conversations: created, listed, found by their token, destroyed."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session, defer

from chat.accounts.models import AuditEntry
from chat.conversations.share_models import SharedCopy, SharedLink
from chat.errors import NotFound
from store.conversations.rows import conversation_of
from store.queries import DatabaseStore, Destroy, Read, Write
from store.schema.accounts import AuditRow, UserRow
from store.schema.conversations import ConversationRow
from store.schema.shares import SharedLinkRow


def add_share(
    session: Session, token_hash: str, share: SharedLink, copy: SharedCopy, audit_entry: AuditEntry
) -> None:
    """Raises NotFound."""
    conversation_of(session, share.owner_id, share.conversation_id, for_update=True)
    columns = {item.name: getattr(share, item.name) for item in fields(share)}
    session.add(SharedLinkRow(token_hash=token_hash, content=copy, **columns))
    session.add(AuditRow(**asdict(audit_entry)))


def shares(session: Session, owner_id: str, at: datetime) -> Sequence[SharedLink]:
    rows = session.scalars(
        select(SharedLinkRow)
        .where(SharedLinkRow.owner_id == owner_id, SharedLinkRow.expires_at > at)
        .order_by(SharedLinkRow.created_at.desc(), SharedLinkRow.id)
        .options(defer(SharedLinkRow.content))
    )
    return [row.value() for row in rows]


def shared_copy(session: Session, token_hash: str, at: datetime) -> tuple[SharedLink, SharedCopy]:
    """Raises NotFound."""
    row = session.scalar(
        select(SharedLinkRow)
        .join(ConversationRow, ConversationRow.id == SharedLinkRow.conversation_id)
        .outerjoin(UserRow, UserRow.id == SharedLinkRow.owner_id)  # the local user has no row
        .where(
            SharedLinkRow.token_hash == token_hash,
            SharedLinkRow.expires_at > at,
            ConversationRow.deleted_at.is_(None),
            or_(UserRow.id.is_(None), UserRow.disabled.is_(False)),
        )
    )
    if row is None:
        raise NotFound
    return row.value(), row.content


def revoke_share(session: Session, owner_id: str, share_id: str, audit_entry: AuditEntry) -> None:
    """Raises NotFound."""
    own = (SharedLinkRow.id == share_id, SharedLinkRow.owner_id == owner_id)
    if not _destroy(session, *own):
        raise NotFound
    session.add(AuditRow(**asdict(audit_entry)))


def purge_shares(session: Session, before: datetime) -> int:
    return _destroy(session, SharedLinkRow.expires_at <= before)


def _destroy(session: Session, *due: ColumnElement[bool]) -> int:
    deleted = session.scalars(delete(SharedLinkRow).where(*due).returning(SharedLinkRow.id))
    return len(deleted.all())


class DatabaseShares(DatabaseStore):
    """`chat.conversations.ports.ShareStore` over SQLAlchemy."""

    add_share = Write(add_share)
    shares = Read(shares)
    shared_copy = Read(shared_copy)
    revoke_share = Destroy(revoke_share)
    purge_shares = Destroy(purge_shares)
