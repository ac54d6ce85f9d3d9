"""The ports of accounts over a SQL database: which query each method runs."""

from datetime import datetime
from typing import Protocol

from sqlalchemy import orm

from chat.accounts.models import AuditEntry, User
from store.accounts import api_keys, one_time_links, rows, usage, users
from store.accounts import guest_links as link_queries
from store.accounts import sessions as session_queries
from store.conversations.memory import TemporaryStore
from store.queries import DatabaseStore, Read, Write
from store.transactions import Transactions


class AccountErasure(Protocol):
    """Destroys and hands over rows across rooms, in the caller's transaction: `store.erasure`."""

    def delete_person(self, session: orm.Session, user_id: str, entry: AuditEntry) -> int: ...

    def delete_older(self, session: orm.Session, before: datetime) -> int: ...

    def take_over(self, session: orm.Session, before: str, after: str) -> None: ...


class DatabaseAccounts(DatabaseStore):
    """`chat.accounts.ports.AccountStore` over SQLAlchemy.

    A deletion of accounts or old rows also deletes the temporary conversations it concerns.
    """

    has_people = Read(users.has_people)
    add_person = Write(users.add_person)
    user = Read(users.user)
    people = Read(users.people)
    credentials = Read(users.credentials)
    set_password = Write(users.set_password)
    change_person = Write(users.change_person)

    add_session = Write(session_queries.add_session)
    session = Read(session_queries.session_of)
    touch_session = Write(session_queries.touch_session)
    end_session = Write(session_queries.end_session)
    end_sessions = Write(session_queries.end_sessions)
    sessions = Read(session_queries.sessions)

    add_pass = Write(one_time_links.add_pass)
    pass_of = Read(one_time_links.pass_of)

    add_guest_link = Write(link_queries.add_guest_link)
    guest_link_of = Read(link_queries.guest_link_by_token)
    guest_link = Read(link_queries.guest_link)
    admit_guest = Write(users.admit_guest)
    revoke_guest_link = Write(link_queries.revoke_guest_link)
    guest_links = Read(link_queries.guest_links)

    spend = Write(usage.spend)
    spent = Read(usage.spent)
    spend_by_key = Write(api_keys.spend_by_key)
    spent_by_key = Read(api_keys.spent_by_key)

    add_key = Write(api_keys.add_key)
    key = Read(api_keys.key_by_token)
    keys = Read(api_keys.keys)
    touch_key = Write(api_keys.touch_key)
    revoke_key = Write(api_keys.revoke_key)

    write_entry = Write(rows.write_entry)
    entries = Read(usage.entries)

    def __init__(
        self, transactions: Transactions, temporary: TemporaryStore, erasure: AccountErasure
    ) -> None:
        super().__init__(transactions)
        self._erasure = erasure
        self._temporary = temporary

    async def use_pass(
        self, token_hash: str, user: User | None, password_hash: str, entry: AuditEntry
    ) -> User:
        take_over = self._erasure.take_over
        return await self.transactions.write(
            one_time_links.use_pass, token_hash, user, password_hash, entry, take_over
        )

    async def delete_person(self, user_id: str, entry: AuditEntry) -> int:
        count = await self.transactions.destroy(self._erasure.delete_person, user_id, entry)
        return count + sum(self._temporary.destroy(lambda each: each.owner_id == user_id))

    async def delete_older(self, before: datetime) -> int:
        count = await self.transactions.destroy(self._erasure.delete_older, before)
        temporary, _ = self._temporary.destroy(lambda each: each.updated_at < before)
        return count + temporary
