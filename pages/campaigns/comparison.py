"""The result of a comparison, for its host: votes with their significance, or two groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chat.campaigns.models import Mode, VariantProgress
from chat.feedback.report_models import ComparisonResult, Report, VariantResult
from chat.feedback.statistics import Difference, Share, difference
from pages.campaigns.ranking import ranking_view
from pages.html import PageLocale, render

SPREADS = (
    ("length", "compare-length"),
    ("first-token", "compare-first-token"),
    ("total", "compare-total"),
)
"""Measurements of answers that are compared, with the keys of their texts."""


@dataclass(frozen=True, slots=True)
class ResultSentence:
    """A measurement and its interpretation; an empty verdict: no measurement."""

    measured: str
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class ListedShare:
    """The votes of one task or tester, with the rate of the first variant."""

    name: str
    count: int
    share: str
    interval: str


@dataclass(frozen=True, slots=True)
class ShareGroup:
    """The votes by task or by tester; `column` is the key of the first column's text."""

    title: str
    column: str
    rows: Sequence[ListedShare]


@dataclass(frozen=True, slots=True)
class BlindResult:
    """The votes of a blind comparison."""

    counts: Sequence[tuple[str, int]]
    result: ResultSentence
    groups: Sequence[ShareGroup]


@dataclass(frozen=True, slots=True)
class SplitResult:
    """The two groups of a split test: rows of the key of a text and a cell for each variant."""

    variants: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    result: ResultSentence


def comparison_block(
    locale: PageLocale,
    report: Report,
    testers: Sequence[VariantProgress],
    names: Mapping[str, str],
) -> Markup:
    """A section of the campaign's page; empty for a campaign that compares nothing.

    `names` are names of testers by user id.
    """
    mode = report.campaign.plan.mode
    if mode is Mode.SINGLE:
        return Markup()
    variants = [variant.name for variant in report.campaign.plan.variants]
    return render(
        "campaigns/comparison.html",
        locale,
        ranked=ranking_view(report.ranking, variants) if report.ranking else None,
        blind=_blind(locale, report, names) if mode is Mode.BLIND else None,
        split=_split(locale, report, testers) if mode is Mode.SPLIT else None,
    )


def _blind(locale: PageLocale, report: Report, names: Mapping[str, str]) -> BlindResult | None:
    """None without any vote."""
    votes, plan = report.comparison, report.campaign.plan
    if votes is None:
        return None
    first, second = (variant.name for variant in plan.variants)
    counts: list[tuple[str, int]] = [
        (locale.text("votes-won", name=first), votes.wins[0]),
        (locale.text("votes-won", name=second), votes.wins[1]),
        (locale.text("votes-tied"), votes.ties),
        (locale.text("votes-both-bad"), votes.both_bad),
    ]
    tasks = {task.id: task.title for task in plan.tasks}
    groups = [
        ShareGroup(locale.text(title, name=first), column, _shares(shares, labels))
        for title, column, shares, labels in (
            ("votes-by-task", "column-task", votes.by_task, tasks),
            ("votes-by-rater", "column-tester", votes.by_user, names),
        )
        if shares
    ]
    return BlindResult(counts, _blind_sentence(locale, votes, first, second), groups)


def _blind_sentence(
    locale: PageLocale, votes: ComparisonResult, first: str, second: str
) -> ResultSentence:
    rate = votes.rate
    if not rate.count:
        return ResultSentence(locale.text("votes-none-count"))
    share, interval = rate.formatted()
    measured = locale.text("votes-rate", name=first, share=share, interval=interval)
    if votes.better is not None:
        names = (first, second)
        better, worse = names[votes.better], names[1 - votes.better]
        return ResultSentence(measured, locale.text("votes-tell", better=better, worse=worse))
    verdict = locale.text("votes-do-not-tell")
    if votes.needed:
        missing = votes.needed - rate.count
        verdict += Markup(" ") + locale.text("votes-more", count=f"{missing:,}")
    return ResultSentence(measured, verdict)


def _shares(shares: Mapping[str, Share], names: Mapping[str, str]) -> Sequence[ListedShare]:
    return [
        ListedShare(names.get(key, key), share.count, *share.formatted())
        for key, share in shares.items()
    ]


def _split(locale: PageLocale, report: Report, testers: Sequence[VariantProgress]) -> SplitResult:
    variants = report.variants
    rows = [
        ("compare-testers", [str(one.consented) for one in testers]),
        ("compare-finished", [str(one.finished) for one in testers]),
        ("compare-dropped-out", [str(one.dropped_out) for one in testers]),
        ("compare-answers", [str(one.answers) for one in variants]),
        ("compare-liked", [_liked(one) for one in variants]),
        *((key, [_spread(one, kind) for one in variants]) for kind, key in SPREADS),
    ]
    names = [variant.name for variant in report.campaign.plan.variants]
    return SplitResult(names, rows, _split_sentence(locale, report))


def _split_sentence(locale: PageLocale, report: Report) -> ResultSentence:
    first, second = (variant.liked for variant in report.variants)
    if not first.count or not second.count:
        return ResultSentence(locale.text("split-no-ratings"))
    apart = difference(first, second)
    measured = locale.text(
        "split-difference", points=_points(apart.value), interval=_interval(apart)
    )
    if not apart.is_significant:
        return ResultSentence(measured, locale.text("split-does-not-tell"))
    names = [variant.name for variant in report.campaign.plan.variants]
    better, worse = names if apart.value > 0 else names[::-1]
    return ResultSentence(measured, locale.text("split-tells", better=better, worse=worse))


def _liked(variant: VariantResult) -> str:
    share = variant.liked
    if not share.count:
        return "–"
    rate, interval = share.formatted()
    return f"{rate} ({interval}; {variant.up} / {share.count})"


def _spread(variant: VariantResult, kind: str) -> str:
    spread = variant.spreads.get(kind)
    return f"{spread.p50:.4g} / {spread.p95:.4g}" if spread else "–"


def _points(value: float) -> str:
    """A difference of rates in percentage points."""
    return f"{100 * value:+.0f}"


def _interval(apart: Difference) -> str:
    return f"{_points(apart.low)} … {_points(apart.high)}"
