"""Passwords: signing in with one, changing it, and confirming an action by it."""

from chat.accounts.credentials import check_name, check_password, prepare_password
from chat.accounts.errors import BadName, WrongPassword
from chat.accounts.login_throttle import LoginThrottle
from chat.accounts.models import Action, AuditEntry, Clock, SignedIn, User, name_key
from chat.accounts.ports import PasswordHasher, UserStore
from chat.accounts.sessions import Sessions
from chat.errors import NotFound


class Passwords:
    """Checks and changes passwords; failed checks are throttled."""

    def __init__(
        self,
        store: UserStore,
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
            await self._sessions.sign_out(token)
            raise WrongPassword
        self._throttle.remember(account, address)
        return token

    async def change(self, signed_in: SignedIn, old: str, new: str) -> None:
        """Change the user's own password and end every other session.

        Raises WrongPassword, TooManyAttempts, BadPassword.
        """
        user = signed_in.user
        await self.confirm(user, old)
        password_hash = await self._hasher.hash(check_password(new, user.name))
        audit_entry = AuditEntry(self._clock(), user.id, Action.CHANGE_PASSWORD, user.id)
        await self._store.set_password(
            user.id, password_hash, audit_entry, keep=signed_in.session_id
        )
        self._sessions.invalidate()

    async def confirm(self, user: User, password: str) -> None:
        """Check the password of a signed-in user. Raises WrongPassword, TooManyAttempts."""
        attempt = self._throttle.confirm(user.id)
        found, password_hash = await self._store.credentials(user.name) or (None, None)
        right = await self._matches(password, password_hash)
        if found is None or found.id != user.id or not right:
            raise WrongPassword
        self._throttle.forgive(attempt)

    async def _matches(self, password: str, password_hash: str | None) -> bool:
        prepared = prepare_password(password)
        if prepared is None:
            prepared, password_hash = "", None
        return await self._hasher.matches(prepared, password_hash)


def _normalized_name(typed: str) -> str:
    """The name in its stored form; empty, which no user has, where it is invalid."""
    try:
        return check_name(typed)
    except BadName:
        return ""
