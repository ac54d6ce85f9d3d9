"""Which uses are worth a write: one in a minute, by this process or another."""

from datetime import timedelta

from chat.accounts.last_use import MOST_REMEMBERED, LastUse
from tests.house import Clock


def test_of_many_uses_in_a_minute_one_is_written() -> None:
    clock = Clock()
    used = LastUse(clock.timer)
    assert used.is_news("key", None, clock())
    clock.advance(seconds=59)
    assert not used.is_news("key", None, clock())
    assert used.is_news("other", None, clock())
    clock.advance(seconds=1)
    assert used.is_news("key", None, clock())


def test_a_last_use_written_by_another_process_counts_too() -> None:
    clock = Clock()
    used = LastUse(clock.timer)
    assert not used.is_news("key", clock() - timedelta(seconds=59), clock())
    assert used.is_news("key", clock() - timedelta(seconds=60), clock())


def test_a_last_use_in_the_future_is_overwritten_after_the_clock_was_set_back() -> None:
    clock = Clock()
    used = LastUse(clock.timer)
    assert used.is_news("key", clock() + timedelta(days=1), clock())


def test_the_table_of_last_uses_is_bounded() -> None:
    clock = Clock()
    used = LastUse(clock.timer)
    for number in range(MOST_REMEMBERED + 1):
        assert used.is_news(f"key {number}", None, clock())
    assert used.is_news("key 0", None, clock())
    assert not used.is_news(f"key {number}", None, clock())
