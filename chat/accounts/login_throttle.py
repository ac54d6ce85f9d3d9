"""Throttles failed sign-ins. The counts are in memory and are lost at a restart.

Counts failures by account and by address. An attacker cannot lock the owner out: for an address
that has signed in to the account before, only its own failures count; and one address contributes
at most `SHARE` failures to an account, which is below the limit. Knows no password and no store.
"""

import ipaddress
import math
import time
from dataclasses import dataclass

from cachetools import LRUCache, TTLCache

from chat.accounts.errors import TooManyAttempts
from chat.accounts.models import Timer

FAILURES = 15
WINDOW_S = 180.0

SHARE = 10
"""Most failures of one address that count for one account."""

MOST_KEYS = 10_000
"""Entries of each table; the least recently used is dropped."""

NETWORK_BITS = 64
"""IPv6 addresses are counted by /64 network, because one subscriber usually has a whole one."""


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """One failed attempt: its time in seconds of the timer, and its network."""

    at: float
    source: str


class FailedAttempts:
    """Failed attempts within `WINDOW_S`, by key."""

    def __init__(self, timer: Timer, share: int = FAILURES) -> None:
        self._share = share
        self._recent: TTLCache[str, list[FailedAttempt]] = TTLCache(MOST_KEYS, WINDOW_S, timer)

    def wait_s(self, key: str, now: float) -> float:
        """Seconds until the next attempt is allowed; zero if it is allowed now."""
        recent = self._since(key, now - WINDOW_S)
        if len(recent) < FAILURES:
            return 0.0
        return recent[-FAILURES].at + WINDOW_S - now

    def add(self, key: str, failure: FailedAttempt) -> None:
        recent = self._since(key, failure.at - WINDOW_S)
        if sum(other.source == failure.source for other in recent) < self._share:
            recent.append(failure)
        self._recent[key] = recent

    def take_back(self, key: str, failure: FailedAttempt) -> None:
        recent = self._recent.get(key, [])
        if failure in recent:
            recent.remove(failure)

    def _since(self, key: str, start: float) -> list[FailedAttempt]:
        return [failure for failure in self._recent.get(key, ()) if failure.at > start]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password check in progress. It counts as failed until `LoginThrottle.forgive` is called."""

    failure: FailedAttempt
    places: tuple[tuple[FailedAttempts, str], ...]


class LoginThrottle:
    """Limits failed password and key checks."""

    def __init__(self, timer: Timer = time.monotonic) -> None:
        self._timer = timer
        self._by_account = FailedAttempts(timer, share=SHARE)
        self._by_address = FailedAttempts(timer)
        self._by_user = FailedAttempts(timer)
        self._by_key_sender = FailedAttempts(timer)
        self._trusted_sources: LRUCache[tuple[str, str], None] = LRUCache(MOST_KEYS)

    def sign_in(self, user_id: str, address: str) -> Attempt:
        """Register an attempt before the password is checked. Raises TooManyAttempts."""
        network = network_of(address)
        places = [(self._by_address, network)]
        if (user_id, network) not in self._trusted_sources:
            places.append((self._by_account, user_id))
        return self._attempt(network, *places)

    def confirm(self, user_id: str) -> Attempt:
        """Register a re-authentication of a signed-in user. Raises TooManyAttempts."""
        return self._attempt(user_id, (self._by_user, user_id))

    def wrong_key(self, address: str) -> None:
        """Count a bad API key. Raises TooManyAttempts.

        Called after the lookup of the key, so that good keys are never throttled.
        """
        network = network_of(address)
        self._attempt(network, (self._by_key_sender, network))

    def forgive(self, attempt: Attempt) -> None:
        """Take a registered attempt back: the password was right."""
        for failures, key in attempt.places:
            failures.take_back(key, attempt.failure)

    def remember(self, user_id: str, address: str) -> None:
        """Trust this address for this account after a successful sign-in."""
        self._trusted_sources[user_id, network_of(address)] = None

    def _attempt(self, source: str, *places: tuple[FailedAttempts, str]) -> Attempt:
        failure = FailedAttempt(self._timer(), source)
        wait_s = max(failures.wait_s(key, failure.at) for failures, key in places)
        if wait_s > 0:
            raise TooManyAttempts(retry_after_s=math.ceil(wait_s))
        # Counted before the password is checked, so that concurrent guesses are all counted.
        for failures, key in places:
            failures.add(key, failure)
        return Attempt(failure, places)


def network_of(address: str) -> str:
    """The network that counts as one address: an IPv4 address or an IPv6 /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]  # a socket has no address, a proxy may say anything
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), NETWORK_BITS), strict=False))
