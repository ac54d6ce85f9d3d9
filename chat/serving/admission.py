"""Admission: a bounded queue, round-robin between users, with position and estimated wait.

Owns the count of running requests. Knows nothing of what a request does.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator

from chat.accounts.models import UNBOUNDED
from chat.serving.errors import Busy, TooManyWaiting

SMOOTHING = 0.1
"""Least weight of the newest request in the moving average of the running time."""

FORECAST_S = 1.0
"""Lifetime of a forecast: each queued request asks once a second, and many may be queued."""


class QueueTicket:
    """One request's place: queued, then running until it is given back."""

    def __init__(self, user_id: str, most_running: int, admission: "Admission") -> None:
        self.user_id = user_id
        self.most_running = most_running
        self.admitted = asyncio.Event()
        self._admission = admission

    @property
    def position(self) -> int | None:
        """1 starts next; None when running."""
        return self._admission.position(self)

    @property
    def wait_s(self) -> float | None:
        """Estimated seconds until the start; None when running, or before the first measurement."""
        return self._admission.wait_s(self)

    def give_back(self) -> None:
        """Leave the queue, or free the place. Safe to call twice."""
        self._admission.leave(self)


class FairQueue:
    """Queued tickets, one queue for each user; the users take turns, one ticket a turn.

    A user with enough running requests is skipped and keeps the turn.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self.running: Counter[str] = Counter()
        self._queues: dict[str, deque[QueueTicket]] = {}  # the user whose turn it is comes first

    def copy(self) -> "FairQueue":
        other = FairQueue(self.places)
        other.running = self.running.copy()
        other._queues = {user_id: queue.copy() for user_id, queue in self._queues.items()}
        return other

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def waiting(self, user_id: str) -> int:
        return len(self._queues.get(user_id, ()))

    def has_room_for(self, user_id: str, most_running: int) -> bool:
        return self.running.total() < self.places and self.running[user_id] < most_running

    def add(self, ticket: QueueTicket) -> None:
        self._queues.setdefault(ticket.user_id, deque()).append(ticket)

    def remove(self, ticket: QueueTicket) -> None:
        """Remove a queued ticket; any other is ignored."""
        queue = self._queues.get(ticket.user_id, deque())
        if ticket in queue:
            queue.remove(ticket)
            if not queue:
                del self._queues[ticket.user_id]

    def start_next(self) -> QueueTicket | None:
        """Take the next ticket from the queue and count it as running; None if none may start."""
        for user_id, queue in self._queues.items():
            if self.has_room_for(user_id, queue[0].most_running):
                break
        else:
            return None
        ticket = queue.popleft()
        del self._queues[user_id]
        if queue:
            self._queues[user_id] = queue  # to the end of the order
        self.running[user_id] += 1
        return ticket

    def end(self, user_id: str) -> None:
        """Count one running request of this user less."""
        self.running[user_id] -= 1
        self.running += Counter()  # which drops the zeros


class Admission:
    """Gives `max_running` places; up to `max_waiting` requests wait for one."""

    def __init__(
        self,
        *,
        max_running: int,
        max_waiting: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._clock = clock
        self._queue = FairQueue(max_running)
        self._started: dict[QueueTicket, float] = {}  # running tickets, in the order of starting
        self._answer_s: float | None = None
        self._measured = 0
        self._forecast: dict[QueueTicket, tuple[int, float]] | None = None
        self._forecast_at = 0.0

    @property
    def waiting(self) -> int:
        """How many requests wait for a place."""
        return len(self._queue)

    def limit(self, places: int) -> None:
        """Set the places to what the engine serves at once, at most `max_running`."""
        self._queue.places = min(places, self._max_running)
        self._start_waiting()

    def enter(
        self, user_id: str, *, running: int = UNBOUNDED, waiting: int = UNBOUNDED
    ) -> QueueTicket:
        """A ticket, running at once if there is room.

        `running` and `waiting` bound what this user has at once of each. Raises TooManyWaiting when
        the user has too many waiting, Busy when the queue is full.
        """
        if not self._queue.has_room_for(user_id, running):
            if self._queue.waiting(user_id) >= waiting:
                raise TooManyWaiting(limit=waiting, retry_after_s=self._next_start_s(user_id))
            if len(self._queue) >= self._max_waiting:
                raise Busy(limit=self._max_waiting)
        ticket = QueueTicket(user_id, running, self)
        self._queue.add(ticket)
        self._start_waiting()
        return ticket

    def leave(self, ticket: QueueTicket) -> None:
        started_at = self._started.pop(ticket, None)
        if started_at is None:
            self._queue.remove(ticket)
        else:
            self._queue.end(ticket.user_id)
            self._measure(self._clock() - started_at)
        self._start_waiting()

    def position(self, ticket: QueueTicket) -> int | None:
        """Place in the order of starting: one of each user, then the second of each, and so on."""
        position, _ = self._foreseen().get(ticket, (None, None))
        return position

    def wait_s(self, ticket: QueueTicket) -> float | None:
        _, start = self._foreseen().get(ticket, (None, None))
        if start is None or self._answer_s is None:
            return None
        return max(0.0, start - self._clock())

    def _next_start_s(self, user_id: str) -> float | None:
        """When the first of the user's waiting requests starts, and so one may wait again."""
        waits = (self.wait_s(ticket) for ticket in self._foreseen() if ticket.user_id == user_id)
        return next(waits, None)

    def _foreseen(self) -> dict[QueueTicket, tuple[int, float]]:
        """Position and time of start of all who wait, in the order of starting."""
        now = self._clock()
        if self._forecast is None or now - self._forecast_at >= FORECAST_S:
            starts = enumerate(self._foresee(now), start=1)
            self._forecast = {ticket: (place, start) for place, (ticket, start) in starts}
            self._forecast_at = now
        return self._forecast

    def _foresee(self, now: float) -> Iterator[tuple[QueueTicket, float]]:
        """Simulate the queue: no arrivals, no departures, each request takes the average time."""
        answer_s = self._answer_s or 0.0
        queue = self._queue.copy()
        ends = deque((ticket.user_id, start + answer_s) for ticket, start in self._started.items())
        while queue:
            if ticket := queue.start_next():
                yield ticket, now
                ends.append((ticket.user_id, now + answer_s))
            else:
                user_id, end = ends.popleft()
                queue.end(user_id)
                now = max(
                    now, end
                )  # a request that runs longer than the average may end at any moment

    def _start_waiting(self) -> None:
        while ticket := self._queue.start_next():
            self._started[ticket] = self._clock()
            ticket.admitted.set()
        self._forecast = None

    def _measure(self, seconds: float) -> None:
        self._measured += 1
        last = self._answer_s or 0.0
        self._answer_s = last + max(SMOOTHING, 1 / self._measured) * (seconds - last)
