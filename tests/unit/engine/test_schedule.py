"""What each step reads, on lengths alone: no model, no cache, no clock."""

from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.schedule import (
    READING_GOAL_S,
    STEP_GOAL_S,
    next_chunk,
    reading_order,
    step_goal,
)

BUDGET = 64


def read(unread: Sequence[int], budget: int = BUDGET) -> list[int]:
    """How many tokens a step reads of each prompt."""
    order = reading_order(unread, budget)
    shares, rest = [0] * len(unread), budget - order.reserved
    for place in order.first:
        shares[place] = min(unread[place], rest)
        rest -= shares[place]
    if order.reserved:
        shares[0] = min(unread[0], rest + order.reserved)
    return shares


def ends(prompts: Sequence[int], budget: int = BUDGET) -> list[int]:
    """The step, from 1, after which each prompt is read."""
    unread, ended = list(prompts), [0] * len(prompts)
    for step in count(1):
        open_ = [place for place, tokens in enumerate(unread) if tokens]
        if not open_:
            return ended
        shares = read([unread[place] for place in open_], budget)
        for place, share in zip(open_, shares, strict=True):
            unread[place] -= share
            ended[place] = ended[place] or (step if not unread[place] else 0)
    raise AssertionError


@pytest.mark.parametrize(
    ("unread", "shares"),
    [
        ([], []),
        ([10], [10]),
        ([1000], [64]),
        ([1000, 20], [44, 20]),  # what the short one leaves is the long one's
        ([1000, 500], [16, 48]),  # the oldest keeps a quarter
        ([1000, 30, 30], [16, 30, 18]),
        ([10, 1000], [10, 54]),
        ([30, 30, 30, 30], [30, 30, 4, 0]),  # of equal ones the older first
        ([1000, 1000, 1000], [64, 0, 0]),
        ([3, 500, 40], [3, 21, 40]),
        ([20, 10, 10, 10, 10, 10, 10], [16, 10, 10, 10, 10, 8, 0]),
    ],
)
def test_a_step_reads_the_least_left_first_and_a_quarter_of_the_oldest(
    unread: list[int], shares: list[int]
) -> None:
    assert read(unread) == shares


@given(st.lists(st.integers(1, 2000), max_size=12), st.integers(1, 300))
def test_a_step_uses_its_whole_budget_and_reads_nothing_twice(
    unread: list[int], budget: int
) -> None:
    shares = read(unread, budget)
    assert sum(shares) == min(budget, sum(unread))
    assert all(0 <= share <= left for share, left in zip(shares, unread, strict=True))


@given(st.lists(st.integers(1, 2000), min_size=1, max_size=12), st.integers(1, 300))
def test_the_oldest_prompt_gets_at_least_a_quarter(unread: list[int], budget: int) -> None:
    assert read(unread, budget)[0] >= min(unread[0], max(1, budget // 4))


@pytest.mark.parametrize("short", [1, 20, 48, 100, 500, 2000])
def test_a_short_prompt_behind_a_long_one_takes_less_than_twice_its_steps_alone(
    short: int,
) -> None:
    (alone,) = ends([short])
    _, behind = ends([16_000, short])
    assert behind <= 2 * alone


def test_a_long_prompt_is_read_however_many_short_ones_come() -> None:
    unread, steps = 16_000, 0
    while unread > 0:
        unread -= read([unread, 50, 50])[0]
        steps += 1
    assert steps <= 4 * ends([16_000])[0]


def test_sixteen_short_prompts_are_read_one_after_another_and_none_late() -> None:
    prompts = [50] * 16
    assert ends(prompts) == [-(-50 * number // BUDGET) for number in range(1, 17)]


def test_a_step_may_be_longer_while_more_wait_for_their_first_token_than_write() -> None:
    assert step_goal(unread=1, writing=0) == READING_GOAL_S
    assert step_goal(unread=9, writing=7) == READING_GOAL_S
    assert step_goal(unread=8, writing=8) == STEP_GOAL_S
    assert step_goal(unread=0, writing=8) == STEP_GOAL_S
    assert max(STEP_GOAL_S, READING_GOAL_S) < 0.5


@given(
    chunk=st.integers(32, 512),
    tokens=st.integers(1, 512),
    seconds=st.floats(0, 10),
    limit=st.integers(16, 512),
)
def test_the_next_chunk_stays_within_its_bounds(
    chunk: int, tokens: int, seconds: float, limit: int
) -> None:
    chunk = min(chunk, limit)
    assert 16 <= next_chunk(chunk, min(tokens, chunk), seconds, limit) <= limit


def test_slow_steps_shrink_the_chunk_and_fast_steps_grow_it() -> None:
    assert next_chunk(128, 128, seconds=0.7, limit=256) == 64
    assert next_chunk(128, 128, seconds=0.05, limit=256) == 192
    assert next_chunk(128, 4, seconds=9.0, limit=256) == 128


def test_the_chunk_grows_with_the_time_that_a_step_may_take() -> None:
    assert next_chunk(64, 64, seconds=STEP_GOAL_S, limit=256) == 64
    assert next_chunk(64, 64, seconds=STEP_GOAL_S, limit=256, goal_s=READING_GOAL_S) == 80
