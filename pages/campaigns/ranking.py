"""The result of a comparison of more than two variants, for its host."""

from collections.abc import Sequence
from dataclasses import dataclass

from chat.feedback.report_models import RankingResult


@dataclass(frozen=True, slots=True)
class ListedStrength:
    """A variant with its strength and the interval, in Elo points."""

    name: str
    value: str
    interval: str


@dataclass(frozen=True, slots=True)
class ListedPair:
    """The votes between two variants; the rate is that of the first one."""

    names: str
    wins: str
    ties: int
    both_bad: int
    share: str
    interval: str


@dataclass(frozen=True, slots=True)
class RankingView:
    """The values of `campaigns/ranking.html`."""

    strengths: Sequence[ListedStrength]
    pairs: Sequence[ListedPair]
    is_separated: bool


def ranking_view(result: RankingResult, names: Sequence[str]) -> RankingView:
    """`names` are those of the variants."""
    strengths = [
        ListedStrength(names[one], f"{each.value:+.0f}", f"{each.low:+.0f} … {each.high:+.0f}")
        for one in result.order
        for each in (result.strengths[one],)
    ]
    pairs = [
        ListedPair(
            f"{names[first]} / {names[second]}",
            f"{votes.wins[0]} / {votes.wins[1]}",
            votes.ties,
            votes.both_bad,
            *votes.rate.formatted(),
        )
        for (first, second), votes in result.pairs.items()
    ]
    return RankingView(strengths, pairs, result.is_separated)
