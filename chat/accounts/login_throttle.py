"""How often somebody may be wrong about a password. In memory: a restart forgives.

Counts failures for each account and for each address. Nobody can shut out the owner of an account:
an address that has signed in to it before is measured by its own failures only, and no other
address alone has failures enough. Knows no password and no store.
"""

import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from chat.accounts.errors import TooManyAttempts

FAILURES = 15
WINDOW = timedelta(minutes=3)

SHARE = 10
"""Failures of one address that count for one account: the address is shut out before that is."""

MOST_KEYS = 10_000
"""Of each table; the longest untouched goes first."""

NETWORK_BITS = 64
"""What one household has of IPv6: an address there costs nothing."""


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """One failure: when, and from where."""

    at: datetime
    source: str


class FailedAttempts:
    """The failures of the last minutes, by key."""

    def __init__(self, share: int = FAILURES) -> None:
        self._share = share
        self._recent: OrderedDict[str, list[FailedAttempt]] = OrderedDict()

    def wait(self, key: str, now: datetime) -> timedelta:
        """How long until one more attempt is allowed; zero if it is now."""
        recent = self._since(key, now - WINDOW)
        if len(recent) < FAILURES:
            return timedelta(0)
        return recent[-FAILURES].at + WINDOW - now

    def add(self, key: str, strike: FailedAttempt) -> None:
        recent = self._since(key, strike.at - WINDOW)
        if sum(other.source == strike.source for other in recent) < self._share:
            recent.append(strike)
        self._recent[key] = recent
        self._recent.move_to_end(key)
        if len(self._recent) > MOST_KEYS:
            self._recent.popitem(last=False)

    def take_back(self, key: str, strike: FailedAttempt) -> None:
        recent = self._recent.get(key, [])
        if strike in recent:
            recent.remove(strike)

    def _since(self, key: str, start: datetime) -> list[FailedAttempt]:
        return [strike for strike in self._recent.get(key, ()) if strike.at > start]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password being checked. It counts as wrong until `LoginThrottle.forgive` says otherwise."""

    strike: FailedAttempt
    places: tuple[tuple[FailedAttempts, str], ...]


class LoginThrottle:
    """Refuses to check passwords for who was wrong too often."""

    def __init__(self) -> None:
        self._by_account = FailedAttempts(share=SHARE)
        self._by_address = FailedAttempts()
        self._by_person = FailedAttempts()
        self._by_key_sender = FailedAttempts()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def sign_in(self, user_id: str, address: str, now: datetime) -> Attempt:
        """Before the password is checked. Raises TooManyAttempts."""
        network = network_of(address)
        places = [(self._by_address, network)]
        if (user_id, network) not in self._known:
            places.append((self._by_account, user_id))
        return self._attempt(FailedAttempt(now, network), *places)

    def confirm(self, user_id: str, now: datetime) -> Attempt:
        """Before somebody who is signed in proves it once more. Raises TooManyAttempts."""
        return self._attempt(FailedAttempt(now, user_id), (self._by_person, user_id))

    def wrong_key(self, address: str, now: datetime) -> None:
        """Somebody came with a key that is none. Raises TooManyAttempts.

        Asked after the key was looked at, so that it shuts nobody out who has a good one.
        """
        network = network_of(address)
        self._attempt(FailedAttempt(now, network), (self._by_key_sender, network))

    def forgive(self, attempt: Attempt) -> None:
        """The password was right."""
        for strikes, key in attempt.places:
            strikes.take_back(key, attempt.strike)

    def remember(self, user_id: str, address: str) -> None:
        """The account was signed in to from that address."""
        known = user_id, network_of(address)
        self._known[known] = None
        self._known.move_to_end(known)
        if len(self._known) > MOST_KEYS:
            self._known.popitem(last=False)

    @staticmethod
    def _attempt(strike: FailedAttempt, *places: tuple[FailedAttempts, str]) -> Attempt:
        wait = max(strikes.wait(key, strike.at) for strikes, key in places)
        if wait > timedelta(0):
            raise TooManyAttempts(retry_after_s=math.ceil(wait.total_seconds()))
        # Counted before it is checked: a thousand guesses at once are a thousand guesses.
        for strikes, key in places:
            strikes.add(key, strike)
        return Attempt(strike, places)


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
