"""Report sections on variants: settings, models, votes and the split test."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from chat.campaigns.models import Mode, Variant
from chat.feedback.report_models import ComparisonResult, SourceCount
from chat.feedback.statistics import Share, difference
from formats.drawing import html
from formats.reports.charts import shares
from formats.reports.formatter import ReportFormatter

ANSWERED = ("variant", "model", "revision", "quantization", "engine", "preset", "answers")


# --- what was tried -------------------------------------------------------------------------------


def variants(pen: ReportFormatter) -> Markup:
    """The planned variants, and the models that answered."""
    tried = pen.plan.variants[: 1 if pen.plan.mode is Mode.SINGLE else None]
    several = any(variant.engine for variant in tried)
    columns = ["variant", "system-prompt", "sampling", "preset", *["asked-of"] * several]
    planned = pen.table(columns, (_planned(pen, variant)[: len(columns)] for variant in tried))
    answered = pen.table(ANSWERED, (_answered(pen, one) for one in pen.report.answered))
    if answered:
        answered = html("report.part", title=pen.text("answered"), body=answered)
    return pen.section("variants", planned + answered)


def _planned(pen: ReportFormatter, variant: Variant) -> Sequence[str]:
    return (
        html("report.bold", words=variant.name),
        pen.mask(variant.system_prompt) or pen.text("default"),
        html("report.settings", words=variant.sampling.summary() or pen.text("default")),
        pen.report.preset(variant.preset),
        variant.engine or pen.text("first-model"),
    )


def _answered(pen: ReportFormatter, one: SourceCount) -> Sequence[str]:
    source = one.source
    return (
        "–" if one.variant is None else html("report.bold", words=pen.name(one.variant)),
        source.model,
        html("report.code", words=source.revision),
        source.quantization,
        source.engine,
        pen.report.preset(source.preset),
        f"{one.count:,}",
    )


# --- votes ----------------------------------------------------------------------------------------


def comparison(pen: ReportFormatter) -> Markup:
    votes = pen.report.comparison
    if votes is None:
        return Markup()
    tasks = {task.id: task.title for task in pen.plan.tasks}
    counts = pen.text(
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
        html("report.sentence", words=_verdict(pen, votes))
        + _drawn(pen, votes, tasks)
        + html("report.paragraph", words=counts)
        + _rates(pen, "task", votes.by_task, tasks)
        + _rates(pen, "tester", votes.by_user, _testers(pen, votes))
        + pen.about("method"),
    )


def _drawn(pen: ReportFormatter, votes: ComparisonResult, tasks: Mapping[str, str]) -> Markup:
    """A chart of win rates; rows without votes are omitted."""
    label = pen.word("win-rate", name=pen.name(0))
    rows = [(label, votes.rate)]
    rows += [(tasks.get(task, task), share) for task, share in votes.by_task.items()]
    counted = [(name, share) for name, share in rows if share.count]
    return shares(counted, name=label) if counted else Markup()


def _rates(
    pen: ReportFormatter, kind: str, rates: Mapping[str, Share], names: Mapping[str, str]
) -> Markup:
    rows = (
        (names.get(key, key), f"{share.count:,}", *share.formatted())
        for key, share in rates.items()
    )
    table = pen.table([kind, "counted", "won", "interval"], rows)
    if not table:
        return table
    return html("report.part", title=pen.text(f"by-{kind}", name=pen.name(0)), body=table)


def _testers(pen: ReportFormatter, votes: ComparisonResult) -> Mapping[str, str]:
    """The names of testers; numbers where names are masked."""
    if not pen.redactor:
        return pen.report.testers
    numbered = enumerate(votes.by_user, 1)
    return {user_id: pen.word("tester-number", number=number) for number, user_id in numbered}


def _verdict(pen: ReportFormatter, votes: ComparisonResult) -> Markup:
    """A sentence on whether the difference of the variants is significant."""
    rate = votes.rate
    if not rate.count:
        return pen.text("only-bad")
    if votes.better == 1:
        rate = Share(1 - rate.value, 1 - rate.high, 1 - rate.low, rate.count)
    values = {"rate": rate.value, "low": rate.low, "high": rate.high}
    formatted = {key: f"{value:.0%}" for key, value in values.items()}
    apart = "not-apart" if votes.better is None else "apart"
    sentence = pen.text(apart, name=pen.name(votes.better or 0), **formatted)
    return sentence + " " + pen.text("more-votes", count=votes.needed) if votes.needed else sentence


# --- split test -----------------------------------------------------------------------------------


def split(pen: ReportFormatter) -> Markup:
    parts = pen.report.variants
    if pen.plan.mode is not Mode.SPLIT or len(parts) < 2:
        return Markup()
    apart = difference(parts[0].liked, parts[1].liked)
    if all(part.liked.count for part in parts) and apart.is_significant:
        low, high = sorted((abs(apart.low), abs(apart.high)))
        sentence = pen.text(
            "rates-apart",
            name=pen.name(0 if apart.value > 0 else 1),
            difference=f"{abs(apart.value) * 100:.0f}",
            low=f"{low * 100:.0f}",
            high=f"{high * 100:.0f}",
        )
    else:
        sentence = pen.text("rates-not-apart")
    liked = pen.liked([(pen.name(index), part) for index, part in enumerate(parts)])
    return pen.section("comparison", html("report.sentence", words=sentence) + liked)
