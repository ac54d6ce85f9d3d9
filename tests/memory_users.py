"""An AccountStore in dictionaries and a transparent password hasher, for tests."""

from collections.abc import Collection, Mapping, Sequence, Sized
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime

from chat.accounts.errors import LastAdmin, LinkFull, NameTaken
from chat.accounts.models import (
    CAMPAIGN_GRACE,
    LOCAL_USER,
    Account,
    AccountRole,
    AccountUsage,
    AuditEntry,
    GuestLimits,
    GuestLink,
    Invitation,
    OneTimeLink,
    OneTimeLinkKind,
    Session,
    User,
    name_key,
)
from chat.accounts.sessions import ABSOLUTE
from chat.errors import NotFound
from store.schema.columns import refuse_bad_text
from tests.memory_keys import MemoryKeys
from tests.memory_store import MemoryStore


@dataclass
class OpenHasher:
    """A PasswordHasher whose hashes contain the password. Records its comparisons."""

    compared: list[tuple[str, str | None]] = field(default_factory=list)

    async def hash(self, password: str) -> str:
        return f"hash of {password}"

    async def matches(self, password: str, password_hash: str | None) -> bool:
        self.compared.append((password, password_hash))
        return password_hash == f"hash of {password}"


@dataclass
class MemoryUsers(MemoryKeys):
    """`chat.accounts.ports.AccountStore`; dictionaries keep the order of insertion."""

    chats: MemoryStore = field(default_factory=MemoryStore)
    hashes: dict[str, str | None] = field(default_factory=dict)
    open_sessions: dict[str, Session] = field(default_factory=dict)
    one_time_links: dict[str, OneTimeLink] = field(default_factory=dict)
    links: dict[str, GuestLink] = field(default_factory=dict)
    use: dict[tuple[str, date], AccountUsage] = field(default_factory=dict)

    # --- users --------------------------------------------------------------------------------

    async def has_users(self) -> bool:
        return bool(self.by_id)

    async def add_user(
        self, user: User, password_hash: str | None, audit_entry: AuditEntry
    ) -> None:
        refuse_bad_text(user, password_hash, audit_entry)
        if user.role is not AccountRole.GUEST and await self.credentials(user.name):
            raise NameTaken
        self.by_id[user.id] = user
        self.hashes[user.id] = password_hash
        self.audit.append(audit_entry)

    async def user(self, user_id: str) -> User:
        refuse_bad_text(user_id)
        if user_id not in self.by_id:
            raise NotFound
        return self.by_id[user_id]

    async def account(self, user_id: str) -> Account:
        user = await self.user(user_id)
        link_id = user.guest_link_id
        return Account(user, await self.guest_link(link_id) if link_id is not None else None)

    async def users(self) -> Sequence[User]:
        return sorted(self.by_id.values(), key=lambda user: user.created_at)

    async def credentials(self, name: str) -> tuple[User, str | None] | None:
        refuse_bad_text(name)
        for user in self.by_id.values():
            if user.role is not AccountRole.GUEST and name_key(user.name) == name_key(name):
                return user, self.hashes[user.id]
        return None

    async def set_password(
        self, user_id: str, password_hash: str, audit_entry: AuditEntry, *, keep: str | None = None
    ) -> None:
        await self.user(user_id)
        self.hashes[user_id] = password_hash
        self._drop_sessions(user_id, keep)
        self._drop_resets(user_id)
        self.audit.append(audit_entry)

    async def change_user(
        self,
        user_id: str,
        audit_entry: AuditEntry,
        *,
        role: AccountRole | None = None,
        disabled: bool | None = None,
    ) -> User:
        before = await self.user(user_id)
        after = replace(
            before,
            role=before.role if role is None else role,
            disabled=before.disabled if disabled is None else disabled,
        )
        if after.disabled or after.role is not AccountRole.ADMIN:
            self._refuse_last_admin(before)
            self.one_time_links = {
                key: p for key, p in self.one_time_links.items() if p.created_by != user_id
            }
        if after.disabled:
            self._drop_sessions(user_id)
            self._revoke_links_of(user_id)
            self.revoke_keys_of(user_id)
        self.by_id[user_id] = after
        self.audit.append(audit_entry)
        return after

    async def delete_user(self, user_id: str, audit_entry: AuditEntry) -> int:
        self._refuse_last_admin(await self.user(user_id))
        self._revoke_links_of(user_id)
        before = self._rows()
        mine = {link.id for link in self.links.values() if link.owner_id == user_id}
        for user in self.by_id.values():
            if user.guest_link_id in mine:
                self.by_id[user.id] = replace(user, disabled=True, guest_link_id=None)
        self.links = {key: link for key, link in self.links.items() if link.owner_id != user_id}
        self.use = {key: used for key, used in self.use.items() if key[0] != user_id}
        self.one_time_links = {
            key: stored
            for key, stored in self.one_time_links.items()
            if user_id not in (stored.created_by, stored.user_id)
        }
        self.drop_keys_of(user_id)
        self._drop_sessions(user_id)
        del self.by_id[user_id], self.hashes[user_id]
        deleted = before - self._rows() + self.chats.destroy_presets(user_id)
        deleted += sum(self.chats.destroy(lambda stored: stored.owner_id == user_id))
        self.audit.append(replace(audit_entry, detail=str(deleted)))
        return deleted

    # --- sessions -----------------------------------------------------------------------------

    async def add_session(self, token_hash: str, session: Session, audit_entry: AuditEntry) -> None:
        refuse_bad_text(token_hash, session, audit_entry)
        user = await self.user(session.user_id)
        link_id = user.guest_link_id
        if user.disabled or (link_id and (await self.guest_link(link_id)).revoked):
            raise NotFound
        self.open_sessions = {
            key: stored
            for key, stored in self.open_sessions.items()
            if stored.expires_at > session.created_at
        }
        self.open_sessions[token_hash] = session
        self.audit.append(audit_entry)

    async def session(self, token_hash: str) -> tuple[Session, User] | None:
        found = self.open_sessions.get(token_hash)
        return (found, self.by_id[found.user_id]) if found else None

    async def touch_session(self, session_id: str, used_at: datetime) -> None:
        for key, session in self.open_sessions.items():
            if session.id == session_id:
                self.open_sessions[key] = replace(session, used_at=used_at)

    async def sessions(self, user_id: str) -> Sequence[Session]:
        mine = [session for session in self.open_sessions.values() if session.user_id == user_id]
        return sorted(mine, key=lambda session: session.created_at, reverse=True)

    async def end_session(self, user_id: str, session_id: str, audit_entry: AuditEntry) -> None:
        if session_id not in {session.id for session in await self.sessions(user_id)}:
            raise NotFound
        self.open_sessions = {
            key: session for key, session in self.open_sessions.items() if session.id != session_id
        }
        self.audit.append(audit_entry)

    async def end_sessions(
        self, user_id: str, audit_entry: AuditEntry, *, besides: str | None = None
    ) -> int:
        self.audit.append(audit_entry)
        return self._drop_sessions(user_id, besides)

    # --- one-time links -----------------------------------------------------------------------

    async def add_one_time_link(
        self, token_hash: str, one_time: OneTimeLink, audit_entry: AuditEntry
    ) -> None:
        refuse_bad_text(token_hash, one_time, audit_entry)
        if one_time.kind is OneTimeLinkKind.SETUP:
            self.one_time_links = {
                key: stored
                for key, stored in self.one_time_links.items()
                if stored.kind is not OneTimeLinkKind.SETUP
            }
        if one_time.user_id is not None:
            await self.user(one_time.user_id)
            self._drop_resets(one_time.user_id)
        self.one_time_links = {
            key: stored
            for key, stored in self.one_time_links.items()
            if stored.expires_at > audit_entry.at
        }
        self.one_time_links[token_hash] = one_time
        self.audit.append(audit_entry)

    async def one_time_link(self, token_hash: str) -> OneTimeLink:
        one_time = self.one_time_links.get(token_hash)
        if one_time is None or not self._is_good(one_time):
            raise NotFound
        return one_time

    async def invitations(self, at: datetime) -> Sequence[Invitation]:
        found = [
            Invitation(key[:32], stored.role, stored.created_by, stored.expires_at)
            for key, stored in self.one_time_links.items()
            if stored.kind is OneTimeLinkKind.INVITE and stored.expires_at > at
        ]
        return sorted(found, key=lambda one: one.expires_at, reverse=True)

    async def withdraw_invitation(self, invitation_id: str, audit_entry: AuditEntry) -> None:
        for key, stored in self.one_time_links.items():
            if stored.kind is OneTimeLinkKind.INVITE and key[:32] == invitation_id:
                del self.one_time_links[key]
                self.audit.append(audit_entry)
                return
        raise NotFound

    async def use_one_time_link(
        self, token_hash: str, user: User | None, password_hash: str, audit_entry: AuditEntry
    ) -> User:
        one_time = await self.one_time_link(token_hash)
        if user is not None:
            first = not self.by_id
            await self.add_user(user, password_hash, audit_entry)
            if first:
                self._take_over(LOCAL_USER, user.id)
        else:
            assert one_time.user_id is not None
            user = await self.user(one_time.user_id)
            await self.set_password(user.id, password_hash, audit_entry)
        self.one_time_links.pop(token_hash, None)
        return user

    # --- guests -------------------------------------------------------------------------------

    async def add_guest_link(
        self, token_hash: str, link: GuestLink, audit_entry: AuditEntry
    ) -> None:
        refuse_bad_text(token_hash, link, audit_entry)
        self.links[token_hash] = link
        self.audit.append(audit_entry)

    async def guest_links(self, owner_id: str | None) -> Sequence[GuestLink]:
        theirs = [link for link in self.links.values() if owner_id in (None, link.owner_id)]
        return sorted(theirs, key=lambda link: link.created_at, reverse=True)

    async def guest_link_of(self, token_hash: str) -> GuestLink:
        if token_hash not in self.links:
            raise NotFound
        return self.links[token_hash]

    async def guest_link(self, link_id: str) -> GuestLink:
        return self.links[self._key_of(link_id)]

    async def admit_guest(self, link_id: str, guest: User, audit_entry: AuditEntry) -> None:
        refuse_bad_text(guest, audit_entry)
        key = self._key_of(link_id)
        link = self.links[key]
        if link.revoked or guest.created_at >= link.expires_at:
            raise NotFound
        if link.guests >= link.max_guests:
            raise LinkFull(limit=link.max_guests)
        self.links[key] = replace(link, guests=link.guests + 1)
        await self.add_user(guest, None, audit_entry)

    async def extend_guest_link(
        self, link_id: str, limits: GuestLimits, audit_entry: AuditEntry
    ) -> GuestLink:
        key = self._key_of(link_id)
        before = self.links[key]
        if before.revoked:
            raise NotFound
        after = self.links[key] = replace(before, **asdict(limits))
        guests = {user.id for user in self.by_id.values() if user.guest_link_id == link_id}
        for token, stored in self.open_sessions.items():
            if stored.user_id in guests and stored.expires_at == before.sessions_end:
                ends = max(stored.expires_at, min(stored.created_at + ABSOLUTE, after.sessions_end))
                self.open_sessions[token] = replace(stored, expires_at=ends)
        self.audit.append(audit_entry)
        return after

    async def revoke_guest_link(self, link_id: str, audit_entry: AuditEntry) -> None:
        key = self._key_of(link_id)
        if self.links[key].campaign_id is None:
            self._revoke(key)
        else:
            self.links[key] = replace(self.links[key], revoked=True)
            self._end_sessions_at(link_id, audit_entry.at + CAMPAIGN_GRACE)
        self.audit.append(audit_entry)

    # --- spending -----------------------------------------------------------------------------

    async def spend(self, user_id: str, day: date, used: AccountUsage) -> None:
        user = self.by_id.get(user_id)
        if user is None:
            return
        so_far = self.use.get((user_id, day), AccountUsage())
        self.use[user_id, day] = AccountUsage(
            so_far.messages + used.messages, so_far.tokens + used.tokens
        )
        if user.guest_link_id is not None:
            key = self._key_of(user.guest_link_id)
            link = self.links[key]
            self.links[key] = replace(
                link, messages=link.messages + used.messages, tokens=link.tokens + used.tokens
            )

    async def used(self, user_id: str, day: date | None = None) -> AccountUsage:
        found = [
            s
            for (of_user, when), s in self.use.items()
            if of_user == user_id and day in (None, when)
        ]
        return AccountUsage(
            sum(usage.messages for usage in found), sum(usage.tokens for usage in found)
        )

    # --- the log ------------------------------------------------------------------------------

    async def add_audit_entry(self, audit_entry: AuditEntry) -> None:
        refuse_bad_text(audit_entry)
        self.audit.append(audit_entry)

    async def audit_entries(
        self, *, before: datetime | None = None, limit: int = 200
    ) -> Sequence[AuditEntry]:
        found = [
            audit_entry for audit_entry in self.audit if before is None or audit_entry.at < before
        ]
        return sorted(found, key=lambda audit_entry: audit_entry.at)[::-1][: max(limit, 0)]

    async def names_in_audit(self, ids: Collection[str]) -> Mapping[str, str]:
        names = {user.id: user.name for user in self.by_id.values()}
        names |= {link.id: link.label for link in self.links.values()}
        names |= {key.id: key.name for key in self.api_keys.values()}
        return {one: name for one, name in names.items() if one in ids}

    async def delete_older(self, before: datetime) -> int:
        conversations, _ = self.chats.destroy(lambda stored: stored.updated_at < before)
        return conversations

    # --- inside -------------------------------------------------------------------------------

    def _take_over(self, before: str, after: str) -> None:
        for key, stored in self.chats.stored.items():
            if stored.owner_id == before:
                self.chats.stored[key] = replace(stored, owner_id=after)
        for key, versions in self.chats.versions.items():
            if versions[-1].owner_id == before:
                self.chats.versions[key] = [replace(preset, owner_id=after) for preset in versions]
        for key, link in self.links.items():
            if link.owner_id == before:
                self.links[key] = replace(link, owner_id=after)

    def _rows(self) -> int:
        kinds: tuple[Sized, ...] = (
            self.by_id,
            self.open_sessions,
            self.one_time_links,
            self.links,
            self.use,
            self.api_keys,
            self.use_by_key,
        )
        return sum(map(len, kinds))

    def _is_good(self, one_time: OneTimeLink) -> bool:
        if one_time.kind is OneTimeLinkKind.SETUP:
            return not self.by_id
        if one_time.kind is OneTimeLinkKind.RESET:
            return not self.by_id[one_time.user_id or ""].disabled
        return True

    def _refuse_last_admin(self, user: User) -> None:
        admins = [
            other.id
            for other in self.by_id.values()
            if other.role is AccountRole.ADMIN and not other.disabled
        ]
        if admins == [user.id]:
            raise LastAdmin

    def _drop_sessions(self, user_id: str, besides: str | None = None) -> int:
        deleted = {
            key
            for key, session in self.open_sessions.items()
            if session.user_id == user_id and session.id != besides
        }
        for key in deleted:
            del self.open_sessions[key]
        return len(deleted)

    def _drop_resets(self, user_id: str) -> None:
        self.one_time_links = {
            key: stored for key, stored in self.one_time_links.items() if stored.user_id != user_id
        }

    def _key_of(self, link_id: str) -> str:
        for key, link in self.links.items():
            if link.id == link_id:
                return key
        raise NotFound

    def _end_sessions_at(self, link_id: str, ends_at: datetime) -> None:
        guests = {user.id for user in self.by_id.values() if user.guest_link_id == link_id}
        for key, stored in self.open_sessions.items():
            if stored.user_id in guests:
                ends = min(stored.expires_at, ends_at)
                self.open_sessions[key] = replace(stored, expires_at=ends)

    def _revoke_links_of(self, user_id: str) -> None:
        for key, link in self.links.items():
            if link.owner_id == user_id:
                self._revoke(key)

    def _revoke(self, key: str) -> None:
        link = self.links[key]
        self.links[key] = replace(link, revoked=True)
        for user in self.by_id.values():
            if user.guest_link_id == link.id:
                self._drop_sessions(user.id)
