"""What the parts of the accounts share: the store, the clock, the sessions, who may do what."""

import time
from datetime import timedelta

from chat.accounts.last_use import LastUse
from chat.accounts.login_throttle import LoginThrottle
from chat.accounts.models import AccountRole, Action, AuditEntry, Clock, Timer, User, utc_now
from chat.accounts.ports import AccountStore, PasswordHasher
from chat.accounts.sessions import ABSOLUTE, IDLE, Sessions
from chat.errors import NotFound


class AccountBase:
    """The ground that each subject of `chat.accounts.Accounts` stands on."""

    def __init__(
        self,
        store: AccountStore,
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
        self._throttle = LoginThrottle(timer)
        self._used_keys = LastUse(timer)

    def _entry(
        self, user_id: str, action: Action, target: str = "", detail: str = ""
    ) -> AuditEntry:
        return AuditEntry(self._clock(), user_id, action, target, detail)


def refuse_unless_admin(user: User) -> None:
    """Raises NotFound: who is no administrator sees nothing of what there is."""
    if user.rank is not AccountRole.ADMIN:
        raise NotFound


def refuse_guests(user: User) -> None:
    """Raises NotFound."""
    if user.rank is AccountRole.GUEST:
        raise NotFound
