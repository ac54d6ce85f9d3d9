"""Proportions and strengths with confidence intervals, and percentiles. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, hypot, log, sqrt

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


@dataclass(frozen=True, slots=True)
class Strength:
    """The strength of one of several opponents in Elo points around a mean of 0, with a 95 %
    confidence interval. `is_separated`: see `bradley_terry`."""

    value: float
    low: float
    high: float
    is_separated: bool = False


ELO = 400 / log(10)
"""Elo points of one unit of log strength: 400 points are odds of ten to one."""

PRIOR = 0.5
"""Wins, and defeats, against an average opponent that separated data get added."""

MAX_ROUNDS = 5_000
CONVERGED = 1e-10

Matrix = list[list[float]]


def bradley_terry(wins: Sequence[Sequence[float]]) -> Sequence[Strength]:
    """Strengths of opponents from `wins[i][j]`, how often i was voted better than j.

    A tie is half a win for each. The model: i beats j with probability p_i / (p_i + p_j). Its
    likelihood is maximised by the MM algorithm of Hunter, "MM algorithms for generalized
    Bradley-Terry models", Annals of Statistics 32 (2004), 384-406: in each round p_i becomes
    W_i / sum_j n_ij / (p_i + p_j). Intervals come from the Fisher information of log p, with the
    strengths centred.

    The maximum exists only if every opponent can be reached from every other one by a chain of
    wins (Hunter's assumption 1). Otherwise the data are separated: somebody never lost, or groups
    never met. Then each opponent gets `PRIOR` wins and defeats against an average one, which keeps
    the estimates finite, and the result says so.
    """
    count = len(wins)
    separated = not _is_connected(wins)
    prior = PRIOR if separated else 0.0
    strengths = _maximise(wins, prior)
    variances = _variances(wins, strengths, prior)
    middle = sum(map(log, strengths)) / count
    results = []
    for strength, variance in zip(strengths, variances, strict=True):
        value, reach = ELO * (log(strength) - middle), ELO * Z * sqrt(max(variance, 0.0))
        results.append(Strength(value, value - reach, value + reach, separated))
    return results


def _is_connected(wins: Sequence[Sequence[float]]) -> bool:
    """Whether chains of wins lead from the first opponent to every other one, and back."""
    count = len(wins)
    for forward in (True, False):
        reached, open_ = {0}, [0]
        while open_:
            one = open_.pop()
            found = {
                other
                for other in range(count)
                if (wins[one][other] if forward else wins[other][one]) > 0
            }
            open_ += found - reached
            reached |= found
        if len(reached) < count:
            return False
    return True


def _maximise(wins: Sequence[Sequence[float]], prior: float) -> Sequence[float]:
    """The strengths that make these wins likeliest; the average opponent has a strength of 1."""
    count = len(wins)
    won = [sum(row) + prior for row in wins]
    strengths = [1.0] * count
    for _ in range(MAX_ROUNDS):
        newer = []
        for one, mine in enumerate(strengths):
            met = 2 * prior / (mine + 1)
            met += sum(
                (wins[one][other] + wins[other][one]) / (mine + theirs)
                for other, theirs in enumerate(strengths)
                if other != one
            )
            newer.append(won[one] / met)
        if not prior:  # only ratios matter
            scale = exp(sum(map(log, newer)) / count)
            newer = [strength / scale for strength in newer]
        change = max(abs(log(a / b)) for a, b in zip(newer, strengths, strict=True))
        strengths = newer
        if change < CONVERGED:
            break
    return strengths


def _variances(
    wins: Sequence[Sequence[float]], strengths: Sequence[float], prior: float
) -> Sequence[float]:
    """The variances of the centred log strengths.

    The information is singular in the direction in which all strengths grow; adding 1 / count to
    each cell makes it regular there, and centring removes that direction again.
    """
    count = len(strengths)
    information: Matrix = [[0.0 if prior else 1 / count] * count for _ in range(count)]
    for one, mine in enumerate(strengths):
        information[one][one] += 2 * prior * mine / (mine + 1) ** 2
        for other in range(one + 1, count):
            theirs = strengths[other]
            met = wins[one][other] + wins[other][one]
            weight = met * mine * theirs / (mine + theirs) ** 2
            information[one][one] += weight
            information[other][other] += weight
            information[one][other] -= weight
            information[other][one] -= weight
    inverse = _inverse(information)
    rows = [sum(row) / count for row in inverse]
    whole = sum(rows) / count
    return [inverse[one][one] - 2 * rows[one] + whole for one in range(count)]


def _inverse(matrix: Matrix) -> Matrix:
    """The inverse of a small regular matrix, by Gauss and Jordan with row exchanges."""
    size = len(matrix)
    work = [[*row, *(float(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(work[row][column]))
        work[column], work[pivot] = work[pivot], work[column]
        lead = work[column][column]
        work[column] = [value / lead for value in work[column]]
        for row in range(size):
            factor = work[row][column]
            if row != column and factor:
                work[row] = [
                    value - factor * above
                    for value, above in zip(work[row], work[column], strict=True)
                ]
    return [row[size:] for row in work]
