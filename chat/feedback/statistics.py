"""Proportions with confidence intervals, and percentiles. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, hypot, sqrt

Z = 1.959964
"""The two-sided 95 % quantile of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Share:
    """A proportion with its 95 % confidence interval; 0 to 1 without observations."""

    value: float
    low: float
    high: float
    count: int

    @property
    def is_significant(self) -> bool:
        """Whether it differs significantly from one half."""
        return self.low > 0.5 or self.high < 0.5

    def formatted(self) -> tuple[str, str]:
        """The share and its interval as text; dashes without observations."""
        if not self.count:
            return "–", "–"
        return f"{self.value:.0%}", f"{self.low:.0%} – {self.high:.0%}"


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two shares with its 95 % confidence interval."""

    value: float
    low: float
    high: float

    @property
    def is_significant(self) -> bool:
        """Whether the two differ significantly."""
        return self.low > 0 or self.high < 0


def share_of(part: float, count: int) -> Share:
    """`part` of `count` with Wilson's score interval, which suits small samples and extremes."""
    if not count:
        return Share(0.5, 0.0, 1.0, 0)
    value, square = part / count, Z * Z
    middle = (value + square / (2 * count)) / (1 + square / count)
    spread = sqrt(value * (1 - value) / count + square / (4 * count * count)) * Z
    spread /= 1 + square / count
    low, high = max(0.0, middle - spread), min(1.0, middle + spread)
    return Share(
        value, min(low, value), max(high, value), count
    )  # floating-point rounding may put the value outside


def win_rate(wins: int, losses: int, ties: int) -> Share:
    """The share of comparisons won; a tie counts as half a win."""
    return share_of(wins + ties / 2, wins + losses + ties)


def votes_needed(rate: Share) -> int | None:
    """Estimated number of votes for significance at this rate; None at exactly one half."""
    return None if rate.value == 0.5 else ceil((Z / (2 * (rate.value - 0.5))) ** 2)


def difference(first: Share, second: Share) -> Difference:
    """First minus second, with Newcombe's interval (method 10, from two Wilson intervals)."""
    value = first.value - second.value
    below = hypot(first.value - first.low, second.high - second.value)
    above = hypot(first.high - first.value, second.value - second.low)
    return Difference(value, max(-1.0, value - below), min(1.0, value + above))


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile; None without values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(ceil(share * len(ordered)), 1) - 1]
