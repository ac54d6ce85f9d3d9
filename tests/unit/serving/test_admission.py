"""Order of admission to the engine."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.serving.admission import FORECAST_S, Admission, QueueTicket
from chat.serving.errors import Busy, TooManyWaiting


class Clock:
    """A clock that moves only by `advance`."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def started(*tickets: QueueTicket) -> list[bool]:
    return [ticket.admitted.is_set() for ticket in tickets]


def test_the_next_request_starts_when_a_place_is_free() -> None:
    admission = Admission(max_running=1, max_waiting=5)
    first, second = admission.enter("ann"), admission.enter("ann")
    assert started(first, second) == [True, False]
    first.give_back()
    assert started(second) == [True]


def test_a_full_queue_refuses_with_its_size() -> None:
    admission = Admission(max_running=1, max_waiting=1)
    for _ in range(2):
        admission.enter("ann")
    with pytest.raises(Busy) as caught:
        admission.enter("bob")
    assert caught.value.values == {"limit": 1}


def test_without_a_queue_only_running_requests_are_admitted() -> None:
    admission = Admission(max_running=1, max_waiting=0)
    admission.enter("ann").give_back()
    admission.enter("ann")
    with pytest.raises(Busy):
        admission.enter("ann")


def test_a_user_with_many_requests_does_not_delay_others() -> None:
    admission = Admission(max_running=1, max_waiting=99)
    running = admission.enter("greedy")
    many = [admission.enter("greedy") for _ in range(50)]
    one = admission.enter("modest")
    assert one.position == 2
    running.give_back()
    many[0].give_back()
    assert started(one, many[1]) == [True, False]


def test_a_cancelled_ticket_moves_the_others_up() -> None:
    admission = Admission(max_running=1, max_waiting=9)
    admission.enter("ann")
    cancelled, stays = admission.enter("bob"), admission.enter("cho")
    assert stays.position == 2
    cancelled.give_back()
    cancelled.give_back()
    assert (cancelled.position, stays.position) == (None, 1)


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=20))
def test_positions_are_the_order_in_which_requests_start(users: list[str]) -> None:
    admission = Admission(max_running=1, max_waiting=99)
    running = admission.enter("first")
    waiting = [admission.enter(user) for user in users]
    promised = sorted(waiting, key=lambda ticket: ticket.position or 0)
    assert [ticket.position for ticket in promised] == list(range(1, len(users) + 1))
    for ticket in promised:
        running.give_back()
        assert ticket.admitted.is_set()
        running = ticket


def test_there_is_no_estimate_before_the_first_measurement() -> None:
    admission = Admission(max_running=1, max_waiting=9)
    admission.enter("ann")
    assert admission.enter("bob").wait_s is None


def test_the_estimate_is_the_average_of_earlier_answers() -> None:
    clock = Clock()
    admission = Admission(max_running=2, max_waiting=9, clock=clock)
    measured = admission.enter("ann")
    clock.now = 10.0
    measured.give_back()
    admission.enter("ann"), admission.enter("ann")
    clock.now = 14.0
    waiting = [admission.enter("bob") for _ in range(4)]
    assert [ticket.wait_s for ticket in waiting] == [6.0, 6.0, 16.0, 16.0]


def test_a_user_has_no_more_running_and_waiting_than_allowed() -> None:
    admission = Admission(max_running=9, max_waiting=9)
    running = [admission.enter("ann", running=2, waiting=1) for _ in range(2)]
    waiting = admission.enter("ann", running=2, waiting=1)
    assert started(*running, waiting) == [True, True, False]
    with pytest.raises(TooManyWaiting) as caught:
        admission.enter("ann", running=2, waiting=1)
    assert caught.value.values == {"limit": 1, "retry_after_s": None}
    assert admission.enter("bob", running=2, waiting=0).admitted.is_set()
    running[0].give_back()
    assert waiting.admitted.is_set()


def test_a_user_with_too_many_waiting_learns_when_the_first_starts() -> None:
    clock = Clock()
    admission = Admission(max_running=1, max_waiting=9, clock=clock)
    measured = admission.enter("bob")
    clock.now = 10.0
    measured.give_back()
    admission.enter("bob"), admission.enter("cho"), admission.enter("ann", waiting=1)
    clock.now = 13.0
    with pytest.raises(TooManyWaiting) as caught:
        admission.enter("ann", waiting=1)
    assert caught.value.values == {"limit": 1, "retry_after_s": 17.0}


def test_a_user_at_the_running_limit_is_skipped_and_keeps_the_turn() -> None:
    admission = Admission(max_running=2, max_waiting=9)
    first, other = admission.enter("ann", running=1), admission.enter("bob")
    second, later = admission.enter("ann", running=1), admission.enter("cho")
    assert (second.position, later.position) == (1, 2)
    other.give_back()
    assert started(second, later) == [False, True]
    assert second.position == 1
    first.give_back()
    assert second.admitted.is_set()


def test_additional_places_are_filled_at_once() -> None:
    admission = Admission(max_running=4, max_waiting=9)
    admission.limit(1)
    tickets = [admission.enter("ann") for _ in range(4)]
    admission.limit(3)
    assert started(*tickets) == [True, True, True, False]


def test_a_person_who_comes_later_starts_before_programs() -> None:
    admission = Admission(max_running=1, max_waiting=9)
    running = admission.enter("ann", by_program=True)
    programs = [admission.enter(user, by_program=True) for user in ("ann", "bob")]
    person = admission.enter("cho")
    assert [ticket.position for ticket in (person, *programs)] == [1, 2, 3]
    running.give_back()
    assert started(person, *programs) == [True, False, False]


def test_a_program_starts_after_every_three_people_and_so_it_does_not_wait_for_ever() -> None:
    admission = Admission(max_running=1, max_waiting=99)
    running = admission.enter("ann")
    waiting = {
        admission.enter(name[0], by_program=name[0] == "p"): name
        for name in ("p1", "p2", "a1", "b1", "c1", "d1", "a2", "b2", "c2", "p3")
    }
    order = []
    while waiting:
        running.give_back()
        (running,) = [ticket for ticket in waiting if ticket.admitted.is_set()]
        order.append(waiting.pop(running))
    assert order == ["a1", "b1", "c1", "p1", "d1", "a2", "b2", "p2", "c2", "p3"]


def test_programs_of_several_users_take_turns() -> None:
    admission = Admission(max_running=1, max_waiting=99)
    admission.enter("ann")
    many = [admission.enter("greedy", by_program=True) for _ in range(3)]
    one = admission.enter("modest", by_program=True)
    assert [ticket.position for ticket in (*many, one)] == [1, 3, 4, 2]


def test_programs_leave_a_quarter_of_the_queue_to_people() -> None:
    admission = Admission(max_running=1, max_waiting=4)
    admission.enter("ann", by_program=True)
    for _ in range(3):
        admission.enter("ann", by_program=True)
    with pytest.raises(Busy) as caught:
        admission.enter("bob", by_program=True)
    assert caught.value.values == {"limit": 3}
    admission.enter("bob")
    with pytest.raises(Busy) as caught:
        admission.enter("cho")
    assert caught.value.values == {"limit": 4}


def test_what_a_users_programs_have_waiting_keeps_the_user_from_no_question() -> None:
    admission = Admission(max_running=1, max_waiting=9)
    admission.enter("ann", waiting=1)
    admission.enter("ann", waiting=1, by_program=True)
    with pytest.raises(TooManyWaiting):
        admission.enter("ann", waiting=1, by_program=True)
    assert admission.enter("ann", waiting=1).position == 1


@dataclass
class Office:
    """Users whose answers take scripted times, on a clock that jumps from end to end."""

    places: int
    answer_s: Callable[[], float]
    clock: Clock = field(default_factory=Clock)
    open: list[tuple[str, QueueTicket, float, float | None]] = field(default_factory=list)
    starts: list[str] = field(default_factory=list)
    errors_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.admission = Admission(max_running=self.places, max_waiting=999, clock=self.clock)
        self._ends: list[tuple[float, int, QueueTicket]] = []
        self._numbers = count()

    def ask(self, user_id: str, running: int = 99, *, by_program: bool = False) -> QueueTicket:
        ticket = self.admission.enter(user_id, running=running, by_program=by_program)
        self.open.append((user_id, ticket, self.clock.now, ticket.wait_s))
        self._note_starts()
        return ticket

    def promise_again(self) -> None:
        """Compare with the current estimates, not with those at entry."""
        self.errors_s.clear()
        self.open = [
            (user, ticket, self.clock.now, ticket.wait_s) for user, ticket, *_ in self.open
        ]

    def end_next(self) -> None:
        self.clock.now, _, ticket = heappop(self._ends)
        ticket.give_back()
        self._note_starts()

    def run(self) -> None:
        while self._ends:
            self.end_next()

    def _note_starts(self) -> None:
        """Take the duration of each started request from the script, and check its estimate."""
        for request in [request for request in self.open if request[1].admitted.is_set()]:
            self.open.remove(request)
            user, ticket, asked_at, promised = request
            self.starts.append(user)
            if promised is not None:
                self.errors_s.append(self.clock.now - asked_at - promised)
            end = self.clock.now + self.answer_s()
            heappush(self._ends, (end, next(self._numbers), ticket))


def measured_office(places: int, answer_s: Callable[[], float]) -> Office:
    """One that has seen some answers already."""
    office = Office(places, answer_s)
    for _ in range(20):
        office.ask("before")
    office.run()
    office.starts.clear()
    office.errors_s.clear()
    return office


@pytest.mark.parametrize("places", [1, 2, 8])
def test_one_user_with_fifty_requests_delays_nine_others_by_at_most_two_rounds(
    places: int,
) -> None:
    office = Office(places, lambda: 10.0)
    for _ in range(50):
        office.ask("greedy")
    others = [f"user {number}" for number in range(9)]
    for user in others:
        office.ask(user)
    begun = office.clock.now
    while not set(others) <= set(office.starts):
        office.end_next()
    unshared_s = 10.0 * (len(others) // places)  # the last of the nine, if there were only they
    assert office.clock.now - begun <= unshared_s + 2 * 10.0
    assert Counter(office.starts)["greedy"] <= 3 * places


@pytest.mark.parametrize("places", [1, 3, 8])
def test_an_estimate_is_exact_when_answers_take_the_average_time(places: int) -> None:
    office = measured_office(places, lambda: 10.0)
    for user, by_program in product("abcabcaabcdddde", (True, False)):  # none comes later
        office.ask(user, running=2, by_program=by_program)
    office.promise_again()
    office.run()
    assert len(office.errors_s) > 10
    assert office.errors_s == pytest.approx([0.0] * len(office.errors_s))


@pytest.mark.parametrize("places", [2, 4, 8])
def test_an_estimate_at_entry_comes_true_although_answers_are_uneven(places: int) -> None:
    """Each user asks once, so that no one is overtaken; answers take 5 to 15 seconds.

    Tolerance: half an answer on average, one answer for nine of ten, and no bias to speak of.
    """
    chance = random.Random(places)
    office = measured_office(places, lambda: chance.uniform(5.0, 15.0))
    for number in range(200):
        office.ask(f"user {number}")
        while len(office.open) >= 3 * places:
            office.end_next()
    office.run()
    errors = sorted(map(abs, office.errors_s))
    assert len(errors) > 150
    assert sum(errors) / len(errors) < 5.0
    assert errors[len(errors) * 9 // 10] < 10.0
    assert abs(sum(office.errors_s)) / len(errors) < 1.0


def test_an_estimate_decreases_with_time_and_never_below_zero() -> None:
    office = measured_office(1, lambda: 10.0)
    office.ask("ann")
    waiting = office.ask("bob")
    estimates = []
    for _ in range(12):
        estimates.append(waiting.wait_s)
        office.clock.now += 1.25 * FORECAST_S
    assert estimates[:2] == [10.0, 8.75]
    assert estimates == sorted(estimates, reverse=True)  # type: ignore[type-var]  # all are numbers
    assert estimates[-1] == 0.0


EVENTS = st.lists(
    st.tuples(st.sampled_from(["enter", "enter", "end", "leave"]), st.integers(0, 20)), max_size=60
)


@given(EVENTS, st.integers(1, 3), st.integers(1, 3))
def test_a_position_only_rises_when_a_user_with_fewer_waiting_arrives(
    events: list[tuple[str, int]], places: int, most_running: int
) -> None:
    admission = Admission(max_running=places, max_waiting=99)
    tickets: list[tuple[str, QueueTicket]] = []
    for event, number in events:
        before = {ticket: position for _, ticket in tickets if (position := ticket.position)}
        newcomer = "abcde"[number % 5] if event == "enter" else None
        if newcomer:
            tickets.append((newcomer, admission.enter(newcomer, running=most_running)))
        elif here := [
            ticket for _, ticket in tickets if ticket.admitted.is_set() == (event == "end")
        ]:
            cancelled = here[number % len(here)]
            cancelled.give_back()
            tickets = [request for request in tickets if request[1] is not cancelled]
        for user, ticket in tickets:
            risen = (ticket.position or 0) - before.get(ticket, 99)
            assert risen <= (newcomer is not None and newcomer != user)
