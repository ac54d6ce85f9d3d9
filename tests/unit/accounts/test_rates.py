"""The sliding window of a minute, on the library."""

from auth.rates import MinuteWindows


def test_each_key_has_a_rate_limit_with_a_retry_time() -> None:
    windows = MinuteWindows()
    assert [windows.hit("ann", 3) for _ in range(3)] == [None] * 3
    wait_s = windows.hit("ann", 3)
    assert wait_s is not None
    assert 0 < wait_s <= 60
    assert windows.hit("bob", 3) is None


def test_the_rate_table_is_cleared_when_it_is_full() -> None:
    windows = MinuteWindows(max_keys=2)
    for key in ("ann", "bob"):
        assert windows.hit(key, 1) is None
        assert windows.hit(key, 1) is not None
    assert windows.hit("cho", 1) is None
    assert windows.hit("ann", 1) is None
