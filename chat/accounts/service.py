"""The service of accounts, composed of one part for each kind of thing that it manages.

Knows no cookie, no SQL and no way to hash a password.
"""

import time
from datetime import timedelta

from chat.accounts.api_keys import Keys
from chat.accounts.guests import Guests
from chat.accounts.login_throttle import LoginThrottle
from chat.accounts.models import Clock, Timer, utc_now
from chat.accounts.one_time_links import OneTimeLinks
from chat.accounts.passwords import Passwords
from chat.accounts.ports import PasswordHasher, ServiceStore
from chat.accounts.sessions import ABSOLUTE, IDLE, Sessions
from chat.accounts.sso import SingleSignOn
from chat.accounts.users import Users


class Accounts:
    """The parts over one store. `idle` and `absolute` are the lifetimes of a session.

    They share the cache of sessions, which changes of a user clear, and the count of failed
    sign-ins.
    """

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
        throttle = LoginThrottle(timer)
        self.sessions = Sessions(store, clock, idle=idle, absolute=absolute, timer=timer)
        self.passwords = Passwords(store, hasher, self.sessions, throttle, clock)
        self.one_time_links = OneTimeLinks(store, hasher, self.sessions, throttle, clock)
        self.users = Users(store, self.sessions, self.passwords, clock)
        self.guests = Guests(store, self.sessions, clock)
        self.keys = Keys(store, throttle, clock, timer)
        self.sso = SingleSignOn(store, self.sessions, clock)
