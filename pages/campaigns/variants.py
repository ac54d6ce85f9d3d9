"""What a campaign tries, for its host: each variant as it was planned, and what really answered."""

from collections.abc import Sequence
from html import escape

from chat.campaigns.models import Mode, Variant
from chat.feedback.reports import Report, SourceCount
from pages.html import ReaderContext, table

PLANNED = ["origin-variant", "role-system", "origin-sampling", "origin-preset"]
ANSWERED = ["origin-variant", "origin-model", "origin-revision", "origin-quantization"]
ANSWERED += ["origin-engine", "origin-preset", "compare-answers"]


def variants_block(reader: ReaderContext, report: Report) -> str:
    """Two tables of the campaign's page."""
    plan = report.campaign.plan
    tried = plan.variants[: 1 if plan.mode is Mode.SINGLE else 2]
    columns = [*PLANNED, *["asked-of"] * any(variant.engine for variant in tried)]
    rows = (_planned(reader, report, variant)[: len(columns)] for variant in tried)
    answered = f"<p>{reader.say('nothing-answered')}</p>"
    if report.answered:
        answered = table(reader, ANSWERED, (_answered(report, one) for one in report.answered))
    heading = f"<h3>{reader.say('what-answered')}</h3>"
    return f'<div class="tried">{table(reader, columns, rows)}{heading}{answered}</div>'


def _planned(reader: ReaderContext, report: Report, variant: Variant) -> Sequence[str]:
    prompt, own = variant.system_prompt, f"<em>{reader.say('model-s-own')}</em>"
    return (
        f"<bdi>{escape(variant.name)}</bdi>",
        f'<div class="words" dir="auto">{escape(prompt)}</div>' if prompt else own,
        escape(variant.sampling.told()) or own,
        f"<bdi>{escape(report.preset(variant.preset))}</bdi>",
        f"<bdi>{escape(variant.engine) or reader.say('first-model')}</bdi>",
    )


def _answered(report: Report, one: SourceCount) -> Sequence[str]:
    source, known = one.source, report.campaign.plan.variants
    is_known = one.variant is not None and one.variant < len(known)
    return (
        f"<bdi>{escape(known[one.variant or 0].name)}</bdi>" if is_known else "–",
        f"<bdi>{escape(source.model)}</bdi>",
        f"<code>{escape(source.revision)}</code>",
        escape(source.quantization),
        escape(source.engine),
        f"<bdi>{escape(report.preset(source.preset))}</bdi>",
        f"{one.count:,}",
    )
