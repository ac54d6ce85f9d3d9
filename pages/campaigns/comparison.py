"""What came of a comparison, for its host: votes with what they tell, or two halves of testers."""

from collections.abc import Mapping, Sequence
from html import escape

from chat.campaigns.hosts import VariantProgress
from chat.campaigns.models import Mode
from chat.feedback.reports import ComparisonResult, Report, VariantResult
from chat.feedback.statistics import Difference, Share, difference
from pages.html import ReaderContext, section, table

SPREADS = (
    ("length", "compare-length"),
    ("first-token", "compare-first-token"),
    ("total", "compare-total"),
)
"""What is compared of answers, and its words."""


def comparison_block(
    reader: ReaderContext,
    report: Report,
    testers: Sequence[VariantProgress],
    names: Mapping[str, str],
) -> str:
    """A section of the campaign's page; nothing where nothing is compared.

    `names` are those of testers by their ids.
    """
    draw = {Mode.BLIND: _blind, Mode.SPLIT: _split}.get(report.campaign.plan.mode)
    return section(reader, "comparison", draw(reader, report, testers, names)) if draw else ""


def _blind(
    reader: ReaderContext,
    report: Report,
    testers: Sequence[VariantProgress],
    names: Mapping[str, str],
) -> str:
    votes, plan = report.comparison, report.campaign.plan
    if votes is None:
        return f"<p>{reader.say('no-votes')}</p>"
    first, second = (variant.name for variant in plan.variants)
    counts = [
        ("votes-won", first, votes.wins[0]),
        ("votes-won", second, votes.wins[1]),
        ("votes-tied", "", votes.ties),
        ("votes-both-bad", "", votes.both_bad),
    ]
    cells = "".join(
        f"<div><dt>{reader.say(key, name=name)}</dt><dd>{count}</dd></div>"
        for key, name, count in counts
    )
    tasks = {task.id: task.title for task in plan.tasks}
    return (
        f'<dl class="figures">{cells}</dl>{_sentence(reader, votes, first, second)}'
        f'<p class="hint">{reader.say("votes-method")}</p>'
        f"{_shares(reader, 'votes-by-task', 'column-task', votes.by_task, tasks, first)}"
        f"{_shares(reader, 'votes-by-rater', 'column-tester', votes.by_rater, names, first)}"
    )


def _sentence(reader: ReaderContext, votes: ComparisonResult, first: str, second: str) -> str:
    rate = votes.rate
    if not rate.count:
        return f"<p>{reader.say('votes-none-count')}</p>"
    share, interval = rate.told()
    said = reader.say("votes-rate", name=first, share=share, interval=interval)
    if votes.better is None:
        verdict = reader.say("votes-do-not-tell")
        if votes.needed:
            more = votes.needed - rate.count
            verdict += " " + reader.say("votes-more", count=f"{more:,}")
    else:
        names = (first, second)
        better, worse = names[votes.better], names[1 - votes.better]
        verdict = reader.say("votes-tell", better=better, worse=worse)
    return f"<p>{said} <b>{verdict}</b></p>"


def _shares(
    reader: ReaderContext,
    title: str,
    column: str,
    shares: Mapping[str, Share],
    names: Mapping[str, str],
    first: str,
) -> str:
    if len(shares) < 1:
        return ""
    rows = (
        (f"<bdi>{escape(names.get(key, key))}</bdi>", str(share.count), *share.told())
        for key, share in shares.items()
    )
    columns = [column, "column-votes", "column-rate", "column-interval"]
    shown = table(reader, columns, rows)
    return f"<details><summary>{reader.say(title, name=first)}</summary>{shown}</details>"


def _split(
    reader: ReaderContext,
    report: Report,
    testers: Sequence[VariantProgress],
    names: Mapping[str, str],
) -> str:
    names_of = [f"<bdi>{escape(variant.name)}</bdi>" for variant in report.campaign.plan.variants]
    rows: list[Sequence[str]] = [
        (reader.say("compare-testers"), *(str(one.consented) for one in testers)),
        (reader.say("compare-finished"), *(str(one.finished) for one in testers)),
        (reader.say("compare-dropped-out"), *(str(one.dropped_out) for one in testers)),
        (reader.say("compare-answers"), *(str(part.answers) for part in report.variants)),
        (reader.say("compare-liked"), *map(_liked, report.variants)),
    ]
    rows += [
        (reader.say(words), *(_spread(part, kind) for part in report.variants))
        for kind, words in SPREADS
    ]
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    head = "".join(f"<th>{cell}</th>" for cell in ("", *names_of))
    return (
        f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f"</div>{_split_sentence(reader, report)}"
        f'<p class="hint">{reader.say("split-method")}</p>'
    )


def _split_sentence(reader: ReaderContext, report: Report) -> str:
    first, second = (part.liked for part in report.variants)
    if not first.count or not second.count:
        return f"<p>{reader.say('split-no-ratings')}</p>"
    apart = difference(first, second)
    said = reader.say("split-difference", points=_points(apart.value), interval=_apart(apart))
    if not apart.tells:
        return f"<p>{said} <b>{reader.say('split-does-not-tell')}</b></p>"
    names = [variant.name for variant in report.campaign.plan.variants]
    better, worse = names if apart.value > 0 else names[::-1]
    return f"<p>{said} <b>{reader.say('split-tells', better=better, worse=worse)}</b></p>"


def _liked(part: VariantResult) -> str:
    share = part.liked
    if not share.count:
        return "–"
    told, interval = share.told()
    return f"{told} ({interval}; {part.up} / {share.count})"


def _spread(part: VariantResult, kind: str) -> str:
    spread = part.spreads.get(kind)
    return f"{spread.p50:.4g} / {spread.p95:.4g}" if spread else "–"


def _points(value: float) -> str:
    return f"{100 * value:+.0f}"


def _apart(apart: Difference) -> str:
    return f"{_points(apart.low)} … {_points(apart.high)}"
