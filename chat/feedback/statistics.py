"""Shares with their intervals, and the middle and the end of what was measured. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, hypot, sqrt

Z = 1.959964
"""Standard deviations on each side of the middle that hold 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval. Of nothing, everything from 0 to 1 is possible."""

    value: float
    low: float
    high: float
    count: int

    @property
    def tells(self) -> bool:
        """Whether it is certainly more, or certainly less, than one half."""
        return self.low > 0.5 or self.high < 0.5

    def formatted(self) -> tuple[str, str]:
        """The share and its interval in numbers; a dash for each of nothing."""
        if not self.count:
            return "–", "–"
        return f"{self.value:.0%}", f"{self.low:.0%} – {self.high:.0%}"


@dataclass(frozen=True, slots=True)
class Difference:
    """One share less another, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def tells(self) -> bool:
        """Whether the two are certainly not the same."""
        return self.low > 0 or self.high < 0


def share_of(part: float, count: int) -> Share:
    """`part` of `count`, with Wilson's score interval, which holds for few and for extremes too."""
    if not count:
        return Share(0.5, 0.0, 1.0, 0)
    value, square = part / count, Z * Z
    middle = (value + square / (2 * count)) / (1 + square / count)
    spread = sqrt(value * (1 - value) / count + square / (4 * count * count)) * Z
    spread /= 1 + square / count
    low, high = max(0.0, middle - spread), min(1.0, middle + spread)
    return Share(value, min(low, value), max(high, value), count)  # numbers are rounded


def win_rate(wins: int, losses: int, ties: int) -> Share:
    """The share of comparisons that were won, a tie counted as half a win."""
    return share_of(wins + ties / 2, wins + losses + ties)


def votes_needed(rate: Share) -> int | None:
    """About how many votes would tell two variants apart that differ as these seem to.

    None when nothing points to either of them.
    """
    return None if rate.value == 0.5 else ceil((Z / (2 * (rate.value - 0.5))) ** 2)


def difference(first: Share, second: Share) -> Difference:
    """First less second, with Newcombe's interval (his method 10, out of the two of Wilson)."""
    value = first.value - second.value
    below = hypot(first.value - first.low, second.high - second.value)
    above = hypot(first.high - first.value, second.value - second.low)
    return Difference(value, max(-1.0, value - below), min(1.0, value + above))


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least that share of all is no larger than; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(ceil(share * len(ordered)), 1) - 1]
