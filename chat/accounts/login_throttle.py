"""How often somebody may be wrong about a password. In memory: a restart forgives.

Counts failures for each account and for each address. Nobody can shut out the owner of an account:
an address that has signed in to it before is measured by its own failures only, and no other
address alone has failures enough. Knows no password and no store.
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
"""Failures of one address that count for one account: the address is shut out before that is."""

MOST_KEYS = 10_000
"""Of each table; the longest untouched goes first."""

NETWORK_BITS = 64
"""What one household has of IPv6: an address there costs nothing."""


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """One failure: when, in seconds of the timer, and from where."""

    at: float
    source: str


class FailedAttempts:
    """The failures of the last minutes, by key."""

    def __init__(self, timer: Timer, share: int = FAILURES) -> None:
        self._share = share
        self._recent: TTLCache[str, list[FailedAttempt]] = TTLCache(MOST_KEYS, WINDOW_S, timer)

    def wait_s(self, key: str, now: float) -> float:
        """How many seconds until one more attempt is allowed; zero if it is now."""
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
    """A password being checked. It counts as wrong until `LoginThrottle.forgive` says otherwise."""

    failure: FailedAttempt
    places: tuple[tuple[FailedAttempts, str], ...]


class LoginThrottle:
    """Refuses to check passwords for who was wrong too often."""

    def __init__(self, timer: Timer = time.monotonic) -> None:
        self._timer = timer
        self._by_account = FailedAttempts(timer, share=SHARE)
        self._by_address = FailedAttempts(timer)
        self._by_user = FailedAttempts(timer)
        self._by_key_sender = FailedAttempts(timer)
        self._trusted_sources: LRUCache[tuple[str, str], None] = LRUCache(MOST_KEYS)

    def sign_in(self, user_id: str, address: str) -> Attempt:
        """Before the password is checked. Raises TooManyAttempts."""
        network = network_of(address)
        places = [(self._by_address, network)]
        if (user_id, network) not in self._trusted_sources:
            places.append((self._by_account, user_id))
        return self._attempt(network, *places)

    def confirm(self, user_id: str) -> Attempt:
        """Before somebody who is signed in proves it once more. Raises TooManyAttempts."""
        return self._attempt(user_id, (self._by_user, user_id))

    def wrong_key(self, address: str) -> None:
        """Somebody came with a key that is none. Raises TooManyAttempts.

        Asked after the key was looked at, so that it shuts nobody out who has a good one.
        """
        network = network_of(address)
        self._attempt(network, (self._by_key_sender, network))

    def forgive(self, attempt: Attempt) -> None:
        """The password was right."""
        for failures, key in attempt.places:
            failures.take_back(key, attempt.failure)

    def remember(self, user_id: str, address: str) -> None:
        """The account was signed in to from that address."""
        self._trusted_sources[user_id, network_of(address)] = None

    def _attempt(self, source: str, *places: tuple[FailedAttempts, str]) -> Attempt:
        failure = FailedAttempt(self._timer(), source)
        wait_s = max(failures.wait_s(key, failure.at) for failures, key in places)
        if wait_s > 0:
            raise TooManyAttempts(retry_after_s=math.ceil(wait_s))
        # Counted before it is checked: a thousand guesses at once are a thousand guesses.
        for failures, key in places:
            failures.add(key, failure)
        return Attempt(failure, places)


def network_of(address: str) -> str:
    """What counts as one address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]  # a socket has no address, a proxy may say anything
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), NETWORK_BITS), strict=False))
