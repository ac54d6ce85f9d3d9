"""Sign-in: set-up, signing in and out, one-time links, and the user's own sessions and data.

Knows no cookie, no SQL and no way to hash a password. Administration is in `chat.accounts.admin`,
guests in `chat.accounts.guests`, API keys in `chat.accounts.api_keys`.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

from chat.accounts.access import is_guest
from chat.accounts.admin import Administration
from chat.accounts.api_keys import Keys
from chat.accounts.credentials import (
    check_name,
    check_password,
    new_token,
    prepare_password,
    token_hash,
)
from chat.accounts.errors import BadName, WrongPassword
from chat.accounts.guests import Guests
from chat.accounts.models import (
    AccountRole,
    Action,
    OneTimeLink,
    OneTimeLinkKind,
    Session,
    SignedIn,
    User,
    name_key,
)
from chat.accounts.sso import SingleSignOn
from chat.errors import NotFound

SETUP_LASTS = timedelta(hours=24)


class Accounts(Administration, Guests, SingleSignOn, Keys):
    """The service of accounts. `idle` and `absolute` are the lifetimes of a session.

    Tokens are bearer secrets of 256 bits.
    """

    async def setup_token(self) -> str | None:
        """A new token to create the first administrator; None when there are users.

        It replaces the previous token.
        """
        if await self._store.has_users():
            return None
        token, ends = new_token(), self._clock() + SETUP_LASTS
        one_time = OneTimeLink(
            OneTimeLinkKind.SETUP, AccountRole.ADMIN, created_by="", expires_at=ends
        )
        await self._store.add_one_time_link(
            token_hash(token), one_time, self._audit_entry("", Action.SETUP_LINK)
        )
        return token

    # --- signing in and out -------------------------------------------------------------------

    async def signed_in(self, token: str) -> SignedIn | None:
        """The session with that token; None if it is unknown or ended or the user is disabled."""
        return await self._sessions.find(token)

    async def sign_in(self, name: str, password: str, *, address: str, device: str) -> str:
        """The token of a new session. Raises WrongPassword, TooManyAttempts.

        An unknown name takes as long and raises the same as a wrong password.
        """
        normalized = _normalized_name(name)
        account = name_key(normalized)
        attempt = self._throttle.sign_in(account, address)
        found = await self._store.credentials(normalized)
        user, password_hash = found or (None, None)
        right = await self._matches(password, password_hash)
        if user is None or user.disabled or not right:
            raise WrongPassword
        self._throttle.forgive(attempt)
        try:
            token = await self._sessions.begin(user, address=address, device=device)
        except NotFound:  # disabled or deleted while the password was checked
            raise WrongPassword from None
        # A password change during the check ended the other sessions, but not this new one.
        if await self._store.credentials(normalized) != found:
            await self.sign_out(token)
            raise WrongPassword
        self._throttle.remember(account, address)
        return token

    async def sign_out(self, token: str) -> None:
        """End the session with that token, if there is one."""
        if signed_in := await self._sessions.find(token):
            audit_entry = self._audit_entry(signed_in.user.id, Action.SIGN_OUT, signed_in.user.id)
            with suppress(NotFound):  # it ended concurrently
                await self._store.end_session(signed_in.user.id, signed_in.session_id, audit_entry)
            self._sessions.invalidate()

    async def sign_out_everywhere(self, signed_in: SignedIn) -> None:
        """End every session of the user, including this one."""
        audit_entry = self._audit_entry(
            signed_in.user.id, Action.SIGN_OUT_EVERYWHERE, signed_in.user.id
        )
        await self._store.end_sessions(signed_in.user.id, audit_entry)
        self._sessions.invalidate()

    # --- one-time links -----------------------------------------------------------------------

    async def check_one_time_link(self, token: str) -> OneTimeLink:
        """A valid one-time link. Raises NotFound, also when it is expired or used."""
        one_time = await self._store.one_time_link(token_hash(token))
        if self._clock() >= one_time.expires_at:
            raise NotFound
        return one_time

    async def accept_one_time_link(
        self, token: str, *, name: str, password: str, address: str, device: str
    ) -> str:
        """Use a one-time link; return the token of a new session. A RESET link ignores the name.

        Raises NotFound, BadName, BadPassword, NameTaken; the link then stays usable.
        """
        one_time = await self.check_one_time_link(token)
        now, user = self._clock(), None
        if one_time.user_id is not None:
            name = (await self._store.user(one_time.user_id)).name
        else:
            name = check_name(name)
            user = User(uuid4().hex, name, one_time.role, now)
        password_hash = await self._hasher.hash(check_password(password, name))
        user_id = user.id if user else one_time.user_id or ""
        action = Action.JOIN if user else Action.CHANGE_PASSWORD
        audit_entry = self._audit_entry(user_id, action, user_id, one_time.kind)
        account = await self._store.use_one_time_link(
            token_hash(token), user, password_hash, audit_entry
        )
        self._sessions.invalidate()
        self._throttle.remember(name_key(account.name), address)
        return await self._sessions.begin(account, address=address, device=device)

    # --- own account --------------------------------------------------------------------------

    async def sessions(self, user: User) -> Sequence[Session]:
        """The user's open sessions, newest first."""
        return await self._sessions.of(user.id)

    async def end_session(self, user: User, session_id: str) -> None:
        """End one of the user's sessions. Raises NotFound."""
        audit_entry = self._audit_entry(user.id, Action.END_SESSION, user.id)
        await self._store.end_session(user.id, session_id, audit_entry)
        self._sessions.invalidate()

    async def change_password(self, signed_in: SignedIn, old: str, new: str) -> None:
        """Change the password and end every other session.

        Raises WrongPassword, TooManyAttempts, BadPassword.
        """
        user = signed_in.user
        await self._confirm(user, old)
        password_hash = await self._hasher.hash(check_password(new, user.name))
        audit_entry = self._audit_entry(user.id, Action.CHANGE_PASSWORD, user.id)
        await self._store.set_password(
            user.id, password_hash, audit_entry, keep=signed_in.session_id
        )
        self._sessions.invalidate()

    async def delete_my_data(self, user: User, password: str = "") -> int:
        """Delete the user's account and all their rows; return their number.

        Guests have no password. Raises WrongPassword, TooManyAttempts, LastAdmin.
        """
        if not is_guest(user):
            await self._confirm(user, password)
        return await self._delete(user, user.id)

    # --- inside -------------------------------------------------------------------------------

    async def _matches(self, password: str, password_hash: str | None) -> bool:
        prepared = prepare_password(password)
        if prepared is None:
            prepared, password_hash = "", None
        return await self._hasher.matches(prepared, password_hash)

    async def _confirm(self, user: User, password: str) -> None:
        """Raises WrongPassword, TooManyAttempts."""
        attempt = self._throttle.confirm(user.id)
        found, password_hash = await self._store.credentials(user.name) or (None, None)
        right = await self._matches(password, password_hash)
        if found is None or found.id != user.id or not right:
            raise WrongPassword
        self._throttle.forgive(attempt)


def _normalized_name(typed: str) -> str:
    """The name in its stored form; empty, which no user has, where it is invalid."""
    try:
        return check_name(typed)
    except BadName:
        return ""
