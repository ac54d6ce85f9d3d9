"""One rated answer for hosts: prompt, answer, ratings, review, and where it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from markupsafe import Markup

from chat.accounts.models import User
from chat.feedback.models import AnswerSnapshot, RatedAnswer, Rating, Verdict
from chat.feedback.result_models import AnswerDetail, FilterOptions, RatingFilter, ReviewStatus
from chat.feedback.snapshots import is_exact
from chat.feedback.validation import MOST_NOTE
from pages.evaluation.diff import in_one
from pages.feedback.origin import cost_of, origin_of
from pages.feedback.results import SCRIPT, language_text, query_of, reason_text
from pages.feedback.votes import variant_letter
from pages.host_nav import render_host_page
from pages.html import PageLocale

STATUSES = (ReviewStatus.CHECKED, ReviewStatus.USABLE, ReviewStatus.UNUSABLE)
"""What a reviewer can choose, in the order of the keys 1, 2 and 3."""


@dataclass(frozen=True, slots=True)
class AnswerView:
    """The values of the page. `next_id` is the next answer to review."""

    detail: AnswerDetail
    filters: RatingFilter
    options: FilterOptions
    answer: Markup
    next_id: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    reviewers: Sequence[User] = ()


@dataclass(frozen=True, slots=True)
class ReviewFields:
    """The review. `reviewed_at` None: not reviewed yet."""

    status: ReviewStatus
    reviewer: str = ""
    reviewed_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ListedRating:
    """A version of a rating. `correction` marks its differences from the answer; None: none."""

    verdict: Verdict | None
    reasons: Sequence[str]
    user_name: str
    version: int
    rated_at: datetime
    comment: str
    correction: Markup | None


@dataclass(frozen=True, slots=True)
class OtherAnswer:
    """Another rated answer to the same prompt."""

    path: str
    excerpt: str
    verdicts: Sequence[Verdict | None]


def answer_page(locale: PageLocale, user: User, view: AnswerView) -> Markup:
    """One rated answer with the form of its review."""
    snapshot = view.detail.rated.snapshot
    query = query_of(view.filters)
    ratings, earlier_ratings = _ratings(locale, view)
    return render_host_page(
        "feedback/answer.html",
        locale,
        user,
        script=SCRIPT,
        list_path=f"/results{query}",
        next_path=f"/results/{view.next_id}{query}" if view.next_id else "",
        snapshot=snapshot,
        answer=view.answer,
        is_exact=is_exact(snapshot),
        review=_review(view),
        statuses=STATUSES,
        reviewers=_reviewers(locale, view),
        max_note=MOST_NOTE,
        ratings=ratings,
        earlier_ratings=earlier_ratings,
        others=[_other(other, query) for other in view.detail.beside],
        **_origin(locale, view, snapshot),
    )


def _review(view: AnswerView) -> ReviewFields:
    review = view.detail.rated.review
    if review is None:
        return ReviewFields(ReviewStatus.OPEN)
    reviewer = view.names.get(review.reviewer, "–")
    return ReviewFields(ReviewStatus.of(review), reviewer, review.reviewed_at, review.note)


def _reviewers(locale: PageLocale, view: AnswerView) -> Sequence[tuple[str, str]]:
    """Those to assign the review to, the present assignee first; none without reviewers."""
    if not view.reviewers:
        return []
    review = view.detail.rated.review
    assigned = review.assignee if review else ""
    options: list[tuple[str, str]] = [("", locale.text("nobody"))]
    options += [(reviewer.id, reviewer.name) for reviewer in view.reviewers]
    return sorted(options, key=lambda option: option[0] != assigned)


def _ratings(
    locale: PageLocale, view: AnswerView
) -> tuple[Sequence[ListedRating], Sequence[ListedRating]]:
    """The current ratings of all users, and their earlier versions, newest first."""
    current = {(rating.user_id, rating.version) for rating in view.detail.rated.ratings}
    versions = view.detail.versions
    newest = [one for one in versions if (one.user_id, one.version) in current]
    earlier = [one for one in versions if (one.user_id, one.version) not in current]
    return (
        [_rating(locale, view, rating) for rating in newest],
        [_rating(locale, view, rating) for rating in reversed(earlier)],
    )


def _rating(locale: PageLocale, view: AnswerView, rating: Rating) -> ListedRating:
    rating_input, answer = rating.rating_input, view.detail.rated.snapshot.answer
    return ListedRating(
        verdict=rating_input.verdict,
        reasons=[reason_text(locale, reason) for reason in rating_input.reasons],
        user_name=view.names.get(rating.user_id, "–"),
        version=rating.version,
        rated_at=rating.rated_at,
        comment=rating_input.comment,
        correction=in_one(answer, rating_input.correction) if rating_input.correction else None,
    )


def _other(other: RatedAnswer, query: str) -> OtherAnswer:
    return OtherAnswer(
        path=f"/results/{other.snapshot.id}{query}",
        excerpt=" ".join(other.snapshot.answer[:400].split())[:120],
        verdicts=[rating.rating_input.verdict for rating in other.ratings],
    )


def _origin(locale: PageLocale, view: AnswerView, snapshot: AnswerSnapshot) -> Mapping[str, object]:
    """The values of the section on the origin of the answer."""
    campaign, variant = snapshot.campaign_id, snapshot.variant
    return {
        "owner": view.names.get(snapshot.owner_id, "–"),
        "campaign": view.options.campaigns.get(campaign, "–") if campaign else None,
        "variant": "" if variant is None else variant_letter(variant),
        "language": language_text(locale, snapshot.language),
        "page_language": language_text(locale, snapshot.page_language),
        "status": " · ".join(filter(None, [snapshot.status, snapshot.finish or ""])),
        "provenance": origin_of(snapshot.provenance, view.options.presets),
        "cost": cost_of(snapshot.usage, snapshot.timing),
    }
