"""Administration of accounts. Every call by another user raises NotFound."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from chat.accounts.access import refuse_unless_admin, visible_owner
from chat.accounts.base import AccountBase
from chat.accounts.credentials import new_token, token_hash
from chat.accounts.models import AccountRole, Action, AuditEntry, OneTimeLink, OneTimeLinkKind, User
from chat.errors import BadRequest

INVITE_LASTS = timedelta(days=7)
RESET_LASTS = timedelta(hours=24)
MAX_AUDIT_ENTRIES = 1000


class Administration(AccountBase):
    """Account operations for administrators. Each but `owner_names` raises NotFound for others."""

    async def users(self, user: User) -> Sequence[User]:
        """All users including guests, oldest first."""
        refuse_unless_admin(user)
        return await self._store.users()

    async def owner_names(self, user: User) -> Mapping[str, str]:
        """The names, by id, of the users whose rows the user sees. Raises NotFound for guests."""
        owners = await self._store.users() if visible_owner(user) is None else [user]
        return {owner.id: owner.name for owner in owners}

    async def invite(self, user: User, role: AccountRole) -> str:
        """Create an invitation; return its token. Raises BadRequest for the role of a guest."""
        refuse_unless_admin(user)
        _refuse_guest_role(role)
        return await self._add_one_time_link(user, OneTimeLinkKind.INVITE, role, INVITE_LASTS)

    async def reset(self, user: User, user_id: str) -> str:
        """Create a password reset link; return its token.

        The old password stays valid until the link is used. Raises BadRequest for a guest.
        """
        refuse_unless_admin(user)
        target = await self._store.user(user_id)
        _refuse_guest_role(target.role)
        return await self._add_one_time_link(
            user, OneTimeLinkKind.RESET, target.role, RESET_LASTS, user_id
        )

    async def set_role(self, user: User, user_id: str, role: AccountRole) -> User:
        """Change the role. Raises LastAdmin, and BadRequest from or to the role of a guest."""
        refuse_unless_admin(user)
        _refuse_guest_role(role)
        _refuse_guest_role((await self._store.user(user_id)).role)
        audit_entry = self._audit_entry(user.id, Action.SET_ROLE, user_id, role)
        return self._changed(await self._store.change_user(user_id, audit_entry, role=role))

    async def disable(self, user: User, user_id: str) -> User:
        """Disable the account and end all its sessions. Raises LastAdmin."""
        refuse_unless_admin(user)
        audit_entry = self._audit_entry(user.id, Action.DISABLE, user_id)
        return self._changed(await self._store.change_user(user_id, audit_entry, disabled=True))

    async def enable(self, user: User, user_id: str) -> User:
        refuse_unless_admin(user)
        audit_entry = self._audit_entry(user.id, Action.ENABLE, user_id)
        return self._changed(await self._store.change_user(user_id, audit_entry, disabled=False))

    async def delete(self, user: User, user_id: str) -> int:
        """Delete an account with all its rows; return their number. Raises LastAdmin."""
        refuse_unless_admin(user)
        return await self._delete(user, user_id)

    async def audit_entries(
        self, user: User, before: datetime | None = None, limit: int = 200
    ) -> Sequence[AuditEntry]:
        """Audit entries older than `before`, newest first."""
        refuse_unless_admin(user)
        return await self._store.audit_entries(
            before=before, limit=min(max(limit, 0), MAX_AUDIT_ENTRIES)
        )

    async def _delete(self, user: User, user_id: str) -> int:
        audit_entry = self._audit_entry(user.id, Action.DELETE, user_id)
        rows = await self._store.delete_user(user_id, audit_entry)
        self._sessions.invalidate()
        return rows

    async def _add_one_time_link(
        self,
        user: User,
        kind: OneTimeLinkKind,
        role: AccountRole,
        lasts: timedelta,
        user_id: str | None = None,
    ) -> str:
        token = new_token()
        one_time = OneTimeLink(kind, role, user.id, self._clock() + lasts, user_id)
        action = Action.RESET if kind is OneTimeLinkKind.RESET else Action.INVITE
        audit_entry = self._audit_entry(user.id, action, user_id or "", role)
        await self._store.add_one_time_link(token_hash(token), one_time, audit_entry)
        return token

    def _changed(self, user: User) -> User:
        self._sessions.invalidate()
        return user


def _refuse_guest_role(role: AccountRole) -> None:
    if role is AccountRole.GUEST:
        raise BadRequest("Guests come by guest links, and have no password and no other rank.")
