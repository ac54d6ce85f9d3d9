"""Who may start now."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.admission import Admission, Ticket
from chat.errors import Busy


class Clock:
    """Time that passes when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def started(*tickets: Ticket) -> list[bool]:
    return [ticket.admitted.is_set() for ticket in tickets]


def test_the_next_starts_when_a_place_comes_free() -> None:
    admission = Admission(max_running=1, max_waiting=5)
    first, second = admission.enter("ann"), admission.enter("ann")
    assert started(first, second) == [True, False]
    first.give_back()
    assert started(second) == [True]


def test_a_full_queue_refuses_and_says_its_size() -> None:
    admission = Admission(max_running=1, max_waiting=1)
    for _ in range(2):
        admission.enter("ann")
    with pytest.raises(Busy) as caught:
        admission.enter("bob")
    assert caught.value.values == {"limit": 1}


def test_without_a_queue_only_the_running_are_taken() -> None:
    admission = Admission(max_running=1, max_waiting=0)
    admission.enter("ann").give_back()
    admission.enter("ann")
    with pytest.raises(Busy):
        admission.enter("ann")


def test_who_asks_for_much_does_not_keep_others_waiting() -> None:
    admission = Admission(max_running=1, max_waiting=99)
    running = admission.enter("greedy")
    many = [admission.enter("greedy") for _ in range(50)]
    one = admission.enter("modest")
    assert one.position == 2
    running.give_back()
    many[0].give_back()
    assert started(one, many[1]) == [True, False]


def test_leaving_the_queue_moves_the_others_up() -> None:
    admission = Admission(max_running=1, max_waiting=9)
    admission.enter("ann")
    gone, stays = admission.enter("bob"), admission.enter("cho")
    assert stays.position == 2
    gone.give_back()
    gone.give_back()
    assert (gone.position, stays.position) == (None, 1)


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


def test_no_estimate_is_given_before_anything_was_measured() -> None:
    admission = Admission(max_running=1, max_waiting=9)
    admission.enter("ann")
    assert admission.enter("bob").wait_s is None


def test_the_estimate_is_what_answers_took_before() -> None:
    clock = Clock()
    admission = Admission(max_running=2, max_waiting=9, clock=clock)
    measured = admission.enter("ann")
    clock.now = 10.0
    measured.give_back()
    admission.enter("ann"), admission.enter("ann")
    clock.now = 14.0
    waiting = [admission.enter("bob") for _ in range(4)]
    assert [ticket.wait_s for ticket in waiting] == [6.0, 6.0, 16.0, 16.0]
