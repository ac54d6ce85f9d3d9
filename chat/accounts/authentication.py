"""Who comes in: by a session or a key, or, where nobody has to sign in, as the local user.

Nobody has to on an address that only this machine reaches, until there are people. Knows no cookie
and no header.
"""

import time
from dataclasses import dataclass
from typing import Protocol

from chat.accounts.models import LOCAL, Principal, SignedIn, Timer
from chat.accounts.sign_in import Accounts

CACHE_S = 2.0
"""Lifetime of a cached negative `has_people()`: another process may make the first account."""


class UserCount(Protocol):
    """What is asked of the store."""

    async def has_users(self) -> bool: ...


class Authenticator(Protocol):
    """What stands before every route asks for each request."""

    async def who(self, token: str | None) -> SignedIn | None:
        """Who has that session token; None: nobody, they have to sign in."""
        ...

    async def principal(self, key: str, *, address: str) -> Principal:
        """Whose API key it is. Raises BadKey, TooManyAttempts.

        Where nobody has to sign in any key is as good as none: everybody is the local user.
        """
        ...

    async def has_users(self) -> bool:
        """Whether there is an account to sign in to."""
        ...


class OpenAuthenticator:
    """Without accounts: every request is the local user's."""

    async def who(self, token: str | None) -> SignedIn | None:
        return SignedIn(LOCAL, session_id="")

    async def principal(self, key: str, *, address: str) -> Principal:
        return Principal(LOCAL)

    async def has_users(self) -> bool:
        return False


@dataclass
class AccountAuthenticator:
    """Sessions of accounts. `sign_in_needed`: also while there are no people, so that nobody
    comes in before the administrator."""

    accounts: Accounts
    users: UserCount
    sign_in_needed: bool
    timer: Timer = time.monotonic
    _some: bool = False
    _looked_at: float | None = None

    async def who(self, token: str | None) -> SignedIn | None:
        if await self._everybody_is_local():
            return SignedIn(LOCAL, session_id="")
        return await self.accounts.signed_in(token) if token else None

    async def principal(self, key: str, *, address: str) -> Principal:
        if await self._everybody_is_local():
            return Principal(LOCAL)
        return await self.accounts.principal(key, address=address)

    async def has_users(self) -> bool:
        """Once there are people there always are: the last administrator cannot go."""
        now = self.timer()
        fresh = self._looked_at is not None and now - self._looked_at < CACHE_S
        if not (self._some or fresh):
            self._some, self._looked_at = await self.users.has_users(), now
        return self._some

    def invalidate(self) -> None:
        """The first account may just have been made."""
        self._looked_at = None

    async def _everybody_is_local(self) -> bool:
        return not (self.sign_in_needed or await self.has_users())
