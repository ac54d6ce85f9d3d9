"""State shared by the parts of the account service: store, clock, sessions and throttle."""

import time
from datetime import timedelta

from chat.accounts.last_use import LastUse
from chat.accounts.login_throttle import LoginThrottle
from chat.accounts.models import Action, AuditEntry, Clock, Timer, utc_now
from chat.accounts.ports import PasswordHasher, ServiceStore
from chat.accounts.sessions import ABSOLUTE, IDLE, Sessions


class AccountBase:
    """Base class of the parts of `chat.accounts.sign_in.Accounts`."""

    def __init__(
        self,
        store: ServiceStore,
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

    def _audit_entry(
        self, user_id: str, action: Action, target: str = "", detail: str = ""
    ) -> AuditEntry:
        return AuditEntry(self._clock(), user_id, action, target, detail)
