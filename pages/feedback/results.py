"""Rated answers for hosts: the list with its filter, and the forms of the exports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from markupsafe import Markup

from chat.accounts.models import User
from chat.feedback.models import REASONS, RatedAnswer, Verdict
from chat.feedback.queries import (
    Cursor,
    FilterOptions,
    RatingCounts,
    RatingFilter,
    RatingPage,
    ReviewStatus,
)
from chat.feedback.votes import VoteFilter
from pages.feedback.filters import FilterField, day_field, excerpt, select_field
from pages.feedback.votes import votes_path
from pages.host_nav import render_host_page
from pages.html import ReaderContext, render

SCRIPT = "results.js"
FORMATS = ("csv", "sft", "dpo", "json")
COUNTS = ("answers", "up", "down", "corrected", "open")


@dataclass(frozen=True, slots=True)
class Found:
    """The values of the page. `names` are names by user id, `reviewers` may review."""

    wanted: RatingFilter
    page: RatingPage
    counts: RatingCounts
    choices: FilterOptions
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


def results_page(reader: ReaderContext, user: User, found: Found) -> Markup:
    """The list of rated answers, its filter, and the forms of its exports."""
    wanted, counts = found.wanted, found.counts
    return render_host_page(
        "feedback/results.html",
        reader,
        user,
        script=SCRIPT,
        search_words=wanted.words,
        fields=_fields(reader, found),
        counts=_counts(reader, counts),
        votes_path=_votes_path(wanted, counts),
        download_title=_download_title(reader, found),
        query=query_of(wanted),
        formats=FORMATS,
        chosen_format="csv" if counts.answers or not counts.votes else "json",
        campaign_id=wanted.campaign_id,
        rows=[_row(reader, found, rated) for rated in found.page.items],
        first_path="" if found.first_page else f"/results{query_of(wanted)}",
        next_path=f"/results{query_of(wanted, found.page.next)}" if found.page.next else "",
    )


def campaign_results(reader: ReaderContext, campaign_id: str, *, compares: bool = False) -> Markup:
    """The section of results on a campaign's page; a campaign that `compares` has votes."""
    return render(
        "feedback/campaign_results.html",
        reader,
        campaign_id=campaign_id,
        results_path=f"/results{query_of(RatingFilter(campaign_id=campaign_id))}",
        votes_path=votes_path(VoteFilter(campaign_id)) if compares else "",
    )


def query_of(wanted: RatingFilter, after: Cursor | None = None) -> str:
    """A filter and the cursor of a page as the query of an address; empty without any."""
    values = {
        "campaign": wanted.campaign_id,
        "preset": wanted.preset_id,
        "verdict": wanted.verdict or "",
        "reason": wanted.reason,
        "corrected": "1" if wanted.corrected else "",
        "since": wanted.since.isoformat() if wanted.since else "",
        "until": wanted.until.isoformat() if wanted.until else "",
        "language": wanted.language,
        "model": wanted.model,
        "standing": wanted.standing or "",
        "assignee": wanted.assignee,
        "words": wanted.words,
        "after": f"{after.rated_at.isoformat()}~{after.evidence_id}" if after else "",
    }
    chosen = urlencode({name: value for name, value in values.items() if value})
    return f"?{chosen}" if chosen else ""


def reason_text(reader: ReaderContext, reason: str) -> str:
    """A built-in reason in the language of the page; one of a campaign as its host wrote it."""
    return reader.text(f"reason-{reason}") if reason in REASONS else reason


def language_text(reader: ReaderContext, language: str) -> str:
    """The name of a language of the user interface; another one's code."""
    return reader.text(f"language-{language}") if language in ("zh", "en") else language


def _fields(reader: ReaderContext, found: Found) -> Sequence[FilterField]:
    wanted, choices = found.wanted, found.choices
    campaigns, presets = list(choices.campaigns.items()), list(choices.presets.items())
    verdicts = [(verdict.value, reader.text(f"verdict-{verdict}")) for verdict in Verdict]
    statuses = [(status.value, reader.text(f"standing-{status}")) for status in ReviewStatus]
    reasons = [(reason, reason_text(reader, reason)) for reason in choices.reasons]
    languages = [(language, language_text(reader, language)) for language in choices.languages]
    models = [(model, model) for model in choices.models]
    reviewers = [(reviewer.id, reviewer.name) for reviewer in found.reviewers]
    corrected = [("1", reader.text("only-corrected"))]
    fields = [
        select_field(reader, "campaign", campaigns, wanted.campaign_id),
        select_field(reader, "verdict", verdicts, wanted.verdict or ""),
        select_field(reader, "reason", reasons, wanted.reason),
        select_field(reader, "standing", statuses, wanted.standing or ""),
        select_field(reader, "preset", presets, wanted.preset_id),
        select_field(reader, "model", models, wanted.model),
        select_field(reader, "language", languages, wanted.language),
    ]
    if reviewers:
        fields.append(select_field(reader, "assignee", reviewers, wanted.assignee))
    return [
        *fields,
        day_field("since", wanted.since),
        day_field("until", wanted.until),
        select_field(reader, "corrected", corrected, "1" * wanted.corrected),
    ]


def _counts(reader: ReaderContext, counts: RatingCounts) -> Sequence[tuple[str, str]]:
    names = (*COUNTS, "votes") if counts.votes else COUNTS
    return [(reader.text(f"count-{name}"), f"{getattr(counts, name):,}") for name in names]


def _votes_path(wanted: RatingFilter, counts: RatingCounts) -> str:
    """The list of the votes of the same campaign and days; empty where there are none."""
    if not counts.votes:
        return ""
    return votes_path(VoteFilter(wanted.campaign_id, since=wanted.since, until=wanted.until))


def _row(reader: ReaderContext, found: Found, rated: RatedAnswer) -> ListedAnswer:
    evidence, made, review = rated.evidence, rated.evidence.provenance, rated.review
    opinions = [rating.opinion for rating in rated.ratings]
    reasons = dict.fromkeys(reason for opinion in opinions for reason in opinion.reasons)
    preset = made.preset if made else None
    assignee = review.assignee if review else ""
    return ListedAnswer(
        path=f"/results/{evidence.id}{query_of(found.wanted)}",
        question=excerpt(evidence.question),
        remarks=_remarks(reader, rated),
        verdicts=[opinion.verdict for opinion in opinions],
        reasons=[reason_text(reader, reason) for reason in reasons],
        review=reader.text(f"standing-{ReviewStatus.of(review)}"),
        assignee=found.names.get(assignee, "–") if assignee else None,
        campaign=found.choices.campaigns.get(evidence.campaign_id, "–"),
        preset=found.choices.presets.get(preset.id, preset.id) if preset else None,
        model=made.model if made else None,
        language=language_text(reader, evidence.language),
        rated_at=max(rating.rated_at for rating in rated.ratings),
    )


def _remarks(reader: ReaderContext, rated: RatedAnswer) -> Sequence[str]:
    opinions = [rating.opinion for rating in rated.ratings]
    remarks = {
        "has-correction": any(opinion.correction for opinion in opinions),
        "has-comment": any(opinion.comment for opinion in opinions),
    }
    return [reader.text(key) for key, applies in remarks.items() if applies]


def _download_title(reader: ReaderContext, found: Found) -> str:
    """What an export holds: rated answers, votes, or both.

    The language filter does not apply to votes, so their number is an upper bound then.
    """
    counts, bound = found.counts, "≤ " if found.wanted.language else ""
    answers, votes = f"{counts.answers:,}", f"{bound}{counts.votes:,}"
    if not counts.votes:
        return reader.text("take-along", count=answers)
    if not counts.answers:
        return reader.text("take-votes-along", votes=votes)
    return reader.text("take-both-along", count=answers, votes=votes)
