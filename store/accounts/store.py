"""The ports of accounts over a SQL database: which query each method runs."""

from datetime import datetime
from typing import Protocol

from sqlalchemy import orm

from chat.accounts.models import AuditEntry, User
from store.accounts import api_keys, one_time_links, rows, usage
from store.accounts import guest_links as link_queries
from store.accounts import sessions as session_queries
from store.accounts import users as user_queries
from store.conversations.memory import TemporaryStore
from store.queries import DatabaseStore, Read, Write
from store.transactions import Transactions


class AccountErasure(Protocol):
    """Destroys and hands over rows across rooms, in the caller's transaction: `store.erasure`."""

    def delete_user(self, session: orm.Session, user_id: str, audit_entry: AuditEntry) -> int: ...

    def delete_older(self, session: orm.Session, before: datetime) -> int: ...

    def take_over(self, session: orm.Session, before: str, after: str) -> None: ...


class DatabaseAccounts(DatabaseStore):
    """`chat.accounts.ports.AccountStore` over SQLAlchemy.

    A deletion of accounts or old rows also deletes the temporary conversations it concerns.
    """

    has_users = Read(user_queries.has_users)
    add_user = Write(user_queries.add_user)
    user = Read(user_queries.user)
    account = Read(user_queries.account)
    users = Read(user_queries.users)
    credentials = Read(user_queries.credentials)
    set_password = Write(user_queries.set_password)
    change_user = Write(user_queries.change_user)

    add_session = Write(session_queries.add_session)
    session = Read(session_queries.session_of)
    touch_session = Write(session_queries.touch_session)
    end_session = Write(session_queries.end_session)
    end_sessions = Write(session_queries.end_sessions)
    sessions = Read(session_queries.sessions)

    add_one_time_link = Write(one_time_links.add_one_time_link)
    one_time_link = Read(one_time_links.one_time_link_of)
    invitations = Read(one_time_links.invitations)
    withdraw_invitation = Write(one_time_links.withdraw_invitation)

    add_guest_link = Write(link_queries.add_guest_link)
    guest_link_of = Read(link_queries.guest_link_by_token)
    guest_link = Read(link_queries.guest_link)
    admit_guest = Write(user_queries.admit_guest)
    extend_guest_link = Write(link_queries.extend_guest_link)
    revoke_guest_link = Write(link_queries.revoke_guest_link)
    guest_links = Read(link_queries.guest_links)

    spend = Write(usage.spend)
    used = Read(usage.used)
    spend_by_key = Write(api_keys.spend_by_key)
    used_by_key = Read(api_keys.used_by_key)

    add_key = Write(api_keys.add_key)
    key = Read(api_keys.key_by_token)
    keys = Read(api_keys.keys)
    touch_key = Write(api_keys.touch_key)
    revoke_key = Write(api_keys.revoke_key)

    add_audit_entry = Write(rows.add_audit_entry)
    audit_entries = Read(usage.audit_entries)
    names_in_audit = Read(usage.names_in_audit)

    def __init__(
        self, transactions: Transactions, temporary: TemporaryStore, erasure: AccountErasure
    ) -> None:
        super().__init__(transactions)
        self._erasure = erasure
        self._temporary = temporary

    async def use_one_time_link(
        self, token_hash: str, user: User | None, password_hash: str, audit_entry: AuditEntry
    ) -> User:
        take_over = self._erasure.take_over
        return await self.transactions.write(
            one_time_links.use_one_time_link,
            token_hash,
            user,
            password_hash,
            audit_entry,
            take_over,
        )

    async def delete_user(self, user_id: str, audit_entry: AuditEntry) -> int:
        count = await self.transactions.destroy(self._erasure.delete_user, user_id, audit_entry)
        return count + sum(self._temporary.destroy(lambda each: each.owner_id == user_id))

    async def delete_older(self, before: datetime) -> int:
        count = await self.transactions.destroy(self._erasure.delete_older, before)
        temporary, _ = self._temporary.destroy(lambda each: each.updated_at < before)
        return count + temporary
