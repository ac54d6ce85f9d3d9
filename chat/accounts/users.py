"""Administration of users, and the deletion of one's own account."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chat.accounts.access import is_guest, refuse_guest_role, refuse_unless_admin, visible_owner
from chat.accounts.models import AccountRole, Action, AuditEntry, Clock, User
from chat.accounts.passwords import Passwords
from chat.accounts.ports import AuditLog, UserStore
from chat.accounts.sessions import Sessions

MAX_AUDIT_ENTRIES = 1000


class AdministrationStore(UserStore, AuditLog, Protocol):
    """The users, and the audit log of what was done to them."""


class Users:
    """Operations for administrators; each raises NotFound for others.

    `owner_names` is for members too, `delete_own` for everybody.
    """

    def __init__(
        self, store: AdministrationStore, sessions: Sessions, passwords: Passwords, clock: Clock
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._passwords = passwords
        self._clock = clock

    async def list(self, user: User) -> Sequence[User]:
        """All users including guests, oldest first."""
        refuse_unless_admin(user)
        return await self._store.users()

    async def owner_names(self, user: User) -> Mapping[str, str]:
        """The names, by id, of the users whose rows the user sees. Raises NotFound for guests."""
        owners = await self._store.users() if visible_owner(user) is None else [user]
        return {owner.id: owner.name for owner in owners}

    async def set_role(self, user: User, user_id: str, role: AccountRole) -> User:
        """Change the role. Raises LastAdmin, and BadRequest from or to the role of a guest."""
        refuse_unless_admin(user)
        refuse_guest_role(role)
        refuse_guest_role((await self._store.user(user_id)).role)
        audit_entry = AuditEntry(self._clock(), user.id, Action.SET_ROLE, user_id, role)
        return self._changed(await self._store.change_user(user_id, audit_entry, role=role))

    async def disable(self, user: User, user_id: str) -> User:
        """Disable the account and end all its sessions. Raises LastAdmin."""
        refuse_unless_admin(user)
        audit_entry = AuditEntry(self._clock(), user.id, Action.DISABLE, user_id)
        return self._changed(await self._store.change_user(user_id, audit_entry, disabled=True))

    async def enable(self, user: User, user_id: str) -> User:
        refuse_unless_admin(user)
        audit_entry = AuditEntry(self._clock(), user.id, Action.ENABLE, user_id)
        return self._changed(await self._store.change_user(user_id, audit_entry, disabled=False))

    async def delete(self, user: User, user_id: str) -> int:
        """Delete an account with all its rows; return their number. Raises LastAdmin."""
        refuse_unless_admin(user)
        return await self._delete(user, user_id)

    async def delete_own(self, user: User, password: str = "") -> int:
        """Delete the user's own account and all its rows; return their number.

        Guests have no password. Raises WrongPassword, TooManyAttempts, LastAdmin.
        """
        if not is_guest(user):
            await self._passwords.confirm(user, password)
        return await self._delete(user, user.id)

    async def audit_entries(
        self, user: User, before: datetime | None = None, limit: int = 200
    ) -> Sequence[AuditEntry]:
        """Audit entries older than `before`, newest first."""
        refuse_unless_admin(user)
        return await self._store.audit_entries(
            before=before, limit=min(max(limit, 0), MAX_AUDIT_ENTRIES)
        )

    async def names_in_audit(
        self, user: User, audit_entries: Sequence[AuditEntry]
    ) -> Mapping[str, str]:
        """Names by id of what the entries tell of; what was deleted has none."""
        refuse_unless_admin(user)
        ids = {one for entry in audit_entries for one in (entry.user_id, entry.target) if one}
        return await self._store.names_in_audit(ids)

    async def _delete(self, user: User, user_id: str) -> int:
        audit_entry = AuditEntry(self._clock(), user.id, Action.DELETE, user_id)
        rows = await self._store.delete_user(user_id, audit_entry)
        self._sessions.invalidate()
        return rows

    def _changed(self, user: User) -> User:
        self._sessions.invalidate()
        return user
