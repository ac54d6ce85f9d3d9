"""Shares and their intervals, what votes tell of two variants, percentiles. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt

from chat.campaigns import Choice, Duel

Z = 1.959963984540054
"""Standard deviations on each side of the middle that hold 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `count` with its 95 % interval."""

    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Difference:
    """How much larger one share is than another, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def tells_apart(self) -> bool:
        """Whether the interval leaves out that there is no difference."""
        return not self.low <= 0 <= self.high


def wilson(successes: float, count: int) -> Share:
    """A share with Wilson's score interval, which holds for few and for extreme ones too.

    Raises ValueError for a share of nothing, and for more than everything.
    """
    if count <= 0:
        raise ValueError("a share is of something")
    if not 0 <= successes <= count:
        raise ValueError("there are no more than there is")
    value, square = successes / count, Z * Z
    scale = 1 + square / count
    middle = (value + square / (2 * count)) / scale
    spread = Z * sqrt(value * (1 - value) / count + square / (4 * count * count)) / scale
    return Share(
        value, min(max(0.0, middle - spread), value), max(min(1.0, middle + spread), value), count
    )


def difference(first: Share, second: Share) -> Difference:
    """Newcombe's hybrid score interval (1998, method 10)."""
    value = first.value - second.value
    below = sqrt((first.value - first.low) ** 2 + (second.high - second.value) ** 2)
    above = sqrt((first.high - first.value) ** 2 + (second.value - second.low) ** 2)
    return Difference(value, max(-1.0, value - below), min(1.0, value + above))


@dataclass(frozen=True, slots=True)
class Contest:
    """How often each of two variants won, and how often neither did."""

    first: int = 0
    second: int = 0
    ties: int = 0
    both_bad: int = 0

    @property
    def win_rate(self) -> Share | None:
        """Of the first, a tie counted as half; both bad says nothing of which is better."""
        count = self.first + self.second + self.ties
        return wilson(self.first + self.ties / 2, count) if count else None

    @property
    def tells_apart(self) -> bool:
        """Whether one is better, as far as 95 % is sure."""
        rate = self.win_rate
        return rate is not None and not rate.low <= 0.5 <= rate.high

    @property
    def votes_needed(self) -> int | None:
        """How many votes, divided as these are, would tell the two apart; None: no number would."""
        rate = self.win_rate
        if rate is None or rate.value == 0.5:
            return None
        return floor((Z / 2 / (rate.value - 0.5)) ** 2) + 1


def contest(duels: Iterable[Duel]) -> Contest:
    """What the votes of duels come to; who has not voted does not count."""
    voted = [duel for duel in duels if duel.choice]
    winners = Counter(duel.winner for duel in voted)
    choices = Counter(duel.choice for duel in voted)
    return Contest(winners[0], winners[1], choices[Choice.TIE], choices[Choice.BOTH_BAD])


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least that share of all is no larger than; None of none."""
    if not values:
        return None
    return sorted(values)[max(ceil(share * len(values)), 1) - 1]
