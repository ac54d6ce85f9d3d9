"""Rated answers for hosts: the list with its filter, and how they are taken along."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from urllib.parse import urlencode

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
from pages.campaigns.report_form import buttons, counting, masking, report_form
from pages.feedback.filters import day_of, filter_form, further, select_of
from pages.feedback.votes import link_to_votes
from pages.host_nav import host_page
from pages.html import ReaderContext, section, table, when

SCRIPT = "results.js"
QUESTION = 90
"""Characters of a question in the list."""

FORMATS = ("csv", "sft", "dpo", "json")
MARKS = {Verdict.UP: "up", Verdict.DOWN: "down"}


@dataclass(frozen=True, slots=True)
class Found:
    """What the list is made from. `names` are those of people by id, `reviewers` who may review."""

    wanted: RatingFilter
    page: RatingPage
    counts: RatingCounts
    choices: FilterOptions
    names: Mapping[str, str] = field(default_factory=dict)
    reviewers: Sequence[User] = ()
    first_page: bool = True


def results_page(reader: ReaderContext, user: User, found: Found) -> str:
    """The list of rated answers, what it is filtered by, and the ways out."""
    body = _filter_form(reader, found) + _counts(reader, found.counts)
    body += _votes_link(reader, found.wanted, found.counts) + _take_along(reader, found)
    following = query_of(found.wanted, found.page.next) if found.page.next else ""
    body += f'<div class="ratings">{_list(reader, found)}</div>' + further(
        reader,
        "" if found.first_page else f"/results{query_of(found.wanted)}",
        following and f"/results{following}",
    )
    if found.page.items:
        body += f'<p class="hint">{reader.say("results-keys")}</p>'
    return host_page(reader, user, "results", body, script=SCRIPT)


def query_of(wanted: RatingFilter, after: Cursor | None = None) -> str:
    """A filter, and where a page of its list begins, as the end of an address; empty for none."""
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


def reason_words(reader: ReaderContext, reason: str) -> str:
    """A usual reason in the reader's language, one of a campaign's as the host wrote it."""
    return reader.say(f"reason-{reason}") if reason in REASONS else escape(reason)


def verdict_words(reader: ReaderContext, verdict: Verdict | None) -> str:
    if verdict is None:
        return "–"
    return f'<span class="mark {MARKS[verdict]}">{reader.say(f"verdict-{verdict}")}</span>'


def language_words(reader: ReaderContext, tongue: str) -> str:
    return reader.say(f"language-{tongue}") if tongue in ("zh", "en") else escape(tongue)


def campaign_title(choices: FilterOptions, campaign_id: str) -> str:
    """As text of a page."""
    return f"<bdi>{escape(choices.campaigns.get(campaign_id, '–'))}</bdi>"


# --- the filter -------------------------------------------------------------------------------


def _filter_form(reader: ReaderContext, found: Found) -> str:
    wanted, choices = found.wanted, found.choices
    verdicts = [(verdict.value, reader.say(f"verdict-{verdict}")) for verdict in Verdict]
    standings = [(item.value, reader.say(f"standing-{item}")) for item in ReviewStatus]
    reasons = [(reason, reason_words(reader, reason)) for reason in choices.reasons]
    people = [(someone.id, escape(someone.name)) for someone in found.reviewers]
    languages = [(tongue, language_words(reader, tongue)) for tongue in choices.languages]
    fields = [
        select_of(reader, "campaign", _escaped(choices.campaigns), wanted.campaign_id),
        select_of(reader, "verdict", verdicts, wanted.verdict or ""),
        select_of(reader, "reason", reasons, wanted.reason),
        select_of(reader, "standing", standings, wanted.standing or ""),
        select_of(reader, "preset", _escaped(choices.presets), wanted.preset_id),
        select_of(reader, "model", [(name, escape(name)) for name in choices.models], wanted.model),
        select_of(reader, "language", languages, wanted.language),
        select_of(reader, "assignee", people, wanted.assignee) if people else "",
        day_of(reader, "since", wanted.since),
        day_of(reader, "until", wanted.until),
        select_of(
            reader, "corrected", [("1", reader.say("only-corrected"))], "1" * wanted.corrected
        ),
    ]
    return filter_form(reader, "/results", "field-words", wanted.words, fields)


def _escaped(names: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    return [(key, escape(name)) for key, name in names.items()]


# --- the list ---------------------------------------------------------------------------------


def _counts(reader: ReaderContext, counts: RatingCounts) -> str:
    said = "".join(
        f"<div><dt>{reader.say(f'count-{name}')}</dt><dd>{getattr(counts, name):,}</dd></div>"
        for name in (
            "answers",
            "up",
            "down",
            "corrected",
            "open",
            *(["votes"] * bool(counts.votes)),
        )
    )
    return f'<dl class="figures">{said}</dl>'


def _votes_link(reader: ReaderContext, wanted: RatingFilter, counts: RatingCounts) -> str:
    """To the votes that go along with the rated answers; nothing where there are none."""
    if not counts.votes:
        return ""
    of = VoteFilter(wanted.campaign_id, since=wanted.since, until=wanted.until)
    return f'<p class="row ways">{link_to_votes(reader, of)}</p>'


def _list(reader: ReaderContext, found: Found) -> str:
    columns = ["column-question", "column-verdict", "column-reasons", "column-review"]
    columns += ["column-campaign", "column-preset", "column-model", "column-language"]
    columns += ["column-rated"]
    return table(reader, columns, (_row(reader, found, rated) for rated in found.page.items))


def _row(reader: ReaderContext, found: Found, rated: RatedAnswer) -> Sequence[str]:
    evidence, made = rated.evidence, rated.evidence.provenance
    opinions = [rating.opinion for rating in rated.ratings]
    reasons = dict.fromkeys(reason for opinion in opinions for reason in opinion.reasons)
    preset = made.preset if made else None
    link = reader.link(f"/results/{evidence.id}{query_of(found.wanted)}")
    question = " ".join(evidence.question[: 4 * QUESTION].split())
    cut = question[:QUESTION] + ("…" if len(question) > QUESTION else "")
    return (
        f'<a href="{link}" dir="auto">{escape(cut) or "–"}</a>{_remarks(reader, rated)}',
        " ".join(verdict_words(reader, opinion.verdict) for opinion in opinions),
        ", ".join(reason_words(reader, reason) for reason in reasons) or "–",
        _review(reader, found, rated),
        campaign_title(found.choices, evidence.campaign_id),
        f"<bdi>{escape(found.choices.presets.get(preset.id, preset.id))}</bdi>" if preset else "–",
        f"<bdi>{escape(made.model)}</bdi>" if made else "–",
        language_words(reader, evidence.language) or "–",
        when(max(rating.rated_at for rating in rated.ratings)),
    )


def _remarks(reader: ReaderContext, rated: RatedAnswer) -> str:
    opinions = [rating.opinion for rating in rated.ratings]
    said = {
        "has-correction": any(opinion.correction for opinion in opinions),
        "has-comment": any(opinion.comment for opinion in opinions),
    }
    shown = " · ".join(reader.say(key) for key, true in said.items() if true)
    return f"<br><em>{shown}</em>" if shown else ""


def _review(reader: ReaderContext, found: Found, rated: RatedAnswer) -> str:
    review = rated.review
    standing = reader.say(f"standing-{ReviewStatus.of(review)}")
    if not review or not review.assignee:
        return standing
    name = escape(found.names.get(review.assignee, "–"))
    return f"{standing}<br><em><bdi>{name}</bdi></em>"


# --- taking along -----------------------------------------------------------------------------


def _take_along(reader: ReaderContext, found: Found) -> str:
    """All that the filter finds, as a file; and a campaign's report."""
    query, counts = query_of(found.wanted), found.counts
    first = "csv" if counts.answers or not counts.votes else "json"
    kinds = "".join(
        f'<label><input type="radio" name="format" value="{kind}"{" checked" * (kind == first)}> '
        f"<span>{reader.say(f'format-{kind}')}<em>{reader.say(f'format-{kind}-info')}</em></span>"
        "</label>"
        for kind in FORMATS
    )
    path, look = reader.link("/api/results/export"), reader.link("/api/results/preview")
    body = (
        f'<form data-export="{path}" data-preview="{look}" data-query="{escape(query)}">'
        f'<fieldset class="kinds"><legend>{reader.say("field-format")}</legend>{kinds}</fieldset>'
        f"{_where_votes_are(reader, counts)}"
        f"{masking(reader)}{counting(reader, 'preview-told')}{buttons(reader, 'download')}</form>"
    )
    along = f'<details class="along"><summary>{_what(reader, found)}</summary>{body}</details>'
    campaign_id = found.wanted.campaign_id
    return along + report_form(reader, campaign_id) if campaign_id else along


def _what(reader: ReaderContext, found: Found) -> str:
    """What is taken along: rated answers, votes, or both. A vote's language is not looked up."""
    counts, most = found.counts, "≤ " if found.wanted.language else ""
    answers, votes = f"{counts.answers:,}", f"{most}{counts.votes:,}"
    if not counts.votes:
        return reader.say("take-along", count=answers)
    if not counts.answers:
        return reader.say("take-votes-along", votes=votes)
    return reader.say("take-both-along", count=answers, votes=votes)


def _where_votes_are(reader: ReaderContext, counts: RatingCounts) -> str:
    return f'<p class="hint">{reader.say("votes-are-in")}</p>' if counts.votes else ""


def campaign_results(reader: ReaderContext, campaign_id: str, *, compares: bool = False) -> str:
    """What a campaign's own page says of its results; one that `compares` has votes instead."""
    query = query_of(RatingFilter(campaign_id=campaign_id))
    link = f'<a class="button quiet" href="{reader.link(f"/results{query}")}">'
    votes = link_to_votes(reader, VoteFilter(campaign_id)) if compares else ""
    words = reader.say("take-data-along" if compares else "results-of")
    links = f'<div class="row">{votes}{link}{words}</a></div>'
    return section(reader, "results", links + report_form(reader, campaign_id))
