"""The variants of a campaign, for its host: each as planned, and the models that answered."""

from dataclasses import dataclass

from markupsafe import Markup

from chat.campaigns.models import Mode, Variant
from chat.feedback.report_models import AnswerSource, Report, SourceCount
from pages.html import PageLocale, render


@dataclass(frozen=True, slots=True)
class PlannedVariant:
    """A variant of the plan. An empty `sampling`: the model's own defaults."""

    variant: Variant
    sampling: str
    preset_name: str


@dataclass(frozen=True, slots=True)
class AnsweringModel:
    """A model with its settings and its number of answers. `variant_name` None: not in the plan."""

    variant_name: str | None
    source: AnswerSource
    preset_name: str
    count: str


def variants_block(locale: PageLocale, report: Report) -> Markup:
    """Two tables of the campaign's page."""
    plan = report.campaign.plan
    planned = plan.variants[: 1 if plan.mode is Mode.SINGLE else None]
    return render(
        "campaigns/variants.html",
        locale,
        has_engines=any(variant.engine for variant in planned),
        planned=[
            PlannedVariant(variant, variant.sampling.summary(), report.preset(variant.preset))
            for variant in planned
        ],
        answered=[_answered(report, counted) for counted in report.answered],
    )


def _answered(report: Report, counted: SourceCount) -> AnsweringModel:
    variants, index = report.campaign.plan.variants, counted.variant
    is_known = index is not None and index < len(variants)
    return AnsweringModel(
        variants[index or 0].name if is_known else None,
        counted.source,
        report.preset(counted.source.preset),
        f"{counted.count:,}",
    )
