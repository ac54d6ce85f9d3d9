"""The sliding window of a minute."""

from auth.rates import MinuteWindows
from tests.house import Clock


def test_each_key_has_a_rate_limit_with_a_retry_time() -> None:
    windows = MinuteWindows()
    assert [windows.hit("ann", 3) for _ in range(3)] == [None] * 3
    wait_s = windows.hit("ann", 3)
    assert wait_s is not None
    assert 0 < wait_s <= 60
    assert windows.hit("bob", 3) is None


def test_a_request_is_allowed_again_a_minute_after_the_one_that_filled_the_window() -> None:
    clock = Clock()
    windows = MinuteWindows(timer=clock.timer)
    for _ in range(2):
        assert windows.hit("ann", 2) is None
        clock.advance(seconds=20)
    assert windows.hit("ann", 2) == 20
    clock.advance(seconds=20)
    assert windows.hit("ann", 2) is None
    assert windows.hit("ann", 2) == 20
    assert windows.hit("ann", 1) == 60  # a lower limit counts the same requests


def test_the_rate_table_forgets_the_key_that_was_silent_longest() -> None:
    windows = MinuteWindows(max_keys=2)
    for key in ("ann", "bob"):
        assert windows.hit(key, 1) is None
        assert windows.hit(key, 1) is not None
    assert windows.hit("cho", 1) is None
    assert windows.hit("bob", 1) is not None
    assert windows.hit("ann", 1) is None
