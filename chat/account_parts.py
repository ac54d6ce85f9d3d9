"""What the parts of the accounts share: the store, the clock, the sessions, who may do what."""

import time
from datetime import timedelta

from chat.errors import NotFound
from chat.last_use import LastUse
from chat.people import Action, Clock, Entry, Person, Rank, Timer, utc_now
from chat.people_ports import PasswordHasher, PeopleStore
from chat.sessions import ABSOLUTE, IDLE, Sessions
from chat.throttle import Throttle


class AccountParts:
    """The ground that each subject of `chat.accounts.Accounts` stands on."""

    def __init__(
        self,
        store: PeopleStore,
        hasher: PasswordHasher,
        clock: Clock = utc_now,
        *,
        idle: timedelta = IDLE,
        absolute: timedelta = ABSOLUTE,
        timer: Timer = time.monotonic,
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._clock = clock
        self._sessions = Sessions(store, clock, idle=idle, absolute=absolute, timer=timer)
        self._throttle = Throttle(timer)
        self._used_keys = LastUse(timer)

    def _entry(self, actor: str, action: Action, target: str = "", detail: str = "") -> Entry:
        return Entry(self._clock(), actor, action, target, detail)


def refuse_unless_admin(actor: Person) -> None:
    """Raises NotFound: who is no administrator sees nothing of what there is."""
    if actor.rank is not Rank.ADMIN:
        raise NotFound


def refuse_guests(actor: Person) -> None:
    """Raises NotFound."""
    if actor.rank is Rank.GUEST:
        raise NotFound
