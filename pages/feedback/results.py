"""Rated answers for hosts: the list with its filter, and the forms of the exports."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from markupsafe import Markup

from chat.accounts.models import User
from chat.campaigns.models import Campaign, Mode
from chat.feedback.filter_models import Cursor
from chat.feedback.models import REASONS, RatedAnswer, Verdict
from chat.feedback.omissions import Omission
from chat.feedback.preferences import may_give_pairs
from chat.feedback.result_models import (
    FilterOptions,
    RatingCounts,
    RatingFilter,
    RatingPage,
    ReviewStatus,
)
from chat.feedback.vote_models import VoteFilter
from pages.feedback.filters import FilterField, day_field, excerpt, query_string, select_field
from pages.feedback.votes import votes_path
from pages.host_nav import render_host_page
from pages.html import PageLocale, render

SCRIPT = "results.js"
FORMATS = ("csv", "sft", "dpo", "json")
COUNTS = ("answers", "up", "down", "corrected", "open")


@dataclass(frozen=True, slots=True)
class RatingListView:
    """The values of the page. `names` are names by user id, `reviewers` may review."""

    filters: RatingFilter
    page: RatingPage
    counts: RatingCounts
    options: FilterOptions
    names: Mapping[str, str] = field(default_factory=dict)
    reviewers: Sequence[User] = ()
    first_page: bool = True


@dataclass(frozen=True, slots=True)
class ListedAnswer:
    """A rated answer in the list. `assignee`, `preset` and `model` are None where there is none."""

    path: str
    question: str
    remarks: Sequence[str]
    verdicts: Sequence[Verdict | None]
    reasons: Sequence[str]
    review: str
    assignee: str | None
    campaign: str
    preset: str | None
    model: str | None
    language: str
    rated_at: datetime


def results_page(locale: PageLocale, user: User, view: RatingListView) -> Markup:
    """The list of rated answers, its filter, and the forms of its exports."""
    filters, counts = view.filters, view.counts
    return render_host_page(
        "feedback/results.html",
        locale,
        user,
        script=SCRIPT,
        search_words=filters.words,
        fields=_fields(locale, view),
        counts=_counts(locale, counts),
        votes_path=_votes_path(filters, counts),
        download_title=_download_title(locale, view),
        query=query_of(filters),
        formats=FORMATS,
        omissions_json=_omissions_json(locale),
        chosen_format="csv" if counts.answers or not counts.votes else "json",
        campaign_id=filters.campaign_id,
        rows=[_row(locale, view, rated) for rated in view.page.items],
        first_path="" if view.first_page else f"/results{query_of(filters)}",
        next_path=f"/results{query_of(filters, view.page.next)}" if view.page.next else "",
    )


def campaign_results(locale: PageLocale, campaign: Campaign) -> Markup:
    """The section of results on a campaign's page; a blind comparison has votes."""
    compares = campaign.plan.mode is Mode.BLIND
    return render(
        "feedback/campaign_results.html",
        locale,
        campaign_id=campaign.id,
        results_path=f"/results{query_of(RatingFilter(campaign_id=campaign.id))}",
        votes_path=votes_path(VoteFilter(campaign.id)) if compares else "",
        gives_pairs=not compares or may_give_pairs(campaign.plan),
    )


def query_of(filters: RatingFilter, after: Cursor | None = None) -> str:
    """A filter and the cursor of a page as the query of an address; empty without any."""
    return query_string(
        filters,
        after,
        preset=filters.preset_id,
        verdict=filters.verdict or "",
        reason=filters.reason,
        corrected="1" if filters.corrected else "",
        language=filters.language,
        model=filters.model,
        standing=filters.standing or "",
        assignee=filters.assignee,
    )


def reason_text(locale: PageLocale, reason: str) -> str:
    """A built-in reason in the language of the page; one of a campaign as its host wrote it."""
    return locale.text(f"reason-{reason}") if reason in REASONS else reason


def language_text(locale: PageLocale, language: str) -> str:
    """The name of a language of the user interface; another one's code."""
    return locale.text(f"language-{language}") if language in ("zh", "en") else language


def _fields(locale: PageLocale, view: RatingListView) -> Sequence[FilterField]:
    filters, options = view.filters, view.options
    campaigns, presets = list(options.campaigns.items()), list(options.presets.items())
    verdicts = [(verdict.value, locale.text(f"verdict-{verdict}")) for verdict in Verdict]
    statuses = [(status.value, locale.text(f"standing-{status}")) for status in ReviewStatus]
    reasons = [(reason, reason_text(locale, reason)) for reason in options.reasons]
    languages = [(language, language_text(locale, language)) for language in options.languages]
    models = [(model, model) for model in options.models]
    reviewers = [(reviewer.id, reviewer.name) for reviewer in view.reviewers]
    corrected = [("1", locale.text("only-corrected"))]
    fields = [
        select_field(locale, "campaign", campaigns, filters.campaign_id),
        select_field(locale, "verdict", verdicts, filters.verdict or ""),
        select_field(locale, "reason", reasons, filters.reason),
        select_field(locale, "standing", statuses, filters.standing or ""),
        select_field(locale, "preset", presets, filters.preset_id),
        select_field(locale, "model", models, filters.model),
        select_field(locale, "language", languages, filters.language),
    ]
    if reviewers:
        fields.append(select_field(locale, "assignee", reviewers, filters.assignee))
    return [
        *fields,
        day_field("since", filters.since),
        day_field("until", filters.until),
        select_field(locale, "corrected", corrected, "1" * filters.corrected),
    ]


def _counts(locale: PageLocale, counts: RatingCounts) -> Sequence[tuple[str, str]]:
    names = (*COUNTS, "votes") if counts.votes else COUNTS
    return [(locale.text(f"count-{name}"), f"{getattr(counts, name):,}") for name in names]


def _omissions_json(locale: PageLocale) -> str:
    """Why something is left out, as patterns by code, which the script fills with counts."""
    patterns = {reason.value: locale.pattern(f"omission-{reason}") for reason in Omission}
    return json.dumps(patterns, ensure_ascii=False)


def _votes_path(filters: RatingFilter, counts: RatingCounts) -> str:
    """The list of the votes of the same campaign and days; empty where there are none."""
    if not counts.votes:
        return ""
    return votes_path(VoteFilter(filters.campaign_id, since=filters.since, until=filters.until))


def _row(locale: PageLocale, view: RatingListView, rated: RatedAnswer) -> ListedAnswer:
    snapshot, provenance, review = rated.snapshot, rated.snapshot.provenance, rated.review
    inputs = [rating.rating_input for rating in rated.ratings]
    reasons = dict.fromkeys(reason for rating_input in inputs for reason in rating_input.reasons)
    preset = provenance.preset if provenance else None
    assignee = review.assignee if review else ""
    return ListedAnswer(
        path=f"/results/{snapshot.id}{query_of(view.filters)}",
        question=excerpt(snapshot.question),
        remarks=_remarks(locale, rated),
        verdicts=[rating_input.verdict for rating_input in inputs],
        reasons=[reason_text(locale, reason) for reason in reasons],
        review=locale.text(f"standing-{ReviewStatus.of(review)}"),
        assignee=view.names.get(assignee, "–") if assignee else None,
        campaign=view.options.campaigns.get(snapshot.campaign_id, "–"),
        preset=view.options.presets.get(preset.id, preset.id) if preset else None,
        model=provenance.model if provenance else None,
        language=language_text(locale, snapshot.language),
        rated_at=max(rating.rated_at for rating in rated.ratings),
    )


def _remarks(locale: PageLocale, rated: RatedAnswer) -> Sequence[str]:
    inputs = [rating.rating_input for rating in rated.ratings]
    remarks = {
        "has-correction": any(rating_input.correction for rating_input in inputs),
        "has-comment": any(rating_input.comment for rating_input in inputs),
    }
    return [locale.text(key) for key, applies in remarks.items() if applies]


def _download_title(locale: PageLocale, view: RatingListView) -> str:
    """What an export holds: rated answers, votes, or both.

    The language filter does not apply to votes, so their number is an upper bound then.
    """
    counts, bound = view.counts, "≤ " if view.filters.language else ""
    answers, votes = f"{counts.answers:,}", f"{bound}{counts.votes:,}"
    if not counts.votes:
        return locale.text("take-along", count=answers)
    if not counts.answers:
        return locale.text("take-votes-along", votes=votes)
    return locale.text("take-both-along", count=answers, votes=votes)
