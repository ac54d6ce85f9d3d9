"""Shares, their intervals and percentiles, held against what is known of them."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.feedback.statistics import (
    ELO,
    bradley_terry,
    difference,
    percentile,
    share_of,
    votes_needed,
    win_rate,
)


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    # Wilson's interval as published: Newcombe (1998), Statistics in Medicine 17, table I
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_an_interval_is_the_published_one(
    successes: int, count: int, low: float, high: float
) -> None:
    share = share_of(successes, count)
    assert share.low == pytest.approx(low, abs=5e-5)
    assert share.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17, 873–890, table II, method 10
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_a_difference_has_the_published_interval(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    apart = difference(share_of(*first), share_of(*second))
    assert apart.low == pytest.approx(low, abs=5e-5)
    assert apart.high == pytest.approx(high, abs=5e-5)
    assert apart.is_significant


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_stays_within_0_and_1(counts: tuple[int, int]) -> None:
    share = share_of(*counts)
    assert 0 <= share.low <= share.value <= share.high <= 1


@pytest.mark.parametrize("count", [30, 100])
@pytest.mark.parametrize("truth", [0.5, 0.7, 0.9])
def test_an_interval_misses_the_true_value_about_once_in_twenty(count: int, truth: float) -> None:
    drawn = random.Random(f"{count} {truth}")
    trials = [
        share_of(sum(drawn.random() < truth for _ in range(count)), count) for _ in range(2000)
    ]
    held = sum(share.low <= truth <= share.high for share in trials) / len(trials)
    assert held == pytest.approx(0.95, abs=0.025)


def test_a_tie_is_half_a_win_of_each() -> None:
    assert win_rate(2, 1, 1).value == 2.5 / 4
    assert win_rate(2, 1, 1).value + win_rate(1, 2, 1).value == 1


def test_few_votes_are_insignificant_and_many_are_significant() -> None:
    assert not win_rate(3, 1, 0).is_significant
    assert win_rate(75, 25, 0).is_significant
    assert not win_rate(0, 0, 0).is_significant


def test_the_number_of_needed_votes_gives_significance() -> None:
    needed = votes_needed(win_rate(3, 2, 0))
    assert needed is not None
    assert win_rate(math.ceil(0.6 * needed) + 2, math.floor(0.4 * needed), 0).is_significant
    assert votes_needed(win_rate(2, 2, 1)) is None


def test_a_percentile_is_a_value_that_occurs() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert percentile(values, 0.5) == 3
    assert percentile(values, 0.95) == 5
    assert percentile([1.0], 0.05) == 1
    assert percentile([], 0.5) is None


# --- strengths of several -----------------------------------------------------------------------


def test_the_strengths_of_two_are_their_odds_with_the_interval_of_a_log_odds_ratio() -> None:
    first, second = bradley_terry([[0, 30], [10, 0]])
    assert first.value - second.value == pytest.approx(ELO * math.log(3), abs=1e-6)
    reach = (first.high - first.low) / 2
    # Each centred strength is half of the log odds, whose variance is 1/30 + 1/10.
    assert reach == pytest.approx(ELO * 1.959964 * math.sqrt(1 / 30 + 1 / 10) / 2, abs=1e-6)
    assert not first.is_separated


def test_strengths_are_those_of_published_data() -> None:
    """Seven baseball teams of 1987: Agresti, Categorical Data Analysis, 2nd edition, table 10.11.

    The published estimates are log odds against Baltimore.
    """
    wins = [
        [0, 7, 9, 7, 7, 9, 11],
        [6, 0, 7, 5, 11, 9, 9],
        [4, 6, 0, 7, 7, 8, 12],
        [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12],
        [4, 4, 5, 6, 6, 0, 6],
        [2, 4, 1, 3, 1, 7, 0],
    ]
    strengths = [one.value / ELO for one in bradley_terry(wins)]
    against_last = [one - strengths[-1] for one in strengths]
    assert against_last == pytest.approx([1.58, 1.44, 1.29, 1.25, 1.11, 0.68, 0], abs=0.01)


def test_separated_votes_give_finite_strengths_and_say_so() -> None:
    for wins in (
        [[0, 5, 5], [0, 0, 5], [0, 0, 0]],
        [[0, 3, 0, 0], [3, 0, 0, 0], [0, 0, 0, 3], [0, 0, 3, 0]],
        [[0, 1, 0], [1, 0, 0], [0, 0, 0]],
    ):
        strengths = bradley_terry(wins)
        assert all(one.is_separated for one in strengths)
        assert all(math.isfinite(one.low) and one.low < one.value < one.high for one in strengths)
    best, middle, worst = bradley_terry([[0, 5, 5], [0, 0, 5], [0, 0, 0]])
    assert best.value > middle.value > worst.value
    assert middle.value == pytest.approx(0, abs=1e-6)


@given(st.lists(st.lists(st.integers(0, 30), min_size=4, max_size=4), min_size=4, max_size=4))
def test_strengths_are_centred_ordered_and_as_wide_as_the_votes_are_few(
    rows: list[list[int]],
) -> None:
    wins = [[0 if i == j else count for j, count in enumerate(row)] for i, row in enumerate(rows)]
    strengths = bradley_terry(wins)
    assert sum(one.value for one in strengths) == pytest.approx(0, abs=1e-4)
    assert all(one.low <= one.value <= one.high for one in strengths)
    if not strengths[0].is_separated:
        more = bradley_terry([[4 * count for count in row] for row in wins])
        for one, other in zip(strengths, more, strict=True):
            assert other.value == pytest.approx(one.value, abs=0.1)
            assert other.high - other.low == pytest.approx((one.high - one.low) / 2, rel=0.01)
