"""What a campaign tried and which of it is better: variants, what answered, votes, halves."""

from collections.abc import Mapping, Sequence
from html import escape

from chat.campaigns.models import Mode, Variant
from chat.feedback.reports import ComparisonResult, SourceCount
from chat.feedback.statistics import Share, difference
from formats.charts import shares
from formats.report_parts import ReportFormatter

ANSWERED = ("variant", "model", "revision", "quantization", "engine", "preset", "answers")


# --- what was tried -------------------------------------------------------------------------------


def variants(pen: ReportFormatter) -> str:
    """As they were planned, and what really answered."""
    tried = pen.plan.variants[: 1 if pen.plan.mode is Mode.SINGLE else 2]
    several = any(variant.engine for variant in tried)
    columns = ["variant", "system-prompt", "sampling", "preset", *["asked-of"] * several]
    planned = pen.table(columns, (_planned(pen, variant)[: len(columns)] for variant in tried))
    answered = pen.table(ANSWERED, (_answered(pen, one) for one in pen.report.answered))
    if answered:
        answered = f"<h3>{pen.say('answered')}</h3>{answered}"
    return pen.section("variants", planned + answered)


def _planned(pen: ReportFormatter, variant: Variant) -> Sequence[str]:
    return (
        f"<b>{escape(variant.name)}</b>",
        escape(pen.mask(variant.system_prompt)) or pen.say("default"),
        f'<span class="set">{escape(variant.sampling.told()) or pen.say("default")}</span>',
        escape(pen.report.preset(variant.preset)),
        escape(variant.engine) or pen.say("first-model"),
    )


def _answered(pen: ReportFormatter, one: SourceCount) -> Sequence[str]:
    source = one.source
    return (
        "–" if one.variant is None else f"<b>{escape(pen.name(one.variant))}</b>",
        escape(source.model),
        f"<code>{escape(source.revision)}</code>",
        escape(source.quantization),
        escape(source.engine),
        escape(pen.report.preset(source.preset)),
        f"{one.count:,}",
    )


# --- votes ----------------------------------------------------------------------------------------


def comparison(pen: ReportFormatter) -> str:
    votes = pen.report.comparison
    if votes is None:
        return ""
    tasks = {task.id: task.title for task in pen.plan.tasks}
    tally = pen.say(
        "tally",
        first=pen.name(0),
        second=pen.name(1),
        wins=votes.wins[0],
        losses=votes.wins[1],
        ties=votes.ties,
        bad=votes.both_bad,
    )
    return pen.section(
        "comparison",
        f'<p class="say">{_verdict(pen, votes)}</p>{_drawn(pen, votes, tasks)}<p>{tally}</p>'
        f"{_rates(pen, 'task', votes.by_task, tasks)}"
        f"{_rates(pen, 'tester', votes.by_rater, _testers(pen, votes))}{pen.about('method')}",
    )


def _drawn(pen: ReportFormatter, votes: ComparisonResult, tasks: Mapping[str, str]) -> str:
    """Only what was voted on: a share of nothing is no point on a line."""
    label = pen.word("win-rate", name=pen.name(0))
    rows = [(label, votes.rate)]
    rows += [(tasks.get(task, task), share) for task, share in votes.by_task.items()]
    counted = [(name, share) for name, share in rows if share.count]
    return shares(counted, name=label) if counted else ""


def _rates(
    pen: ReportFormatter, kind: str, rates: Mapping[str, Share], names: Mapping[str, str]
) -> str:
    rows = (
        (escape(names.get(key, key)), f"{share.count:,}", *share.told())
        for key, share in rates.items()
    )
    shown = pen.table([kind, "counted", "won", "interval"], rows)
    return shown and f"<h3>{pen.say(f'by-{kind}', name=pen.name(0))}</h3>{shown}"


def _testers(pen: ReportFormatter, votes: ComparisonResult) -> Mapping[str, str]:
    """Their names; where names are masked, their numbers."""
    if not pen.redactor:
        return pen.report.testers
    numbered = enumerate(votes.by_rater, 1)
    return {rater: pen.word("tester-number", number=number) for number, rater in numbered}


def _verdict(pen: ReportFormatter, votes: ComparisonResult) -> str:
    """Whether the votes tell the variants apart, in a plain sentence."""
    rate = votes.rate
    if not rate.count:
        return pen.say("only-bad")
    if votes.better == 1:
        rate = Share(1 - rate.value, 1 - rate.high, 1 - rate.low, rate.count)
    values = {"rate": rate.value, "low": rate.low, "high": rate.high}
    told = {key: f"{value:.0%}" for key, value in values.items()}
    apart = "not-apart" if votes.better is None else "apart"
    said = pen.say(apart, name=pen.name(votes.better or 0), **told)
    return f"{said} {pen.say('more-votes', count=votes.needed)}" if votes.needed else said


# --- halves ---------------------------------------------------------------------------------------


def split(pen: ReportFormatter) -> str:
    parts = pen.report.variants
    if pen.plan.mode is not Mode.SPLIT or len(parts) < 2:
        return ""
    apart = difference(parts[0].liked, parts[1].liked)
    if all(part.liked.count for part in parts) and apart.tells:
        low, high = sorted((abs(apart.low), abs(apart.high)))
        said = pen.say(
            "rates-apart",
            name=pen.name(0 if apart.value > 0 else 1),
            difference=f"{abs(apart.value) * 100:.0f}",
            low=f"{low * 100:.0f}",
            high=f"{high * 100:.0f}",
        )
    else:
        said = pen.say("rates-not-apart")
    liked = pen.liked([(pen.name(index), part) for index, part in enumerate(parts)])
    return pen.section("comparison", f'<p class="say">{said}</p>{liked}')
