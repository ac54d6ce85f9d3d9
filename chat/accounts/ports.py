"""Ports of accounts: a password hasher, and one small protocol for each kind of stored row."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from chat.accounts.models import (
    Account,
    AccountRole,
    AccountUsage,
    ApiKey,
    AuditEntry,
    GuestLimits,
    GuestLink,
    Invitation,
    OneTimeLink,
    Session,
    User,
)


class PasswordHasher(Protocol):
    """Hashes passwords with a slow function, in a thread outside the event loop."""

    async def hash(self, password: str) -> str: ...

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the password matches. A hash of None takes as long and returns False."""
        ...


class UserReader(Protocol):
    """Reads accounts by id and as a list."""

    async def user(self, user_id: str) -> User:
        """Raises NotFound."""
        ...

    async def users(self) -> Sequence[User]:
        """All, oldest first."""
        ...


class AccountReader(Protocol):
    """Reads a user together with the guest link."""

    async def account(self, user_id: str) -> Account:
        """Raises NotFound."""
        ...


class UserStore(UserReader, AccountReader, Protocol):
    """Creates, changes and deletes accounts. Every change is stored with its audit entry."""

    async def has_users(self) -> bool: ...

    async def add_user(
        self, user: User, password_hash: str | None, audit_entry: AuditEntry
    ) -> None:
        """Raises NameTaken. Names are compared without case; guests' nicknames are ignored."""
        ...

    async def credentials(self, name: str) -> tuple[User, str | None] | None:
        """The user of that name, compared without case, with the password hash; None if unknown."""
        ...

    async def set_password(
        self, user_id: str, password_hash: str, audit_entry: AuditEntry, *, keep: str | None = None
    ) -> None:
        """Also ends every session but `keep`, and deletes RESET links. Raises NotFound."""
        ...

    async def change_user(
        self,
        user_id: str,
        audit_entry: AuditEntry,
        *,
        role: AccountRole | None = None,
        disabled: bool | None = None,
    ) -> User:
        """Disabling also ends every session and revokes the guest links and keys of the user.

        One-time links that the user created become invalid when they are disabled or no
        administrator any more. Raises NotFound, LastAdmin.
        """
        ...

    async def delete_user(self, user_id: str, audit_entry: AuditEntry) -> int:
        """Delete the account with all its rows; return their number.

        These are conversations, presets, sessions, links, keys, usage, ratings, votes, cases, and
        campaigns with the data of their testers. Guests of the links are disabled. The number
        becomes the detail of the audit entry. Raises NotFound, LastAdmin.
        """
        ...


class SessionStore(Protocol):
    """Stores sessions by the digest of their token."""

    async def add_session(self, token_hash: str, session: Session, audit_entry: AuditEntry) -> None:
        """Also deletes expired sessions.

        Raises NotFound for a user who is unknown, disabled, or a guest of a revoked link.
        """
        ...

    async def session(self, token_hash: str) -> tuple[Session, User] | None:
        """None when unknown. The caller checks expiry and whether the user is disabled."""
        ...

    async def touch_session(self, session_id: str, used_at: datetime) -> None:
        """Does not revive a session that has ended."""
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
        """End all sessions of a user but `besides`; return their number."""
        ...


class OneTimeLinkStore(Protocol):
    """Stores links for set-up, invitation and password reset, each of which works once."""

    async def add_one_time_link(
        self, token_hash: str, one_time: OneTimeLink, audit_entry: AuditEntry
    ) -> None:
        """A new SETUP link replaces the old one, a RESET link the old one of the same user."""
        ...

    async def one_time_link(self, token_hash: str) -> OneTimeLink:
        """Find a link without using it. Raises NotFound."""
        ...

    async def invitations(self, at: datetime) -> Sequence[Invitation]:
        """The invitations that are good at that time, the newest first."""
        ...

    async def withdraw_invitation(self, invitation_id: str, audit_entry: AuditEntry) -> None:
        """Raises NotFound, also for one that was used."""
        ...

    async def use_one_time_link(
        self, token_hash: str, user: User | None, password_hash: str, audit_entry: AuditEntry
    ) -> User:
        """Use a link: create `user`, or (None) set the password of the user of the link.

        The first user takes over the rows of the local user. A SETUP link is valid while there
        are no users. A RESET link ends every session, and is invalid for a disabled user.

        Raises NotFound (unknown, used or invalid), NameTaken (the link stays usable).
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
        """The links of one user, or of all, newest first, with their usage."""
        ...

    async def guest_link_of(self, token_hash: str) -> GuestLink:
        """Raises NotFound."""
        ...

    async def admit_guest(self, link_id: str, guest: User, audit_entry: AuditEntry) -> None:
        """Create a guest and count it, in one transaction.

        Raises NotFound (unknown, revoked, or expired when the guest is created), LinkFull.
        """
        ...

    async def extend_guest_link(
        self, link_id: str, limits: GuestLimits, audit_entry: AuditEntry
    ) -> GuestLink:
        """Set the limits; sessions of its guests that end with the link get longer with it.

        Raises NotFound, also for a revoked link.
        """
        ...

    async def revoke_guest_link(self, link_id: str, audit_entry: AuditEntry) -> None:
        """Also ends the sessions of its guests: in a campaign CAMPAIGN_GRACE after the audit entry.

        Raises NotFound.
        """
        ...


class UsageReader(Protocol):
    """Reads the usage of users."""

    async def used(self, user_id: str, day: date | None = None) -> AccountUsage:
        """The usage on that day, or (None) in total."""
        ...


class UsageStore(UsageReader, Protocol):
    """Adds up requests and tokens by user and day."""

    async def spend(self, user_id: str, day: date, usage: AccountUsage) -> None:
        """Add to the usage of a user on that day, and to that of a guest's link.

        Does nothing for a user who does not exist (any more).
        """
        ...


class KeyUsageStore(Protocol):
    """Adds up requests and tokens by API key and day."""

    async def spend_by_key(self, key_id: str, day: date, usage: AccountUsage) -> None:
        """Add to the usage of a key on that day. Does nothing for a deleted key."""
        ...

    async def used_by_key(self, key_id: str, day: date) -> AccountUsage: ...


class ApiKeyReader(Protocol):
    """Lists API keys."""

    async def keys(self, owner_id: str | None) -> Sequence[ApiKey]:
        """The keys of one user, or of all, newest first, including revoked ones."""
        ...


class ApiKeyStore(ApiKeyReader, Protocol):
    """Stores API keys by the digest of their secret."""

    async def add_key(self, token_hash: str, key: ApiKey, audit_entry: AuditEntry) -> None:
        """Raises NotFound for an owner who is unknown, disabled or a guest."""
        ...

    async def key(self, token_hash: str) -> tuple[ApiKey, User] | None:
        """None when unknown. The caller checks expiry, revocation and disabled users."""
        ...

    async def touch_key(self, key_id: str, used_at: datetime) -> None: ...

    async def revoke_key(
        self, key_id: str, audit_entry: AuditEntry, *, owner_id: str | None = None
    ) -> None:
        """Revoke a key for good. Raises NotFound, also when it belongs to another owner."""
        ...


class AuditLog(Protocol):
    """Appends to the audit log and reads it."""

    async def add_audit_entry(self, audit_entry: AuditEntry) -> None: ...

    async def audit_entries(
        self, *, before: datetime | None = None, limit: int = 200
    ) -> Sequence[AuditEntry]:
        """The audit log, newest first."""
        ...

    async def names_in_audit(self, ids: Collection[str]) -> Mapping[str, str]:
        """Names by id: of users, guest links, API keys and campaigns, of those that exist."""
        ...


class Retention(Protocol):
    """Destroys what is older than the retention time."""

    async def delete_older(self, before: datetime) -> int:
        """Delete conversations not used since, and older ratings, votes and surveys.

        Returns the number of conversations, rated answers, votes and participations.
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
    UserStore,
    SessionStore,
    OneTimeLinkStore,
    GuestLinkStore,
    UsageReader,
    ApiKeyStore,
    AuditLog,
    Protocol,
):
    """What the account service needs: all but counting usage, and retention."""


class GuestStore(GuestLinkStore, UsageReader, Protocol):
    """What guests need: their links, and what they have used."""


class MaintenanceStore(UserReader, GuestLinkReader, ApiKeyReader, AuditLog, Retention, Protocol):
    """What maintenance needs: who may still use the server, and the deletion of old rows."""


class QuotaStore(AccountReader, UsageStore, Protocol):
    """What quotas need: the user's role, the limits of the guest link, and the usage so far."""
