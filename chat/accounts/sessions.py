"""Signed-in browsers: a token in the cookie, its hash in the store, and when it ends.

Knows no password. What was found is believed for two seconds, so that a page with twenty requests
costs one look, and a change made by another process still takes hold at once for people.
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
from chat.errors import StoreFailed

log = logging.getLogger("qwen_chat.accounts")

IDLE = timedelta(days=14)
ABSOLUTE = timedelta(days=60)

CACHE_S = 2.0
"""Lifetime of a cached look at the store."""

MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class SessionCheck:
    """What the store said of a token, and when it was asked, in seconds of the timer."""

    at: float
    signed_in: SignedIn


class Sessions:
    """Begins, finds and forgets sessions. `idle` and `absolute` are how long they last."""

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
        self._looks = self._no_looks()
        self._used = LastUse(timer)

    async def begin(
        self, user: User, *, address: str, device: str, ends_at: datetime | None = None
    ) -> str:
        """The token of a new session. It ends at `ends_at` at the latest."""
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
        entry = AuditEntry(now, user.id, Action.SIGN_IN, user.id)
        await self._store.add_session(token_hash(token), session, entry)
        log.info("%s %s signed in from %s", user.rank, user.id, address)
        return token

    async def find(self, token: str) -> SignedIn | None:
        """Who has that token; None if nobody, or no longer."""
        key, now, looks = token_hash(token), self._clock(), self._looks
        look, asked_at = looks.get(key), self._timer()
        if look:
            return look.signed_in
        found = await self._store.session(key)
        if found is None or not self._lets_in(*found, now):
            return None
        session, person = found
        signed_in = SignedIn(person, session.id)
        # Into the looks it began with: what changed meanwhile has left them for new ones.
        looks[key] = SessionCheck(asked_at, signed_in)
        await self._touch(session, now)
        return signed_in

    async def of(self, user_id: str) -> Sequence[Session]:
        """Those that still let in, newest first."""
        now = self._clock()
        return [kept for kept in await self._store.sessions(user_id) if self._is_open(kept, now)]

    def look_anew(self) -> None:
        """Something has changed: believe nothing that was found before."""
        self._looks = self._no_looks()

    def _no_looks(self) -> TLRUCache[str, SessionCheck]:
        """An empty cache. A look expires by when the store was asked, however long that took."""
        return TLRUCache(MOST_REMEMBERED, lambda _, look, __: look.at + CACHE_S, timer=self._timer)

    def _lets_in(self, session: Session, user: User, now: datetime) -> bool:
        return not user.disabled and self._is_open(session, now)

    def _is_open(self, session: Session, now: datetime) -> bool:
        return now < min(session.expires_at, session.used_at + self._idle)

    async def _touch(self, session: Session, now: datetime) -> None:
        if self._used.is_news(session.id, session.used_at, now):
            with suppress(StoreFailed):  # a full disk still shows what is on it
                await self._store.touch_session(session.id, now)
