"""Who may start now: a bounded queue, served in turns between users, with position and estimate.

Owns the count of running answers. Knows nothing of what an answer is.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from chat.errors import Busy

SMOOTHING = 0.2
"""Weight of the newest answer in the average length of an answer."""


class Ticket:
    """One request's place: waiting, then running until it is given back."""

    def __init__(self, user: str, admission: "Admission") -> None:
        self.user = user
        self.admitted = asyncio.Event()
        self.started_at: float | None = None
        self._admission = admission

    @property
    def position(self) -> int | None:
        """1 is the next to start; None when running."""
        return self._admission.position(self)

    @property
    def wait_s(self) -> float | None:
        """Estimated wait; None when running, or before anything was measured."""
        return self._admission.wait_s(self)

    def give_back(self) -> None:
        """Leave the queue, or free the place. Safe to call twice."""
        self._admission.leave(self)


class Admission:
    """Hands out `max_running` places; up to `max_waiting` requests wait for one."""

    def __init__(
        self,
        *,
        max_running: int,
        max_waiting: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_running = self._places = max_running
        self._max_waiting = max_waiting
        self._clock = clock
        self._running: set[Ticket] = set()
        self._waiting: dict[str, deque[Ticket]] = {}  # in the order in which users take turns
        self._answer_s: float | None = None

    def limit(self, places: int) -> None:
        """What the engine can serve at once: known late, and never more than `max_running`."""
        self._places = min(places, self._max_running)

    def enter(self, user: str) -> Ticket:
        """A ticket, running at once if there is room. Raises Busy when the queue is full."""
        ticket = Ticket(user, self)
        if len(self._running) < self._places:
            self._run(ticket)
            return ticket
        if sum(map(len, self._waiting.values())) >= self._max_waiting:
            raise Busy(limit=self._max_waiting)
        self._waiting.setdefault(user, deque()).append(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        if ticket in self._running:
            self._running.remove(ticket)
            self._measure(ticket)
            self._fill()
        elif ticket in self._waiting.get(ticket.user, ()):
            self._waiting[ticket.user].remove(ticket)
            if not self._waiting[ticket.user]:
                del self._waiting[ticket.user]

    def position(self, ticket: Ticket) -> int | None:
        """Place in the order of starting: one of each user, then the second of each, and so on."""
        queue = self._waiting.get(ticket.user)
        if queue is None or ticket not in queue:
            return None
        rounds = queue.index(ticket)
        ahead, own_turn_passed = 0, False
        for user, others in self._waiting.items():
            if user == ticket.user:
                own_turn_passed = True
                ahead += rounds
            else:
                ahead += min(len(others), rounds if own_turn_passed else rounds + 1)
        return ahead + 1

    def wait_s(self, ticket: Ticket) -> float | None:
        position = self.position(ticket)
        if position is None or self._answer_s is None:
            return None
        now = self._clock()
        # Places come free when the answers being written reach the average length.
        left = sorted(
            max(0.0, self._answer_s - (now - running.started_at))
            for running in self._running
            if running.started_at is not None
        )
        full_rounds, place = divmod(position - 1, self._places)
        return full_rounds * self._answer_s + (left[place] if place < len(left) else 0.0)

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self._places:
            user, queue = next(iter(self._waiting.items()))
            ticket = queue.popleft()
            del self._waiting[user]
            if queue:
                self._waiting[user] = queue  # back to the end of the round
            self._run(ticket)

    def _run(self, ticket: Ticket) -> None:
        ticket.started_at = self._clock()
        self._running.add(ticket)
        ticket.admitted.set()

    def _measure(self, ticket: Ticket) -> None:
        if ticket.started_at is None:
            return
        seconds = self._clock() - ticket.started_at
        last = seconds if self._answer_s is None else self._answer_s
        self._answer_s = last + SMOOTHING * (seconds - last)
