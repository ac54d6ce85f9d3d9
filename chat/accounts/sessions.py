"""Sessions of signed-in browsers: the cookie has a token, the store has its digest.

A session that was found is cached for `CACHE_S`, so that a page with twenty requests costs one
query. A change made by another process takes effect after that time at the latest.
"""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from cachetools import TLRUCache

from chat.accounts.credentials import clean_device, new_token, token_hash
from chat.accounts.last_use import LastUse
from chat.accounts.models import Action, AuditEntry, Clock, Session, SignedIn, Timer, User
from chat.accounts.ports import SessionStore
from chat.errors import NotFound, StoreFailed

log = logging.getLogger("qwen_chat.accounts")

IDLE = timedelta(days=14)
ABSOLUTE = timedelta(days=60)

CACHE_S = 2.0
"""Lifetime of a cached session, in seconds."""

MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class SessionCheck:
    """A cached session. `at` is when the store was asked, in seconds of the timer."""

    at: float
    signed_in: SignedIn


class Sessions:
    """Starts, finds and ends sessions.

    One ends `idle` after its last use, and `absolute` after its start.
    """

    def __init__(
        self,
        store: SessionStore,
        clock: Clock,
        *,
        idle: timedelta = IDLE,
        absolute: timedelta = ABSOLUTE,
        timer: Timer = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._idle = idle
        self._absolute = absolute
        self._timer = timer
        self._cache = self._empty_cache()
        self._used = LastUse(timer)

    async def begin(
        self, user: User, *, address: str, device: str, ends_at: datetime | None = None
    ) -> str:
        """Start a session that ends at `ends_at` at the latest; return its token."""
        now = self._clock()
        latest = now + self._absolute
        token = new_token()
        session = Session(
            id=uuid4().hex,
            user_id=user.id,
            created_at=now,
            used_at=now,
            expires_at=min(latest, ends_at or latest),
            device=clean_device(device),
        )
        audit_entry = AuditEntry(now, user.id, Action.SIGN_IN, user.id)
        await self._store.add_session(token_hash(token), session, audit_entry)
        log.info("%s %s signed in from %s", user.role, user.id, address)
        return token

    async def find(self, token: str) -> SignedIn | None:
        """The session with that token; None if it is unknown or ended or the user is disabled."""
        key, now, cache = token_hash(token), self._clock(), self._cache
        cached, checked_at = cache.get(key), self._timer()
        if cached:
            return cached.signed_in
        found = await self._store.session(key)
        if found is None or not self._lets_in(*found, now):
            return None
        session, user = found
        signed_in = SignedIn(user, session.id)
        # Into the cache from before the query: if the cache was cleared during the query, this
        # result may be stale and must not enter the new cache.
        cache[key] = SessionCheck(checked_at, signed_in)
        await self._touch(session, now)
        return signed_in

    async def sign_out(self, token: str) -> None:
        """End the session with that token, if there is one."""
        if signed_in := await self.find(token):
            user_id = signed_in.user.id
            audit_entry = AuditEntry(self._clock(), user_id, Action.SIGN_OUT, user_id)
            with suppress(NotFound):  # it ended concurrently
                await self._store.end_session(user_id, signed_in.session_id, audit_entry)
            self.invalidate()

    async def end(self, user: User, session_id: str) -> None:
        """End one of the user's sessions. Raises NotFound."""
        audit_entry = AuditEntry(self._clock(), user.id, Action.END_SESSION, user.id)
        await self._store.end_session(user.id, session_id, audit_entry)
        self.invalidate()

    async def end_all(self, user: User) -> None:
        """End every session of the user."""
        audit_entry = AuditEntry(self._clock(), user.id, Action.SIGN_OUT_EVERYWHERE, user.id)
        await self._store.end_sessions(user.id, audit_entry)
        self.invalidate()

    async def of(self, user: User) -> Sequence[Session]:
        """The open sessions of the user, newest first."""
        now = self._clock()
        return [
            session
            for session in await self._store.sessions(user.id)
            if self._is_open(session, now)
        ]

    def invalidate(self) -> None:
        """Clear the session cache."""
        self._cache = self._empty_cache()

    def _empty_cache(self) -> TLRUCache[str, SessionCheck]:
        """An empty cache, whose lifetime counts from the start of the query."""
        return TLRUCache(
            MOST_REMEMBERED, lambda _, check, __: check.at + CACHE_S, timer=self._timer
        )

    def _lets_in(self, session: Session, user: User, now: datetime) -> bool:
        return not user.disabled and self._is_open(session, now)

    def _is_open(self, session: Session, now: datetime) -> bool:
        return now < min(session.expires_at, session.used_at + self._idle)

    async def _touch(self, session: Session, now: datetime) -> None:
        if self._used.is_news(session.id, session.used_at, now):
            with suppress(StoreFailed):  # reading must work on a full disk
                await self._store.touch_session(session.id, now)
