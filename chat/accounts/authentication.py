"""Authentication of a request: by a session, by an API key, or as the local user.

On a loopback address every request is the local user's until the first account exists. Knows no
cookie and no header.
"""

import time
from dataclasses import dataclass
from typing import Protocol

from chat.accounts.models import LOCAL, Principal, SignedIn, Timer
from chat.accounts.service import Accounts

CACHE_S = 2.0
"""Lifetime of a cached negative `has_users()`: another process may make the first account."""


class UserCount(Protocol):
    """Whether the store has any account."""

    async def has_users(self) -> bool: ...


class Authenticator(Protocol):
    """Authenticates requests for the middleware."""

    async def authenticate(self, token: str | None) -> SignedIn | None:
        """The session with that token; None: sign-in is needed."""
        ...

    async def principal(self, key: str, *, address: str) -> Principal:
        """The principal of an API key. Raises BadKey, TooManyAttempts.

        Without accounts any key is accepted as the local user's.
        """
        ...

    async def has_users(self) -> bool:
        """Whether there is an account to sign in to."""
        ...


class OpenAuthenticator:
    """Without accounts: every request is the local user's."""

    async def authenticate(self, token: str | None) -> SignedIn | None:
        return SignedIn(LOCAL, session_id="")

    async def principal(self, key: str, *, address: str) -> Principal:
        return Principal(LOCAL)

    async def has_users(self) -> bool:
        return False


@dataclass
class AccountAuthenticator:
    """Authenticates by accounts. `sign_in_needed`: also before the first account exists, so that
    no request is served before an administrator has been set up."""

    accounts: Accounts
    users: UserCount
    sign_in_needed: bool
    timer: Timer = time.monotonic
    _has_users: bool = False
    _looked_at: float | None = None

    async def authenticate(self, token: str | None) -> SignedIn | None:
        if await self._is_open():
            return SignedIn(LOCAL, session_id="")
        return await self.accounts.sessions.find(token) if token else None

    async def principal(self, key: str, *, address: str) -> Principal:
        if await self._is_open():
            return Principal(LOCAL)
        return await self.accounts.keys.principal(key, address=address)

    async def has_users(self) -> bool:
        """A positive result is cached for good: the last administrator cannot be deleted."""
        now = self.timer()
        fresh = self._looked_at is not None and now - self._looked_at < CACHE_S
        if not (self._has_users or fresh):
            self._has_users, self._looked_at = await self.users.has_users(), now
        return self._has_users

    def invalidate(self) -> None:
        """Forget a cached negative result: the first account may just have been created."""
        self._looked_at = None

    async def _is_open(self) -> bool:
        return not (self.sign_in_needed or await self.has_users())
