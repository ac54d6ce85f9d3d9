"""The store of people in a SQL database: which query each call is. Knows no SQL and no thread."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from sqlalchemy import orm

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
from store.accounts import api_keys, guest_links, one_time_links, people, sessions, usage
from store.accounts.rows import write_entry
from store.conversations.memory import TemporaryStore
from store.transactions import Transactions


class AccountErasure(Protocol):
    """Destroys and hands over rows across rooms, in the caller's transaction: `store.erasure`."""

    def delete_person(self, session: orm.Session, user_id: str, entry: AuditEntry) -> int: ...

    def delete_older(self, session: orm.Session, before: datetime) -> int: ...

    def take_over(self, session: orm.Session, before: str, after: str) -> None: ...


class DatabaseAccounts:
    """`chat.accounts.ports.AccountStore` over SQLAlchemy. Raises BadText, StoreFailed.

    What is destroyed is also gone from the temporary conversations.
    """

    def __init__(
        self, database: Transactions, temporary: TemporaryStore, erasure: AccountErasure
    ) -> None:
        self._database = database
        self._erasure = erasure
        self._temporary = temporary

    # --- people -------------------------------------------------------------------------------

    async def has_users(self) -> bool:
        return await self._database.read(people.has_people)

    async def add_user(self, user: User, password_hash: str | None, entry: AuditEntry) -> None:
        await self._database.write(people.add_person, user, password_hash, entry)

    async def user(self, user_id: str) -> User:
        return await self._database.read(people.user, user_id)

    async def users(self) -> Sequence[User]:
        return await self._database.read(people.people)

    async def credentials(self, name: str) -> tuple[User, str | None] | None:
        return await self._database.read(people.credentials, name)

    async def set_password(
        self, user_id: str, password_hash: str, entry: AuditEntry, *, keep: str | None = None
    ) -> None:
        await self._database.write(people.set_password, user_id, password_hash, entry, keep)

    async def change_user(
        self,
        user_id: str,
        entry: AuditEntry,
        *,
        role: AccountRole | None = None,
        disabled: bool | None = None,
    ) -> User:
        return await self._database.write(people.change_person, user_id, entry, role, disabled)

    async def delete_user(self, user_id: str, entry: AuditEntry) -> int:
        rows = await self._database.destroy(self._erasure.delete_person, user_id, entry)
        return rows + sum(self._temporary.destroy(lambda kept: kept.owner_id == user_id))

    # --- sessions -----------------------------------------------------------------------------

    async def add_session(self, token_hash: str, session: Session, entry: AuditEntry) -> None:
        await self._database.write(sessions.add_session, token_hash, session, entry)

    async def session(self, token_hash: str) -> tuple[Session, User] | None:
        return await self._database.read(sessions.session_of, token_hash)

    async def touch_session(self, session_id: str, used_at: datetime) -> None:
        await self._database.write(sessions.touch_session, session_id, used_at)

    async def sessions(self, user_id: str) -> Sequence[Session]:
        return await self._database.read(sessions.sessions, user_id)

    async def end_session(self, user_id: str, session_id: str, entry: AuditEntry) -> None:
        await self._database.write(sessions.end_session, user_id, session_id, entry)

    async def end_sessions(
        self, user_id: str, entry: AuditEntry, *, besides: str | None = None
    ) -> int:
        return await self._database.write(sessions.end_sessions, user_id, entry, besides)

    # --- one-time links -----------------------------------------------------------------------

    async def add_one_time_link(
        self, token_hash: str, one_time: OneTimeLink, entry: AuditEntry
    ) -> None:
        await self._database.write(one_time_links.add_pass, token_hash, one_time, entry)

    async def one_time_link(self, token_hash: str) -> OneTimeLink:
        return await self._database.read(one_time_links.pass_of, token_hash)

    async def use_one_time_link(
        self, token_hash: str, user: User | None, password_hash: str, entry: AuditEntry
    ) -> User:
        return await self._database.write(
            one_time_links.use_pass,
            token_hash,
            user,
            password_hash,
            entry,
            self._erasure.take_over,
        )

    # --- guests -------------------------------------------------------------------------------

    async def add_guest_link(self, token_hash: str, link: GuestLink, entry: AuditEntry) -> None:
        await self._database.write(guest_links.add_guest_link, token_hash, link, entry)

    async def guest_links(self, owner_id: str | None) -> Sequence[GuestLink]:
        return await self._database.read(guest_links.guest_links, owner_id)

    async def guest_link_of(self, token_hash: str) -> GuestLink:
        return await self._database.read(guest_links.guest_link_by_token, token_hash)

    async def guest_link(self, link_id: str) -> GuestLink:
        return await self._database.read(guest_links.guest_link, link_id)

    async def admit_guest(self, link_id: str, guest: User, entry: AuditEntry) -> None:
        def admit(session: orm.Session) -> None:
            guest_links.take_place(session, link_id, guest.created_at)
            people.add_person(session, guest, None, entry)

        await self._database.write(admit)

    async def revoke_guest_link(self, link_id: str, entry: AuditEntry) -> None:
        await self._database.write(guest_links.revoke_guest_link, link_id, entry)

    # --- what was used ------------------------------------------------------------------------

    async def spend(self, user_id: str, day: date, spent: AccountUsage) -> None:
        await self._database.write(usage.spend, user_id, day, spent)

    async def used(self, user_id: str, day: date | None = None) -> AccountUsage:
        return await self._database.read(usage.spent, user_id, day)

    # --- keys ---------------------------------------------------------------------------------

    async def add_key(self, token_hash: str, key: ApiKey, entry: AuditEntry) -> None:
        await self._database.write(api_keys.add_key, token_hash, key, entry)

    async def key(self, token_hash: str) -> tuple[ApiKey, User] | None:
        return await self._database.read(api_keys.key_by_token, token_hash)

    async def keys(self, owner_id: str | None) -> Sequence[ApiKey]:
        return await self._database.read(api_keys.keys, owner_id)

    async def touch_key(self, key_id: str, used_at: datetime) -> None:
        await self._database.write(api_keys.touch_key, key_id, used_at)

    async def revoke_key(
        self, key_id: str, entry: AuditEntry, *, owner_id: str | None = None
    ) -> None:
        await self._database.write(api_keys.revoke_key, key_id, entry, owner_id)

    async def spend_by_key(self, key_id: str, day: date, spent: AccountUsage) -> None:
        await self._database.write(api_keys.spend_by_key, key_id, day, spent)

    async def used_by_key(self, key_id: str, day: date) -> AccountUsage:
        return await self._database.read(api_keys.spent_by_key, key_id, day)

    # --- the log ------------------------------------------------------------------------------

    async def add_audit_entry(self, entry: AuditEntry) -> None:
        await self._database.write(write_entry, entry)

    async def audit_entries(
        self, *, before: datetime | None = None, limit: int = 200
    ) -> Sequence[AuditEntry]:
        return await self._database.read(usage.entries, before, limit)

    async def delete_older(self, before: datetime) -> int:
        kept = await self._database.destroy(self._erasure.delete_older, before)
        temporary, _ = self._temporary.destroy(lambda chat: chat.updated_at < before)
        return kept + temporary
