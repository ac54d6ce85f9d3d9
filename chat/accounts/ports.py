"""Ports of accounts: a password hasher, and one small protocol for each kind of stored row."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from chat.accounts.models import (
    AccountRole,
    AccountUsage,
    ApiKey,
    AuditEntry,
    GuestLink,
    OneTimeLink,
    Session,
    User,
)


class PasswordHasher(Protocol):
    """Slow on purpose; never runs on the event loop."""

    async def hash(self, password: str) -> str: ...

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password. None takes the same time and is False."""
        ...


class UserReader(Protocol):
    """Reads accounts by id and as a list."""

    async def user(self, user_id: str) -> User:
        """Raises NotFound."""
        ...

    async def users(self) -> Sequence[User]:
        """All, oldest first."""
        ...


class UserStore(UserReader, Protocol):
    """Creates, changes and deletes accounts. Every change is stored with its audit entry."""

    async def has_users(self) -> bool: ...

    async def add_user(
        self, user: User, password_hash: str | None, audit_entry: AuditEntry
    ) -> None:
        """Raises NameTaken, comparing names without case; guests' nicknames are no names."""
        ...

    async def credentials(self, name: str) -> tuple[User, str | None] | None:
        """The person of that name, without case, and the hash of the password; None if none."""
        ...

    async def set_password(
        self, user_id: str, password_hash: str, audit_entry: AuditEntry, *, keep: str | None = None
    ) -> None:
        """Also ends every session but `keep`, and every RESET pass. Raises NotFound."""
        ...

    async def change_user(
        self,
        user_id: str,
        audit_entry: AuditEntry,
        *,
        role: AccountRole | None = None,
        disabled: bool | None = None,
    ) -> User:
        """Disabling also ends every session and revokes guest links and keys of that person.

        Who is disabled or no administrator any more has made no pass that still lets in. Raises
        NotFound, LastAdmin.
        """
        ...

    async def delete_user(self, user_id: str, audit_entry: AuditEntry) -> int:
        """Destroy the account with all its rows.

        These are chats, presets, sessions, links, keys, spending, ratings, votes, cases, and
        campaigns with what others left in them. Guests of those links are disabled. How many rows
        went; it becomes the entry's detail. Raises NotFound, LastAdmin.
        """
        ...


class SessionStore(Protocol):
    """Stores sessions by the digest of their token."""

    async def add_session(self, token_hash: str, session: Session, audit_entry: AuditEntry) -> None:
        """Also sweeps out what has expired.

        Raises NotFound for who is not there, disabled, or came by a link that is revoked.
        """
        ...

    async def session(self, token_hash: str) -> tuple[Session, User] | None:
        """None when unknown; expiry and disabling are the caller's to judge."""
        ...

    async def touch_session(self, session_id: str, used_at: datetime) -> None:
        """One that has ended meanwhile stays ended."""
        ...

    async def sessions(self, user_id: str) -> Sequence[Session]:
        """Newest first."""
        ...

    async def end_session(self, user_id: str, session_id: str, audit_entry: AuditEntry) -> None:
        """Raises NotFound."""
        ...

    async def end_sessions(
        self, user_id: str, audit_entry: AuditEntry, *, besides: str | None = None
    ) -> int:
        """How many ended."""
        ...


class OneTimeLinkStore(Protocol):
    """Stores links for set-up, invitation and password reset, each of which works once."""

    async def add_one_time_link(
        self, token_hash: str, one_time: OneTimeLink, audit_entry: AuditEntry
    ) -> None:
        """A new SETUP pass replaces the old one, a RESET pass the old one of that person."""
        ...

    async def one_time_link(self, token_hash: str) -> OneTimeLink:
        """Look without using it up. Raises NotFound."""
        ...

    async def use_one_time_link(
        self, token_hash: str, user: User | None, password_hash: str, audit_entry: AuditEntry
    ) -> User:
        """Use a link up, once: make `person`, or give the pass's person the password.

        The first person takes over what the local user has. A SETUP pass is good while there are
        no people. A RESET pass ends every session, and is no good for who is disabled.

        Raises NotFound (unknown, used up or no good), NameTaken (then it is not used up).
        """
        ...


class GuestLinkReader(Protocol):
    """Reads guest links by id."""

    async def guest_link(self, link_id: str) -> GuestLink:
        """Raises NotFound."""
        ...


class GuestLinkStore(GuestLinkReader, Protocol):
    """Stores guest links and the guests that came by them."""

    async def add_guest_link(
        self, token_hash: str, link: GuestLink, audit_entry: AuditEntry
    ) -> None: ...

    async def guest_links(self, owner_id: str | None) -> Sequence[GuestLink]:
        """Those of one person, or of all, newest first, with what was used."""
        ...

    async def guest_link_of(self, token_hash: str) -> GuestLink:
        """Raises NotFound."""
        ...

    async def admit_guest(self, link_id: str, guest: User, audit_entry: AuditEntry) -> None:
        """Make a guest, in one step with counting it.

        Raises NotFound (unknown, revoked, or expired when the guest is made), LinkFull.
        """
        ...

    async def revoke_guest_link(self, link_id: str, audit_entry: AuditEntry) -> None:
        """Also ends its guests' sessions: those of a campaign's CAMPAIGN_GRACE after the entry.

        Raises NotFound.
        """
        ...


class UsageStore(Protocol):
    """Adds up requests and tokens by user and day."""

    async def spend(self, user_id: str, day: date, usage: AccountUsage) -> None:
        """Add to what a person used on that day, and to the use of the link a guest came by.

        Nothing is kept of who is not there (any more).
        """
        ...

    async def used(self, user_id: str, day: date | None = None) -> AccountUsage:
        """On that day, or ever."""
        ...


class KeyUsageStore(Protocol):
    """Adds up requests and tokens by API key and day."""

    async def spend_by_key(self, key_id: str, day: date, usage: AccountUsage) -> None:
        """Add to what was used by a key on that day. Nothing is kept of one that is gone."""
        ...

    async def used_by_key(self, key_id: str, day: date) -> AccountUsage: ...


class ApiKeyReader(Protocol):
    """Lists API keys."""

    async def keys(self, owner_id: str | None) -> Sequence[ApiKey]:
        """Those of one person, or of all, newest first, revoked ones with them."""
        ...


class ApiKeyStore(ApiKeyReader, Protocol):
    """Stores API keys by the digest of their secret."""

    async def add_key(self, token_hash: str, key: ApiKey, audit_entry: AuditEntry) -> None:
        """Raises NotFound for who is not there, disabled or a guest."""
        ...

    async def key(self, token_hash: str) -> tuple[ApiKey, User] | None:
        """None when unknown; expiry, revocation and disabling are the caller's to judge."""
        ...

    async def touch_key(self, key_id: str, used_at: datetime) -> None: ...

    async def revoke_key(
        self, key_id: str, audit_entry: AuditEntry, *, owner_id: str | None = None
    ) -> None:
        """For good. Raises NotFound, also when it is not the owner's."""
        ...


class AuditLog(Protocol):
    """Appends to the audit log and reads it."""

    async def add_audit_entry(self, audit_entry: AuditEntry) -> None: ...

    async def audit_entries(
        self, *, before: datetime | None = None, limit: int = 200
    ) -> Sequence[AuditEntry]:
        """The audit log, newest first."""
        ...


class Retention(Protocol):
    """Destroys what is older than the retention time."""

    async def delete_older(self, before: datetime) -> int:
        """Destroy conversations not touched since, and what was rated, voted and said before.

        How many conversations, rated answers, votes and participations.
        """
        ...


class AccountStore(
    UserStore,
    SessionStore,
    OneTimeLinkStore,
    GuestLinkStore,
    UsageStore,
    KeyUsageStore,
    ApiKeyStore,
    AuditLog,
    Retention,
    Protocol,
):
    """All ports of accounts together, as one database gives them.

    `token_hash` is the digest of a secret; the secret itself is never stored.
    """


class ServiceStore(
    UserStore, SessionStore, OneTimeLinkStore, GuestLinkStore, ApiKeyStore, AuditLog, Protocol
):
    """What the account service needs: all but usage and retention."""


class MaintenanceStore(UserReader, GuestLinkReader, ApiKeyReader, AuditLog, Retention, Protocol):
    """What maintenance needs: who may still use the server, and the deletion of old rows."""


class QuotaStore(UserReader, GuestLinkReader, UsageStore, Protocol):
    """What quotas need: the user's role, the limits of the guest link, and the usage so far."""
