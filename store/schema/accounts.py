"""The tables of accounts, and how their rows become values of the domain."""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from chat.accounts.models import (
    AccountRole,
    ApiKey,
    AuditEntry,
    GuestLink,
    KeyScope,
    OneTimeLink,
    OneTimeLinkKind,
    Session,
    User,
)
from store.schema.base import NUMBER, Base, words_of_enum
from store.schema.columns import PlainText, UtcDateTime


class UserRow(Base):
    """An account. `name_key` is the name normalised for comparison; None for guests."""

    __tablename__ = "people"
    __table_args__ = (UniqueConstraint("name_key"), Index(None, "guest_link_id"))

    id: Mapped[str] = mapped_column(PlainText, primary_key=True)
    name: Mapped[str] = mapped_column(PlainText)
    name_key: Mapped[str | None] = mapped_column(PlainText)
    rank: Mapped[AccountRole] = mapped_column(words_of_enum(AccountRole))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled: Mapped[bool]
    guest_link_id: Mapped[str | None] = mapped_column(
        PlainText, ForeignKey("guest_links.id", ondelete="SET NULL")
    )
    password_hash: Mapped[str | None] = mapped_column(PlainText)

    def value(self) -> User:
        return User(
            id=self.id,
            name=self.name,
            role=self.rank,
            created_at=self.created_at,
            disabled=self.disabled,
            guest_link_id=self.guest_link_id,
        )


class SessionRow(Base):
    """A signed-in browser. Only the hash of its token is stored."""

    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index(None, "user_id"),
        Index(None, "expires_at"),
    )

    id: Mapped[str] = mapped_column(PlainText, primary_key=True)
    token_hash: Mapped[str] = mapped_column(PlainText)
    user_id: Mapped[str] = mapped_column(PlainText, ForeignKey("people.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    device: Mapped[str] = mapped_column(PlainText)

    def value(self) -> Session:
        return Session(
            id=self.id,
            user_id=self.user_id,
            created_at=self.created_at,
            used_at=self.used_at,
            expires_at=self.expires_at,
            device=self.device,
        )


class OneTimeLinkRow(Base):
    """A one-time link, deleted when used. `made_by` may be the app itself, which is no user."""

    __tablename__ = "passes"
    __table_args__ = (Index(None, "user_id"), Index(None, "made_by"))

    token_hash: Mapped[str] = mapped_column(PlainText, primary_key=True)
    kind: Mapped[OneTimeLinkKind] = mapped_column(words_of_enum(OneTimeLinkKind))
    rank: Mapped[AccountRole] = mapped_column(words_of_enum(AccountRole))
    made_by: Mapped[str] = mapped_column(PlainText)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    user_id: Mapped[str | None] = mapped_column(
        PlainText, ForeignKey("people.id", ondelete="CASCADE")
    )

    def value(self) -> OneTimeLink:
        return OneTimeLink(
            kind=self.kind,
            role=self.rank,
            created_by=self.made_by,
            expires_at=self.expires_at,
            user_id=self.user_id,
        )


class GuestLinkRow(Base):
    """A guest link. It counts the usage of its guests, because it outlives them.

    No foreign key to the owner: with shell access links are made without an account.
    """

    __tablename__ = "guest_links"
    __table_args__ = (UniqueConstraint("token_hash"), Index(None, "owner"))

    id: Mapped[str] = mapped_column(PlainText, primary_key=True)
    token_hash: Mapped[str] = mapped_column(PlainText)
    owner_id: Mapped[str] = mapped_column("owner", PlainText)
    label: Mapped[str] = mapped_column(PlainText)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    max_guests: Mapped[int]
    max_messages: Mapped[int]
    max_tokens: Mapped[int] = mapped_column(BigInteger)
    preset_id: Mapped[str | None] = mapped_column(PlainText)
    revoked: Mapped[bool]
    guests: Mapped[int]
    messages: Mapped[int] = mapped_column(BigInteger)
    tokens: Mapped[int] = mapped_column(BigInteger)
    campaign_id: Mapped[str | None] = mapped_column(PlainText)
    welcome: Mapped[str] = mapped_column(PlainText, server_default="")

    def value(self) -> GuestLink:
        return GuestLink(
            id=self.id,
            owner_id=self.owner_id,
            label=self.label,
            created_at=self.created_at,
            expires_at=self.expires_at,
            max_guests=self.max_guests,
            max_messages=self.max_messages,
            max_tokens=self.max_tokens,
            preset_id=self.preset_id,
            revoked=self.revoked,
            guests=self.guests,
            messages=self.messages,
            tokens=self.tokens,
            campaign_id=self.campaign_id,
            welcome=self.welcome,
        )


class UsageRow(Base):
    """The usage of one user on one day."""

    __tablename__ = "spending"

    user_id: Mapped[str] = mapped_column(
        PlainText, ForeignKey("people.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    messages: Mapped[int] = mapped_column(BigInteger)
    tokens: Mapped[int] = mapped_column(BigInteger)


class KeyRow(Base):
    """An API key. Only its hash and its first characters are stored."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("token_hash"), Index(None, "owner"))

    id: Mapped[str] = mapped_column(PlainText, primary_key=True)
    token_hash: Mapped[str] = mapped_column(PlainText)
    owner_id: Mapped[str] = mapped_column(
        "owner", PlainText, ForeignKey("people.id", ondelete="CASCADE")
    )
    name: Mapped[str] = mapped_column(PlainText)
    prefix: Mapped[str] = mapped_column(PlainText)
    scopes: Mapped[str] = mapped_column(PlainText)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked: Mapped[bool]
    requests_per_minute: Mapped[int | None]
    tokens_per_day: Mapped[int | None] = mapped_column(BigInteger)

    def value(self) -> ApiKey:
        return ApiKey(
            id=self.id,
            owner_id=self.owner_id,
            name=self.name,
            prefix=self.prefix,
            created_at=self.created_at,
            scopes=frozenset(map(KeyScope, self.scopes.split())),
            expires_at=self.expires_at,
            used_at=self.used_at,
            revoked=self.revoked,
            requests_per_minute=self.requests_per_minute,
            tokens_per_day=self.tokens_per_day,
        )


class KeyUsageRow(Base):
    """The usage of one API key on one day."""

    __tablename__ = "key_spending"

    key_id: Mapped[str] = mapped_column(
        PlainText, ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    messages: Mapped[int] = mapped_column(BigInteger)
    tokens: Mapped[int] = mapped_column(BigInteger)


class AuditRow(Base):
    """A line of the audit log. Triggers refuse to change or delete one."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "at"),)

    sequence: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    user_id: Mapped[str] = mapped_column("actor", PlainText)
    action: Mapped[str] = mapped_column(PlainText)
    target: Mapped[str] = mapped_column(PlainText)
    detail: Mapped[str] = mapped_column(PlainText)

    def value(self) -> AuditEntry:
        return AuditEntry(
            at=self.at,
            user_id=self.user_id,
            action=self.action,
            target=self.target,
            detail=self.detail,
        )
