"""An AccountStore in dictionaries, and a hasher that can be read: for tests of what uses them."""

from collections.abc import Sequence, Sized
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from chat.accounts.errors import LastAdmin, LinkFull, NameTaken
from chat.accounts.models import (
    CAMPAIGN_GRACE,
    LOCAL_USER,
    AccountRole,
    AccountUsage,
    AuditEntry,
    GuestLink,
    OneTimeLink,
    OneTimeLinkKind,
    Session,
    User,
    name_key,
)
from chat.errors import NotFound
from store.schema.columns import refuse_bad_text
from tests.memory_keys import MemoryKeys
from tests.memory_store import MemoryStore


@dataclass
class OpenHasher:
    """A PasswordHasher whose hashes show the password. Records what it was asked to compare."""

    compared: list[tuple[str, str | None]] = field(default_factory=list)

    async def hash(self, password: str) -> str:
        return f"hash of {password}"

    async def matches(self, password: str, password_hash: str | None) -> bool:
        self.compared.append((password, password_hash))
        return password_hash == f"hash of {password}"


@dataclass
class MemoryPeople(MemoryKeys):
    """`chat.accounts.ports.AccountStore`; dictionaries keep the order of what was added."""

    chats: MemoryStore = field(default_factory=MemoryStore)
    hashes: dict[str, str | None] = field(default_factory=dict)
    open_sessions: dict[str, Session] = field(default_factory=dict)
    passes: dict[str, OneTimeLink] = field(default_factory=dict)
    links: dict[str, GuestLink] = field(default_factory=dict)
    use: dict[tuple[str, date], AccountUsage] = field(default_factory=dict)

    # --- people -------------------------------------------------------------------------------

    async def has_people(self) -> bool:
        return bool(self.everybody)

    async def add_person(self, user: User, password_hash: str | None, entry: AuditEntry) -> None:
        refuse_bad_text(user, password_hash, entry)
        if user.rank is not AccountRole.GUEST and await self.credentials(user.name):
            raise NameTaken
        self.everybody[user.id] = user
        self.hashes[user.id] = password_hash
        self.audit.append(entry)

    async def user(self, user_id: str) -> User:
        refuse_bad_text(user_id)
        if user_id not in self.everybody:
            raise NotFound
        return self.everybody[user_id]

    async def people(self) -> Sequence[User]:
        return sorted(self.everybody.values(), key=lambda person: person.created_at)

    async def credentials(self, name: str) -> tuple[User, str | None] | None:
        refuse_bad_text(name)
        for user in self.everybody.values():
            if user.rank is not AccountRole.GUEST and name_key(user.name) == name_key(name):
                return user, self.hashes[user.id]
        return None

    async def set_password(
        self, user_id: str, password_hash: str, entry: AuditEntry, *, keep: str | None = None
    ) -> None:
        await self.user(user_id)
        self.hashes[user_id] = password_hash
        self._drop_sessions(user_id, keep)
        self._drop_resets(user_id)
        self.audit.append(entry)

    async def change_person(
        self,
        user_id: str,
        entry: AuditEntry,
        *,
        rank: AccountRole | None = None,
        disabled: bool | None = None,
    ) -> User:
        before = await self.user(user_id)
        after = replace(
            before,
            rank=before.rank if rank is None else rank,
            disabled=before.disabled if disabled is None else disabled,
        )
        if after.disabled or after.rank is not AccountRole.ADMIN:
            self._refuse_last_admin(before)
            self.passes = {key: p for key, p in self.passes.items() if p.made_by != user_id}
        if after.disabled:
            self._drop_sessions(user_id)
            self._revoke_links_of(user_id)
            self.revoke_keys_of(user_id)
        self.everybody[user_id] = after
        self.audit.append(entry)
        return after

    async def delete_person(self, user_id: str, entry: AuditEntry) -> int:
        self._refuse_last_admin(await self.user(user_id))
        self._revoke_links_of(user_id)
        before = self._rows()
        mine = {link.id for link in self.links.values() if link.owner_id == user_id}
        for user in self.everybody.values():
            if user.guest_link_id in mine:
                self.everybody[user.id] = replace(user, disabled=True, guest_link_id=None)
        self.links = {key: link for key, link in self.links.items() if link.owner_id != user_id}
        self.use = {key: spent for key, spent in self.use.items() if key[0] != user_id}
        self.passes = {
            key: kept
            for key, kept in self.passes.items()
            if user_id not in (kept.made_by, kept.user_id)
        }
        self.drop_keys_of(user_id)
        self._drop_sessions(user_id)
        del self.everybody[user_id], self.hashes[user_id]
        gone = before - self._rows() + self.chats.destroy_presets(user_id)
        gone += sum(self.chats.destroy(lambda kept: kept.owner_id == user_id))
        self.audit.append(replace(entry, detail=str(gone)))
        return gone

    # --- sessions -----------------------------------------------------------------------------

    async def add_session(self, token_hash: str, session: Session, entry: AuditEntry) -> None:
        refuse_bad_text(token_hash, session, entry)
        user = await self.user(session.user_id)
        link_id = user.guest_link_id
        if user.disabled or (link_id and (await self.guest_link(link_id)).revoked):
            raise NotFound
        self.open_sessions = {
            key: kept
            for key, kept in self.open_sessions.items()
            if kept.expires_at > session.created_at
        }
        self.open_sessions[token_hash] = session
        self.audit.append(entry)

    async def session(self, token_hash: str) -> tuple[Session, User] | None:
        found = self.open_sessions.get(token_hash)
        return (found, self.everybody[found.user_id]) if found else None

    async def touch_session(self, session_id: str, used_at: datetime) -> None:
        for key, session in self.open_sessions.items():
            if session.id == session_id:
                self.open_sessions[key] = replace(session, used_at=used_at)

    async def sessions(self, user_id: str) -> Sequence[Session]:
        mine = [session for session in self.open_sessions.values() if session.user_id == user_id]
        return sorted(mine, key=lambda session: session.created_at, reverse=True)

    async def end_session(self, user_id: str, session_id: str, entry: AuditEntry) -> None:
        if session_id not in {session.id for session in await self.sessions(user_id)}:
            raise NotFound
        self.open_sessions = {
            key: session for key, session in self.open_sessions.items() if session.id != session_id
        }
        self.audit.append(entry)

    async def end_sessions(
        self, user_id: str, entry: AuditEntry, *, besides: str | None = None
    ) -> int:
        self.audit.append(entry)
        return self._drop_sessions(user_id, besides)

    # --- one-time links -----------------------------------------------------------------------

    async def add_pass(self, token_hash: str, one_time: OneTimeLink, entry: AuditEntry) -> None:
        refuse_bad_text(token_hash, one_time, entry)
        if one_time.kind is OneTimeLinkKind.SETUP:
            self.passes = {
                key: kept
                for key, kept in self.passes.items()
                if kept.kind is not OneTimeLinkKind.SETUP
            }
        if one_time.user_id is not None:
            await self.user(one_time.user_id)
            self._drop_resets(one_time.user_id)
        self.passes = {key: kept for key, kept in self.passes.items() if kept.expires_at > entry.at}
        self.passes[token_hash] = one_time
        self.audit.append(entry)

    async def pass_of(self, token_hash: str) -> OneTimeLink:
        one_time = self.passes.get(token_hash)
        if one_time is None or not self._is_good(one_time):
            raise NotFound
        return one_time

    async def use_pass(
        self, token_hash: str, user: User | None, password_hash: str, entry: AuditEntry
    ) -> User:
        one_time = await self.pass_of(token_hash)
        if user is not None:
            first = not self.everybody
            await self.add_person(user, password_hash, entry)
            if first:
                self._take_over(LOCAL_USER, user.id)
        else:
            assert one_time.user_id is not None
            user = await self.user(one_time.user_id)
            await self.set_password(user.id, password_hash, entry)
        self.passes.pop(token_hash, None)
        return user

    # --- guests -------------------------------------------------------------------------------

    async def add_guest_link(self, token_hash: str, link: GuestLink, entry: AuditEntry) -> None:
        refuse_bad_text(token_hash, link, entry)
        self.links[token_hash] = link
        self.audit.append(entry)

    async def guest_links(self, owner_id: str | None) -> Sequence[GuestLink]:
        theirs = [link for link in self.links.values() if owner_id in (None, link.owner_id)]
        return sorted(theirs, key=lambda link: link.created_at, reverse=True)

    async def guest_link_of(self, token_hash: str) -> GuestLink:
        if token_hash not in self.links:
            raise NotFound
        return self.links[token_hash]

    async def guest_link(self, link_id: str) -> GuestLink:
        return self.links[self._key_of(link_id)]

    async def admit_guest(self, link_id: str, guest: User, entry: AuditEntry) -> None:
        refuse_bad_text(guest, entry)
        key = self._key_of(link_id)
        link = self.links[key]
        if link.revoked or guest.created_at >= link.expires_at:
            raise NotFound
        if link.guests >= link.max_guests:
            raise LinkFull(limit=link.max_guests)
        self.links[key] = replace(link, guests=link.guests + 1)
        await self.add_person(guest, None, entry)

    async def revoke_guest_link(self, link_id: str, entry: AuditEntry) -> None:
        key = self._key_of(link_id)
        if self.links[key].campaign_id is None:
            self._revoke(key)
        else:
            self.links[key] = replace(self.links[key], revoked=True)
            self._end_sessions_at(link_id, entry.at + CAMPAIGN_GRACE)
        self.audit.append(entry)

    # --- spending -----------------------------------------------------------------------------

    async def spend(self, user_id: str, day: date, spent: AccountUsage) -> None:
        user = self.everybody.get(user_id)
        if user is None:
            return
        so_far = self.use.get((user_id, day), AccountUsage())
        self.use[user_id, day] = AccountUsage(
            so_far.messages + spent.messages, so_far.tokens + spent.tokens
        )
        if user.guest_link_id is not None:
            key = self._key_of(user.guest_link_id)
            link = self.links[key]
            self.links[key] = replace(
                link, messages=link.messages + spent.messages, tokens=link.tokens + spent.tokens
            )

    async def spent(self, user_id: str, day: date | None = None) -> AccountUsage:
        found = [s for (who, when), s in self.use.items() if who == user_id and day in (None, when)]
        return AccountUsage(sum(s.messages for s in found), sum(s.tokens for s in found))

    # --- the log ------------------------------------------------------------------------------

    async def write_entry(self, entry: AuditEntry) -> None:
        refuse_bad_text(entry)
        self.audit.append(entry)

    async def entries(
        self, *, before: datetime | None = None, limit: int = 200
    ) -> Sequence[AuditEntry]:
        found = [entry for entry in self.audit if before is None or entry.at < before]
        return sorted(found, key=lambda entry: entry.at)[::-1][: max(limit, 0)]

    async def delete_older(self, before: datetime) -> int:
        conversations, _ = self.chats.destroy(lambda kept: kept.updated_at < before)
        return conversations

    # --- inside -------------------------------------------------------------------------------

    def _take_over(self, before: str, after: str) -> None:
        for key, kept in self.chats.stored.items():
            if kept.owner_id == before:
                self.chats.stored[key] = replace(kept, owner_id=after)
        for key, made in self.chats.versions.items():
            if made[-1].owner_id == before:
                self.chats.versions[key] = [replace(preset, owner_id=after) for preset in made]
        for key, link in self.links.items():
            if link.owner_id == before:
                self.links[key] = replace(link, owner_id=after)

    def _rows(self) -> int:
        kinds: tuple[Sized, ...] = (
            self.everybody,
            self.open_sessions,
            self.passes,
            self.links,
            self.use,
            self.api_keys,
            self.use_by_key,
        )
        return sum(map(len, kinds))

    def _is_good(self, one_time: OneTimeLink) -> bool:
        if one_time.kind is OneTimeLinkKind.SETUP:
            return not self.everybody
        if one_time.kind is OneTimeLinkKind.RESET:
            return not self.everybody[one_time.user_id or ""].disabled
        return True

    def _refuse_last_admin(self, user: User) -> None:
        admins = [
            other.id
            for other in self.everybody.values()
            if other.rank is AccountRole.ADMIN and not other.disabled
        ]
        if admins == [user.id]:
            raise LastAdmin

    def _drop_sessions(self, user_id: str, besides: str | None = None) -> int:
        gone = {
            key
            for key, session in self.open_sessions.items()
            if session.user_id == user_id and session.id != besides
        }
        for key in gone:
            del self.open_sessions[key]
        return len(gone)

    def _drop_resets(self, user_id: str) -> None:
        self.passes = {key: kept for key, kept in self.passes.items() if kept.user_id != user_id}

    def _key_of(self, link_id: str) -> str:
        for key, link in self.links.items():
            if link.id == link_id:
                return key
        raise NotFound

    def _end_sessions_at(self, link_id: str, ends_at: datetime) -> None:
        guests = {who.id for who in self.everybody.values() if who.guest_link_id == link_id}
        for key, kept in self.open_sessions.items():
            if kept.user_id in guests:
                ends = min(kept.expires_at, ends_at)
                self.open_sessions[key] = replace(kept, expires_at=ends)

    def _revoke_links_of(self, user_id: str) -> None:
        for key, link in self.links.items():
            if link.owner_id == user_id:
                self._revoke(key)

    def _revoke(self, key: str) -> None:
        link = self.links[key]
        self.links[key] = replace(link, revoked=True)
        for user in self.everybody.values():
            if user.guest_link_id == link.id:
                self._drop_sessions(user.id)
