"""How often an answer that is being written is sent."""

import pytest

from ui.handlers.pace import SLOWEST_S, UPDATE_S, pause_after


@pytest.mark.parametrize("late_s", [-0.001, 0.0, 0.001, 0.005])
def test_an_idle_server_sends_ten_updates_a_second(late_s: float) -> None:
    assert pause_after(late_s) == UPDATE_S


def test_the_busier_the_server_the_fewer_updates_it_sends() -> None:
    pauses = [pause_after(late_s) for late_s in (0.01, 0.02, 0.04)]
    assert UPDATE_S < pauses[0] < pauses[1] < pauses[2] < SLOWEST_S


def test_an_update_comes_at_least_once_a_second() -> None:
    assert pause_after(60.0) == SLOWEST_S


def test_an_update_that_is_dear_is_followed_by_a_longer_pause() -> None:
    assert pause_after(0.0, spent_s=0.004) == UPDATE_S
    assert pause_after(0.0, spent_s=0.02) == pytest.approx(0.4)
    assert pause_after(0.0, spent_s=10.0) == SLOWEST_S
