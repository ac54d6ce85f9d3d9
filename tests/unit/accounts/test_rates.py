"""The sliding window of a minute."""

from contextlib import ExitStack

from auth.rates import MinuteWindows
from tests.house import Clock


def hit(windows: MinuteWindows, key: str, per_minute: int) -> float | None:
    return windows.hit(key, per_minute, ExitStack())


def test_each_key_has_a_rate_limit_with_a_retry_time() -> None:
    windows = MinuteWindows()
    assert [hit(windows, "ann", 3) for _ in range(3)] == [None] * 3
    wait_s = hit(windows, "ann", 3)
    assert wait_s is not None
    assert 0 < wait_s <= 60
    assert hit(windows, "bob", 3) is None


def test_a_request_is_allowed_again_a_minute_after_the_one_that_filled_the_window() -> None:
    clock = Clock()
    windows = MinuteWindows(timer=clock.timer)
    for _ in range(2):
        assert hit(windows, "ann", 2) is None
        clock.advance(seconds=20)
    assert hit(windows, "ann", 2) == 20
    clock.advance(seconds=20)
    assert hit(windows, "ann", 2) is None
    assert hit(windows, "ann", 2) == 20
    assert hit(windows, "ann", 1) == 60  # a lower limit counts the same requests


def test_the_rate_table_forgets_the_key_that_was_silent_longest() -> None:
    windows = MinuteWindows(max_keys=2)
    for key in ("ann", "bob"):
        assert hit(windows, key, 1) is None
        assert hit(windows, key, 1) is not None
    assert hit(windows, "cho", 1) is None
    assert hit(windows, "bob", 1) is not None
    assert hit(windows, "ann", 1) is None


def test_a_request_that_is_taken_back_leaves_the_others_counted() -> None:
    clock = Clock()
    windows = MinuteWindows(timer=clock.timer)
    assert hit(windows, "ann", 2) is None
    clock.advance(seconds=20)
    with ExitStack() as refunds:
        assert windows.hit("ann", 2, refunds) is None
        assert hit(windows, "ann", 2) == 40
    assert hit(windows, "ann", 2) is None
    assert hit(windows, "ann", 2) == 40


def test_a_request_of_more_than_a_minute_ago_takes_back_no_other() -> None:
    clock = Clock()
    windows = MinuteWindows(timer=clock.timer)
    with ExitStack() as refunds:
        assert windows.hit("ann", 1, refunds) is None
        clock.advance(seconds=60)
        assert hit(windows, "ann", 1) is None
    assert hit(windows, "ann", 1) == 60
