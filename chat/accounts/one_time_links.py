"""One-time links: the set-up of the first administrator, invitations and password resets.

The token of a link is a bearer secret of 256 bits.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from uuid import uuid4

from chat.accounts.access import refuse_guest_role, refuse_unless_admin
from chat.accounts.credentials import check_name, check_password, new_token, token_hash
from chat.accounts.login_throttle import LoginThrottle
from chat.accounts.models import (
    AccountRole,
    Action,
    AuditEntry,
    Clock,
    Invitation,
    OneTimeLink,
    OneTimeLinkKind,
    User,
    name_key,
)
from chat.accounts.ports import OneTimeLinkStore, PasswordHasher, UserStore
from chat.accounts.sessions import Sessions
from chat.errors import NotFound

SETUP_LASTS = timedelta(hours=24)
INVITE_LASTS = timedelta(days=7)
RESET_LASTS = timedelta(hours=24)


class LinkStore(OneTimeLinkStore, UserStore, Protocol):
    """The links, and the users that they are for."""


class OneTimeLinks:
    """Creates links, for administrators, and accepts them."""

    def __init__(
        self,
        store: LinkStore,
        hasher: PasswordHasher,
        sessions: Sessions,
        throttle: LoginThrottle,
        clock: Clock,
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._sessions = sessions
        self._throttle = throttle
        self._clock = clock

    async def set_up(self) -> str | None:
        """A new token to create the first administrator; None when there are users.

        It replaces the previous token.
        """
        if await self._store.has_users():
            return None
        token, ends = new_token(), self._clock() + SETUP_LASTS
        one_time = OneTimeLink(
            OneTimeLinkKind.SETUP, AccountRole.ADMIN, created_by="", expires_at=ends
        )
        audit_entry = AuditEntry(self._clock(), "", Action.SETUP_LINK)
        await self._store.add_one_time_link(token_hash(token), one_time, audit_entry)
        return token

    async def invite(self, user: User, role: AccountRole) -> str:
        """Create an invitation; return its token.

        Raises NotFound unless by an administrator, BadRequest for the role of a guest.
        """
        refuse_unless_admin(user)
        refuse_guest_role(role)
        return await self._add(user, OneTimeLinkKind.INVITE, role, INVITE_LASTS)

    async def invitations(self, user: User) -> Sequence[Invitation]:
        """Those that can still be used, the newest first. Raises NotFound unless by an admin."""
        refuse_unless_admin(user)
        return await self._store.invitations(self._clock())

    async def withdraw(self, user: User, invitation_id: str) -> None:
        """Take an invitation back. Raises NotFound, also unless by an administrator."""
        refuse_unless_admin(user)
        audit_entry = AuditEntry(self._clock(), user.id, Action.WITHDRAW_INVITATION)
        await self._store.withdraw_invitation(invitation_id, audit_entry)

    async def reset(self, user: User, user_id: str) -> str:
        """Create a password reset link; return its token.

        The old password stays valid until the link is used. Raises NotFound unless by an
        administrator, BadRequest for a guest.
        """
        refuse_unless_admin(user)
        target = await self._store.user(user_id)
        refuse_guest_role(target.role)
        return await self._add(user, OneTimeLinkKind.RESET, target.role, RESET_LASTS, user_id)

    async def check(self, token: str) -> OneTimeLink:
        """A valid one-time link. Raises NotFound, also when it is expired or used."""
        one_time = await self._store.one_time_link(token_hash(token))
        if self._clock() >= one_time.expires_at:
            raise NotFound
        return one_time

    async def accept(
        self, token: str, *, name: str, password: str, address: str, device: str
    ) -> str:
        """Use a one-time link; return the token of a new session. A RESET link ignores the name.

        Raises NotFound, BadName, BadPassword, NameTaken; the link then stays usable.
        """
        one_time = await self.check(token)
        now, user = self._clock(), None
        if one_time.user_id is not None:
            name = (await self._store.user(one_time.user_id)).name
        else:
            name = check_name(name)
            user = User(uuid4().hex, name, one_time.role, now)
        password_hash = await self._hasher.hash(check_password(password, name))
        user_id = user.id if user else one_time.user_id or ""
        action = Action.JOIN if user else Action.CHANGE_PASSWORD
        audit_entry = AuditEntry(self._clock(), user_id, action, user_id, one_time.kind)
        account = await self._store.use_one_time_link(
            token_hash(token), user, password_hash, audit_entry
        )
        self._sessions.invalidate()
        self._throttle.remember(name_key(account.name), address)
        return await self._sessions.begin(account, address=address, device=device)

    async def _add(
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
        audit_entry = AuditEntry(self._clock(), user.id, action, user_id or "", role)
        await self._store.add_one_time_link(token_hash(token), one_time, audit_entry)
        return token
