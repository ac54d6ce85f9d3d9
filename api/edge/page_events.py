"""How many tabs and events of the page one user, one address and all together may have.

Gradio keeps what a tab has shown under a hash that the browser makes up: 0.3 MiB for an empty page,
more with drafts and files, and 10,000 of them. So tabs are counted here, and the one that was used
least recently is forgotten for a new one; its page loads its state again and says so.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from api.edge.options import MIB
from chat.accounts.errors import TooManyRequests
from chat.accounts.models import LOCAL_USER

ALL = ""


@dataclass(frozen=True, slots=True)
class PageBounds:
    """Most of each: tabs and bytes that are kept of them (drafts, files and what every tab takes),
    events and streams at once, events a minute, answers nobody fetches."""

    tabs_of_user: int = 32
    tabs_of_address: int = 256
    tabs: int = 1_000
    kept_of_user: int = 32 * MIB
    kept_of_address: int = 128 * MIB
    kept: int = 512 * MIB
    open_of_user: int = 128
    open_of_address: int = 1_024
    minute_of_user: int = 1_200
    minute_of_address: int = 30_000
    unread_of_tab: int = 16


TAB_BYTES = 300_000
"""What an empty page takes; measured."""

LARGE_BYTES = 64 * 1024
MOST_TAB_BYTES = 4 * MIB
"""A large event may add a file or a draft to what is kept; no tab can keep more than so much."""


@dataclass(slots=True)
class _Tab:
    user: str
    address: str
    size: int = TAB_BYTES

    @property
    def owners(self) -> tuple[str, ...]:
        """The owner of a tab (user or address), with bounds of its own; `ALL` is all of them."""
        return (*_limits(self.user, 0, self.address, 0), ALL)


def _limits(user_id: str, of_user: int, address: str, of_address: int) -> dict[str, int]:
    """The bounds that apply, by owner. Without accounts all users are the local user, so only the
    bound of the address counts there."""
    limits = {f"address {address}": of_address}
    return limits if user_id == LOCAL_USER else {f"user {user_id}": of_user, **limits}


def _as_it_is(event: int, body: Mapping[str, Any]) -> dict[str, Any]:
    return dict(body, fn_index=event)


class PageEvents:
    """What the page knows of its events (set when it is mounted), and who has how many.

    `parse` reads an event's body and raises BadRequest; `forget` drops what is kept of a tab, by
    its own hash; `unread` tells how many events of a tab wait for a browser that fetches them.
    """

    def __init__(
        self, bounds: PageBounds | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.parse: Callable[[int, Mapping[str, Any]], dict[str, Any]] = _as_it_is
        self.forget: Callable[[str], None] = lambda session_hash: None
        self.unread: Callable[[str], int] = lambda session_hash: 0
        self._bounds = bounds or PageBounds()
        self._clock = clock
        self._tabs: OrderedDict[str, _Tab] = OrderedDict()
        self._owners: Counter[str] = Counter()
        self._kept: Counter[str] = Counter()
        self._open: Counter[str] = Counter()
        self._minute = (0, Counter[str]())

    @contextmanager
    def admitted(self, user_id: str, address: str) -> Iterator[None]:
        """While one request of the page is answered. Raises TooManyRequests."""
        bounds = self._bounds
        limits = _limits(user_id, bounds.open_of_user, address, bounds.open_of_address)
        for subject, limit in limits.items():
            if self._open[subject] >= limit:
                raise TooManyRequests(limit=limit, retry_after_s=1)
        self._open.update(limits.keys())
        try:
            yield
        finally:
            for subject in limits:
                self._open[subject] -= 1
                if not self._open[subject]:
                    del self._open[subject]

    def count(self, user_id: str, address: str) -> None:
        """Count an event among those of this minute. Raises TooManyRequests."""
        now = self._clock()
        if self._minute[0] != int(now // 60):
            self._minute = (int(now // 60), Counter())
        bounds, counted = self._bounds, self._minute[1]
        limits = _limits(user_id, bounds.minute_of_user, address, bounds.minute_of_address)
        for subject, limit in limits.items():
            if counted[subject] >= limit:
                raise TooManyRequests(limit=limit, retry_after_s=60 - now % 60)
        counted.update(limits.keys())

    def use(self, session_hash: str, user_id: str, address: str, size: int = 0) -> None:
        """Note an event of so many bytes in a tab; forget others where there are too many.

        Raises TooManyRequests for a tab whose browser does not fetch what it has asked for.
        """
        limit = self._bounds.unread_of_tab
        if self.unread(session_hash) >= limit:
            raise TooManyRequests(limit=limit, retry_after_s=5)
        before = self._drop(session_hash)
        kept = before.size if before else TAB_BYTES
        grown = kept + size if size > LARGE_BYTES else kept
        tab = _Tab(user_id, address, min(grown, MOST_TAB_BYTES))
        self._tabs[session_hash] = tab
        for owner in tab.owners:
            self._owners[owner] += 1
            self._kept[owner] += tab.size
        self._make_room(tab)

    def _make_room(self, newest: _Tab) -> None:
        bounds = self._bounds
        of_user, address = newest.user, newest.address
        tabs = _limits(of_user, bounds.tabs_of_user, address, bounds.tabs_of_address)
        kept = _limits(of_user, bounds.kept_of_user, address, bounds.kept_of_address)
        tabs[ALL], kept[ALL] = bounds.tabs, bounds.kept
        for owner in newest.owners:
            while self._owners[owner] > tabs[owner] or self._kept[owner] > kept[owner]:
                oldest = next(key for key, tab in self._tabs.items() if owner in tab.owners)
                self._drop(oldest)
                self.forget(oldest)

    def _drop(self, session_hash: str) -> _Tab | None:
        tab = self._tabs.pop(session_hash, None)
        for owner in tab.owners if tab else ():
            self._owners[owner] -= 1
            self._kept[owner] -= tab.size if tab else 0
            if not self._owners[owner]:
                del self._owners[owner], self._kept[owner]
        return tab
