"""Who may start now: a bounded queue, served in turns between users, with position and estimate.

Owns the count of running answers. Knows nothing of what an answer is.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator

from chat.accounts.models import UNBOUNDED
from chat.serving.errors import Busy, TooManyWaiting

SMOOTHING = 0.1
"""Least weight of the newest answer in the average length of an answer."""

FORECAST_S = 1.0
"""How long a forecast may be told again: who waits is told once a second, and many may wait."""

"""As a limit: none."""


class QueueTicket:
    """One request's place: waiting, then running until it is given back."""

    def __init__(self, user_id: str, most_running: int, admission: "Admission") -> None:
        self.user = user_id
        self.most_running = most_running
        self.admitted = asyncio.Event()
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


class FairQueue:
    """Who waits, and the rule of turns: each user in turn starts one.

    A user with enough running is passed over and keeps the turn.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self.running: Counter[str] = Counter()
        self._queues: dict[str, deque[QueueTicket]] = {}  # in the order in which users take turns

    def copy(self) -> "FairQueue":
        line = FairQueue(self.places)
        line.running = self.running.copy()
        line._queues = {user: queue.copy() for user, queue in self._queues.items()}
        return line

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def waiting(self, user_id: str) -> int:
        return len(self._queues.get(user_id, ()))

    def has_room_for(self, user_id: str, most_running: int) -> bool:
        return self.running.total() < self.places and self.running[user_id] < most_running

    def add(self, ticket: QueueTicket) -> None:
        self._queues.setdefault(ticket.user, deque()).append(ticket)

    def remove(self, ticket: QueueTicket) -> None:
        """Take out one that waits; any other is ignored."""
        queue = self._queues.get(ticket.user, deque())
        if ticket in queue:
            queue.remove(ticket)
            if not queue:
                del self._queues[ticket.user]

    def start_next(self) -> QueueTicket | None:
        """Let the next one run; None if nobody may."""
        for user, queue in self._queues.items():
            if self.has_room_for(user, queue[0].most_running):
                break
        else:
            return None
        ticket = queue.popleft()
        del self._queues[user]
        if queue:
            self._queues[user] = queue  # back to the end of the round
        self.running[user] += 1
        return ticket

    def end(self, user_id: str) -> None:
        """One of this user's has ended."""
        self.running[user_id] -= 1
        self.running += Counter()  # which drops the zeros


class Admission:
    """Hands out `max_running` places; up to `max_waiting` requests wait for one."""

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
        self._line = FairQueue(max_running)
        self._started: dict[QueueTicket, float] = {}  # those that run, in the order of starting
        self._answer_s: float | None = None
        self._measured = 0
        self._forecast: dict[QueueTicket, tuple[int, float]] | None = None
        self._forecast_at = 0.0

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._line)

    def limit(self, places: int) -> None:
        """What the engine can serve at once: known late, and never more than `max_running`."""
        self._line.places = min(places, self._max_running)
        self._fill()

    def enter(
        self, user_id: str, *, running: int = UNBOUNDED, waiting: int = UNBOUNDED
    ) -> QueueTicket:
        """A ticket, running at once if there is room.

        `running` and `waiting` bound what this user has at once of each. Raises TooManyWaiting when
        the user has too many waiting, Busy when the queue is full.
        """
        if not self._line.has_room_for(user_id, running):
            if self._line.waiting(user_id) >= waiting:
                raise TooManyWaiting(limit=waiting, retry_after_s=self._next_start_s(user_id))
            if len(self._line) >= self._max_waiting:
                raise Busy(limit=self._max_waiting)
        ticket = QueueTicket(user_id, running, self)
        self._line.add(ticket)
        self._fill()
        return ticket

    def leave(self, ticket: QueueTicket) -> None:
        started_at = self._started.pop(ticket, None)
        if started_at is None:
            self._line.remove(ticket)
        else:
            self._line.end(ticket.user)
            self._measure(self._clock() - started_at)
        self._fill()

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
        waits = (self.wait_s(ticket) for ticket in self._foreseen() if ticket.user == user_id)
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
        """What will happen if nobody comes or leaves and each answer takes the average time."""
        answer_s = self._answer_s or 0.0
        line = self._line.copy()
        ends = deque((ticket.user, start + answer_s) for ticket, start in self._started.items())
        while line:
            if ticket := line.start_next():
                yield ticket, now
                ends.append((ticket.user, now + answer_s))
            else:
                user, end = ends.popleft()
                line.end(user)
                now = max(now, end)  # one that takes longer than the average ends any moment

    def _fill(self) -> None:
        while ticket := self._line.start_next():
            self._started[ticket] = self._clock()
            ticket.admitted.set()
        self._forecast = None

    def _measure(self, seconds: float) -> None:
        self._measured += 1
        last = self._answer_s or 0.0
        self._answer_s = last + max(SMOOTHING, 1 / self._measured) * (seconds - last)
