"""Single sign-on: users authenticated by an OpenID provider or by a proxy.

An account is identified by issuer and subject, because names may be reassigned.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from chat.accounts.credentials import MAX_NAME, check_name
from chat.accounts.errors import BadName, NameTaken, ProviderRefused
from chat.accounts.models import AccountRole, Action, AuditEntry, Clock, User
from chat.accounts.ports import UserStore
from chat.accounts.sessions import Sessions
from chat.errors import NotFound

MOST_NAMESAKES = 100


@dataclass(frozen=True, slots=True)
class ExternalIdentity:
    """An identity from an issuer. `subject` identifies the user there, `name` is for display."""

    issuer: str
    subject: str
    name: str

    @property
    def user_id(self) -> str:
        """The id of the account here, derived from issuer and subject."""
        return hashlib.sha256(f"{self.issuer}\n{self.subject}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A sign-in in progress: the URL for the browser, and the values that its return must match."""

    url: str
    state: str
    nonce: str
    verifier: str
    return_to: str


class IdentityProvider(Protocol):
    """Authenticates users with an external provider. Raises ProviderRefused."""

    async def begin(self, return_to: str) -> PendingSignIn: ...

    async def finish(
        self, pending: PendingSignIn, query: Mapping[str, str]
    ) -> ExternalIdentity: ...


class SingleSignOn:
    """Signs in users that an external provider has authenticated."""

    def __init__(self, store: UserStore, sessions: Sessions, clock: Clock) -> None:
        self._store = store
        self._sessions = sessions
        self._clock = clock

    async def sign_in(
        self, vouched: ExternalIdentity, *, allow_new: bool, address: str, device: str
    ) -> str:
        """The token of a new session. `allow_new`: an unknown user becomes a member.

        New users are refused before there is an administrator. Raises ProviderRefused.
        """
        try:
            user = await self._store.user(vouched.user_id)
        except NotFound:
            if not (allow_new and await self._store.has_users()):
                raise ProviderRefused from None
            user = await self._join(vouched)
        if user.disabled:
            raise ProviderRefused
        return await self._sessions.begin(user, address=address, device=device)

    async def _join(self, vouched: ExternalIdentity) -> User:
        now = self._clock()
        audit_entry = AuditEntry(now, vouched.user_id, Action.JOIN, vouched.user_id, "provider")
        for number in range(1, MOST_NAMESAKES):
            suffix = f" {number}" if number > 1 else ""
            try:
                name = check_name(vouched.name[: MAX_NAME - len(suffix)] + suffix)
                user = User(vouched.user_id, name, AccountRole.MEMBER, now)
                await self._store.add_user(user, None, audit_entry)
            except NameTaken:
                continue
            except BadName:
                break
            return user
        raise ProviderRefused
