"""Admission: a bounded queue, people before programs, round-robin between users, with position and
estimated wait.

Owns the count of running requests. Knows nothing of what a request does.
"""

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator

from chat.accounts.models import UNBOUNDED
from chat.serving.errors import Busy, TooManyWaiting

SMOOTHING = 0.1
"""Least weight of the newest request in the moving average of the running time."""

PEOPLE_IN_A_ROW = 3
"""After so many starts of people's requests one of a program starts: none waits for ever."""

PROGRAMS_SHARE = 0.75
"""Share of the queue that programs may fill: the rest is left to people."""

FORECAST_S = 1.0
"""Lifetime of a forecast: each queued request asks once a second, and many may be queued."""


class QueueTicket:
    """One request's place: queued, then running until it is given back.

    `by_program`: nobody looks on while it is answered.
    """

    def __init__(
        self, user_id: str, most_running: int, admission: "Admission", *, by_program: bool = False
    ) -> None:
        self.user_id = user_id
        self.most_running = most_running
        self.by_program = by_program
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


_Queues = dict[str, deque[QueueTicket]]
"""Queued tickets of each user; the user whose turn it is comes first."""


class FairQueue:
    """Queued tickets, one queue for each user; the users take turns, one ticket a turn.

    People start before programs, but for one program after every PEOPLE_IN_A_ROW of them. A user
    with enough running requests is skipped and keeps the turn.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self.running: Counter[str] = Counter()
        self._people: _Queues = {}
        self._programs: _Queues = {}
        self._in_a_row = 0  # starts of people while a program waited

    def copy(self) -> "FairQueue":
        other = FairQueue(self.places)
        other.running = self.running.copy()
        other._people = {user_id: queue.copy() for user_id, queue in self._people.items()}
        other._programs = {user_id: queue.copy() for user_id, queue in self._programs.items()}
        other._in_a_row = self._in_a_row
        return other

    def __len__(self) -> int:
        return sum(map(len, self._people.values())) + self.programs

    @property
    def programs(self) -> int:
        """How many requests of programs are queued."""
        return sum(map(len, self._programs.values()))

    def waiting(self, user_id: str, *, by_program: bool) -> int:
        """How many requests of this user are queued, of people or of programs."""
        return len(self._queues(by_program).get(user_id, ()))

    def has_room_for(self, user_id: str, most_running: int) -> bool:
        return self.running.total() < self.places and self.running[user_id] < most_running

    def add(self, ticket: QueueTicket) -> None:
        self._queues(ticket.by_program).setdefault(ticket.user_id, deque()).append(ticket)

    def remove(self, ticket: QueueTicket) -> None:
        """Remove a queued ticket; any other is ignored."""
        queues = self._queues(ticket.by_program)
        queue = queues.get(ticket.user_id, deque())
        if ticket in queue:
            queue.remove(ticket)
            if not queue:
                del queues[ticket.user_id]

    def start_next(self) -> QueueTicket | None:
        """Take the next ticket from the queue and count it as running; None if none may start."""
        program_is_due = self._in_a_row >= PEOPLE_IN_A_ROW
        ticket = self._take(by_program=program_is_due) or self._take(by_program=not program_is_due)
        if ticket is None:
            return None
        self._in_a_row = 0 if ticket.by_program or not self._programs else self._in_a_row + 1
        self.running[ticket.user_id] += 1
        return ticket

    def end(self, user_id: str) -> None:
        """Count one running request of this user less."""
        self.running[user_id] -= 1
        self.running += Counter()  # which drops the zeros

    def _queues(self, by_program: bool) -> _Queues:
        return self._programs if by_program else self._people

    def _take(self, *, by_program: bool) -> QueueTicket | None:
        """Take the first ticket whose user may have one more running, and pass on the turn."""
        queues = self._queues(by_program)
        for user_id, queue in queues.items():
            if self.has_room_for(user_id, queue[0].most_running):
                ticket = queue.popleft()
                del queues[user_id]
                if queue:
                    queues[user_id] = queue  # to the end of the order
                return ticket
        return None


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
        self,
        user_id: str,
        *,
        running: int = UNBOUNDED,
        waiting: int = UNBOUNDED,
        by_program: bool = False,
    ) -> QueueTicket:
        """A ticket, running at once if there is room.

        `running` and `waiting` bound what this user has at once of each, `waiting` for people and
        programs apart. Raises TooManyWaiting when the user has too many waiting, Busy when the
        queue is full, or a program's share of it.
        """
        if not self._queue.has_room_for(user_id, running):
            if self._queue.waiting(user_id, by_program=by_program) >= waiting:
                wait_s = self._next_start_s(user_id, by_program=by_program)
                raise TooManyWaiting(limit=waiting, retry_after_s=wait_s)
            share = math.ceil(PROGRAMS_SHARE * self._max_waiting)
            if by_program and self._queue.programs >= share:
                raise Busy(limit=share)
            if len(self._queue) >= self._max_waiting:
                raise Busy(limit=self._max_waiting)
        ticket = QueueTicket(user_id, running, self, by_program=by_program)
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
        """Place in the order of starting, as if nobody came or left."""
        position, _ = self._foreseen().get(ticket, (None, None))
        return position

    def wait_s(self, ticket: QueueTicket) -> float | None:
        _, start = self._foreseen().get(ticket, (None, None))
        if start is None or self._answer_s is None:
            return None
        return max(0.0, start - self._clock())

    def _next_start_s(self, user_id: str, *, by_program: bool) -> float | None:
        """When the first of the user's waiting requests starts, and so one may wait again."""
        waits = (
            self.wait_s(ticket)
            for ticket in self._foreseen()
            if (ticket.user_id, ticket.by_program) == (user_id, by_program)
        )
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
