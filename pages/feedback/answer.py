"""One rated answer as a host reads it: prompt, answer, what was said of it, where it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from chat.accounts.models import User
from chat.feedback.models import AnswerSnapshot, RatedAnswer, Rating, Verdict
from chat.feedback.queries import AnswerDetail, FilterOptions, RatingFilter, ReviewStatus
from chat.feedback.results import MOST_NOTE
from chat.feedback.snapshots import is_exact
from pages.evaluation.diff import in_one
from pages.feedback.origin import folded_turns, made_with, origin_list, spent, turn
from pages.feedback.results import (
    SCRIPT,
    campaign_title,
    language_words,
    query_of,
    reason_words,
    verdict_words,
)
from pages.host_nav import host_page
from pages.html import ReaderContext, choice, form, hidden, section, table, when

STANDINGS = (ReviewStatus.CHECKED, ReviewStatus.USABLE, ReviewStatus.UNUSABLE)
"""What a reviewer can say, in the order of the keys 1, 2 and 3."""


@dataclass(frozen=True, slots=True)
class AnswerView:
    """What the page is made from. `answer` is safe HTML; `next_id` is the next to be reviewed."""

    reading: AnswerDetail
    wanted: RatingFilter
    choices: FilterOptions
    answer: str
    next_id: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    reviewers: Sequence[User] = ()


def reading_page(reader: ReaderContext, user: User, shown: AnswerView) -> str:
    """Everything of one rated answer, and what to make of it."""
    evidence = shown.reading.rated.evidence
    parts = [
        _ways(reader, shown),
        _review(reader, shown),
        section(reader, "reading-prompt", _prompt(reader, evidence)),
        section(reader, "reading-answer", _answer(reader, shown)),
        _ratings(reader, shown),
        _beside(reader, shown),
        section(reader, "reading-origin", _origin(reader, shown)),
    ]
    return host_page(reader, user, "reading", "".join(parts), script=SCRIPT)


def _ways(reader: ReaderContext, shown: AnswerView) -> str:
    """Back to the list, on to the next, and to a regression case."""
    query, evidence_id = query_of(shown.wanted), shown.reading.rated.evidence.id
    back = f'<a class="button quiet" href="{reader.link(f"/results{query}")}" data-back>'
    links = f"{back}{reader.say('to-list')}</a>"
    if shown.next_id:
        path = reader.link(f"/results/{shown.next_id}{query}")
        links += f'<a class="button quiet" href="{path}" data-next>{reader.say("next-open")}</a>'
    case = form(reader, f"/api/cases/from-evidence/{evidence_id}", "", "make-case", then="go")
    return f'<div class="row">{links}{case}</div>'


# --- the review -------------------------------------------------------------------------------


def _review(reader: ReaderContext, shown: AnswerView) -> str:
    review = shown.reading.rated.review
    standing = ReviewStatus.of(review)
    path = f"/api/results/{shown.reading.rated.evidence.id}/review"
    said = "".join(_verdict_button(reader, path, standing, item) for item in STANDINGS)
    state = reader.say(f"standing-{standing}")
    by = ""
    if review:
        name = escape(shown.names.get(review.reviewer, "–"))
        by = f" <em><bdi>{name}</bdi> · {when(review.reviewed_at)}</em>"
    note = (
        f'<label><span>{reader.say("review-note")}</span><textarea name="note" rows="2" '
        f'data-longest="{MOST_NOTE}" dir="auto">\n{escape(review.note if review else "")}'
        "</textarea></label>"
    )
    more = _assignee(reader, shown) + form(reader, path, note, "save")
    return (
        f'<section class="review"><p><b>{state}</b>{by}</p><div class="row">{said}</div>'
        f'<p class="hint">{reader.say("review-keys")}</p>'
        f"<details{' open' if review and review.note else ''}>"
        f"<summary>{reader.say('review-more')}</summary>{more}</details></section>"
    )


def _verdict_button(reader: ReaderContext, path: str, now: ReviewStatus, item: ReviewStatus) -> str:
    """Said again, it is taken back."""
    again = now is item
    said = hidden("standing", ReviewStatus.OPEN if again else item)
    return (
        f'<form data-post="{reader.link(path)}" data-then="reload" '
        f'data-key="{STANDINGS.index(item) + 1}">{said}<p class="error" role="alert" hidden></p>'
        f'<button aria-pressed="{"true" if again else "false"}">'
        f"{reader.say(f'standing-{item}')}</button></form>"
    )


def _assignee(reader: ReaderContext, shown: AnswerView) -> str:
    if not shown.reviewers:
        return ""
    review = shown.reading.rated.review
    assigned = review.assignee if review else ""
    options = [("", reader.say("nobody"))]
    options += [(someone.id, escape(someone.name)) for someone in shown.reviewers]
    options.sort(key=lambda option: option[0] != assigned)  # what is chosen comes first
    path = f"/api/results/{shown.reading.rated.evidence.id}/review"
    return form(reader, path, choice(reader, "assignee", options), "assign")


# --- what was asked, answered and said --------------------------------------------------------


def _prompt(reader: ReaderContext, evidence: AnswerSnapshot) -> str:
    """Letter by letter; all turns but the last are folded up."""
    remark = "" if is_exact(evidence) else f'<p class="banner">{reader.say("not-exact")}</p>'
    before, last = evidence.prompt[:-1], evidence.prompt[-1:]
    return remark + folded_turns(reader, before) + "".join(turn(reader, said) for said in last)


def _answer(reader: ReaderContext, shown: AnswerView) -> str:
    if not shown.reading.rated.evidence.answer.strip():  # it was stopped, or failed, before
        return f'<p class="hint">{reader.say("no-text")}</p>'
    return f'<div class="answer" dir="auto">{shown.answer}</div>'


def _ratings(reader: ReaderContext, shown: AnswerView) -> str:
    """What each person says now, with the versions before."""
    newest = {(rating.user_id, rating.version) for rating in shown.reading.rated.ratings}
    now = [one for one in shown.reading.versions if (one.user_id, one.version) in newest]
    before = [one for one in shown.reading.versions if (one.user_id, one.version) not in newest]
    answer = shown.reading.rated.evidence.answer
    body = "".join(_rating(reader, shown, rating, answer) for rating in now)
    if before:
        older = "".join(_rating(reader, shown, rating, answer) for rating in before[::-1])
        summary = reader.say("ratings-before", count=len(before))
        body += f"<details><summary>{summary}</summary>{older}</details>"
    return section(reader, "reading-ratings", body)


def _rating(reader: ReaderContext, shown: AnswerView, rating: Rating, answer: str) -> str:
    opinion = rating.opinion
    reasons = ", ".join(reason_words(reader, reason) for reason in opinion.reasons)
    rater = escape(shown.names.get(rating.user_id, "–"))
    head = f"{verdict_words(reader, opinion.verdict)} {reasons}"
    about = reader.say("rating-version", version=rating.version)
    body = f"<p>{head}<br><em><bdi>{rater}</bdi> · {about} · {when(rating.rated_at)}</em></p>"
    if opinion.comment:
        body += f'<div class="words said" dir="auto">{escape(opinion.comment)}</div>'
    if opinion.correction:
        changed = in_one(answer, opinion.correction)
        body += (
            f"<h3>{reader.say('reading-correction')}</h3>"
            f'<div class="words correction" dir="auto">{changed}</div>'
        )
    return f'<div class="rating">{body}</div>'


def _beside(reader: ReaderContext, shown: AnswerView) -> str:
    """Other rated answers to the very same prompt."""
    if not shown.reading.beside:
        return ""
    rows = (_beside_row(reader, shown, other) for other in shown.reading.beside)
    listed = table(reader, ["column-answer", "column-verdict"], rows)
    return section(reader, "reading-beside", listed)


def _beside_row(reader: ReaderContext, shown: AnswerView, other: RatedAnswer) -> Sequence[str]:
    link = reader.link(f"/results/{other.evidence.id}{query_of(shown.wanted)}")
    words = " ".join(other.evidence.answer[:400].split())[:120]
    verdicts: list[Verdict | None] = [rating.opinion.verdict for rating in other.ratings]
    said = " ".join(verdict_words(reader, verdict) for verdict in verdicts)
    return f'<a href="{link}" dir="auto">{escape(words) or "–"}</a>', said


# --- where it came from -----------------------------------------------------------------------


def _origin(reader: ReaderContext, shown: AnswerView) -> str:
    evidence = shown.reading.rated.evidence
    values = {
        **_place(reader, shown, evidence),
        **made_with(evidence.provenance, shown.choices.presets),
        **spent(evidence.usage, evidence.timing),
    }
    return origin_list(reader, values)


def _place(reader: ReaderContext, shown: AnswerView, evidence: AnswerSnapshot) -> Mapping[str, str]:
    campaign = evidence.campaign_id
    return {
        "made": when(evidence.made_at),
        "owner": f"<bdi>{escape(shown.names.get(evidence.owner_id, '–'))}</bdi>",
        "door": reader.say(f"door-{evidence.door}"),
        "campaign": campaign_title(shown.choices, campaign) if campaign else "",
        "variant": ""
        if evidence.variant is None
        else "AB"[evidence.variant : evidence.variant + 1],
        "language": language_words(reader, evidence.language),
        "page-language": language_words(reader, evidence.page_language),
        "status": escape(" · ".join(filter(None, [evidence.status, evidence.finish or ""]))),
    }
