"""Rated answers for hosts: the list with its filter, and how they are taken along."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape
from urllib.parse import urlencode

from chat.evidence import REASONS, Rated, Verdict
from chat.findings import Choices, Counts, Filter, Page, Place, Standing
from chat.people import Person
from pages.frame import Reader, section, table, when
from pages.hosting import host_page
from pages.report_form import buttons, counting, masking, report_form

SCRIPT = "results.js"
QUESTION = 90
"""Characters of a question in the list."""

FORMATS = ("csv", "sft", "dpo", "json")
MARKS = {Verdict.UP: "up", Verdict.DOWN: "down"}


@dataclass(frozen=True, slots=True)
class Found:
    """What the list is made from. `names` are those of people by id, `reviewers` who may review."""

    wanted: Filter
    page: Page
    counts: Counts
    choices: Choices
    names: Mapping[str, str] = field(default_factory=dict)
    reviewers: Sequence[Person] = ()
    first_page: bool = True


def results_page(reader: Reader, person: Person, found: Found) -> str:
    """The list of rated answers, what it is filtered by, and the ways out."""
    body = _filter_form(reader, found) + _counts(reader, found.counts)
    body += _take_along(reader, found)
    body += f'<div class="ratings">{_list(reader, found)}</div>{_further(reader, found)}'
    if found.page.items:
        body += f'<p class="hint">{reader.say("results-keys")}</p>'
    return host_page(reader, person, "results", body, script=SCRIPT)


def query_of(wanted: Filter, after: Place | None = None) -> str:
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


def reason_words(reader: Reader, reason: str) -> str:
    """A usual reason in the reader's language, one of a campaign's as the host wrote it."""
    return reader.say(f"reason-{reason}") if reason in REASONS else escape(reason)


def verdict_words(reader: Reader, verdict: Verdict | None) -> str:
    if verdict is None:
        return "–"
    return f'<span class="mark {MARKS[verdict]}">{reader.say(f"verdict-{verdict}")}</span>'


def language_words(reader: Reader, tongue: str) -> str:
    return reader.say(f"language-{tongue}") if tongue in ("zh", "en") else escape(tongue)


def campaign_title(choices: Choices, campaign_id: str) -> str:
    """As text of a page."""
    return f"<bdi>{escape(choices.campaigns.get(campaign_id, '–'))}</bdi>"


# --- the filter -------------------------------------------------------------------------------


def _filter_form(reader: Reader, found: Found) -> str:
    wanted, choices = found.wanted, found.choices
    verdicts = [(verdict.value, reader.say(f"verdict-{verdict}")) for verdict in Verdict]
    standings = [(item.value, reader.say(f"standing-{item}")) for item in Standing]
    reasons = [(reason, reason_words(reader, reason)) for reason in choices.reasons]
    people = [(someone.id, escape(someone.name)) for someone in found.reviewers]
    languages = [(tongue, language_words(reader, tongue)) for tongue in choices.languages]
    fields = [
        _select(reader, "campaign", _escaped(choices.campaigns), wanted.campaign_id),
        _select(reader, "verdict", verdicts, wanted.verdict or ""),
        _select(reader, "reason", reasons, wanted.reason),
        _select(reader, "standing", standings, wanted.standing or ""),
        _select(reader, "preset", _escaped(choices.presets), wanted.preset_id),
        _select(reader, "model", [(name, escape(name)) for name in choices.models], wanted.model),
        _select(reader, "language", languages, wanted.language),
        _select(reader, "assignee", people, wanted.assignee) if people else "",
        _day(reader, "since", wanted.since),
        _day(reader, "until", wanted.until),
        _select(reader, "corrected", [("1", reader.say("only-corrected"))], "1" * wanted.corrected),
    ]
    words = (
        f'<label class="search"><span>{reader.say("field-words")}</span><input type="search" '
        f'name="words" value="{escape(wanted.words)}" maxlength="200"></label>'
    )
    path = reader.link("/results")
    return (
        f'<form data-filter="{path}">{words}<div class="numbers">{"".join(fields)}</div>'
        f'<div class="row"><button>{reader.say("show")}</button>'
        f'<a class="button quiet" href="{path}">{reader.say("show-all")}</a></div></form>'
    )


def _select(reader: Reader, name: str, options: Sequence[tuple[str, str]], chosen: str) -> str:
    """Of (value, escaped words); what is chosen and not there any more is still shown."""
    known = chosen in ("", *(value for value, _ in options))
    offered = [("", reader.say("any")), *options, *([] if known else [(chosen, escape(chosen))])]
    listed = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{said}</option>'
        for value, said in offered
    )
    return (
        f"<label><span>{reader.say(f'filter-{name}')}</span>"
        f'<select name="{name}">{listed}</select></label>'
    )


def _day(reader: Reader, name: str, day: date | None) -> str:
    return (
        f"<label><span>{reader.say(f'filter-{name}')}</span>"
        f'<input type="date" name="{name}" value="{day.isoformat() if day else ""}"></label>'
    )


def _escaped(names: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    return [(key, escape(name)) for key, name in names.items()]


# --- the list ---------------------------------------------------------------------------------


def _counts(reader: Reader, counts: Counts) -> str:
    said = "".join(
        f"<div><dt>{reader.say(f'count-{name}')}</dt><dd>{getattr(counts, name):,}</dd></div>"
        for name in ("answers", "up", "down", "corrected", "open")
    )
    return f'<dl class="figures">{said}</dl>'


def _list(reader: Reader, found: Found) -> str:
    columns = ["column-question", "column-verdict", "column-reasons", "column-review"]
    columns += ["column-campaign", "column-preset", "column-model", "column-language"]
    columns += ["column-rated"]
    return table(reader, columns, (_row(reader, found, rated) for rated in found.page.items))


def _row(reader: Reader, found: Found, rated: Rated) -> Sequence[str]:
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


def _remarks(reader: Reader, rated: Rated) -> str:
    opinions = [rating.opinion for rating in rated.ratings]
    said = {
        "has-correction": any(opinion.correction for opinion in opinions),
        "has-comment": any(opinion.comment for opinion in opinions),
    }
    shown = " · ".join(reader.say(key) for key, true in said.items() if true)
    return f"<br><em>{shown}</em>" if shown else ""


def _review(reader: Reader, found: Found, rated: Rated) -> str:
    review = rated.review
    standing = reader.say(f"standing-{Standing.of(review)}")
    if not review or not review.assignee:
        return standing
    name = escape(found.names.get(review.assignee, "–"))
    return f"{standing}<br><em><bdi>{name}</bdi></em>"


def _further(reader: Reader, found: Found) -> str:
    links = []
    if not found.first_page:
        links.append((query_of(found.wanted), "page-first"))
    if found.page.next:
        links.append((query_of(found.wanted, found.page.next), "page-next"))
    said = "".join(
        f'<a class="button quiet" href="{reader.link(f"/results{query}")}">{reader.say(key)}</a>'
        for query, key in links
    )
    return f'<p class="row">{said}</p>'


# --- taking along -----------------------------------------------------------------------------


def _take_along(reader: Reader, found: Found) -> str:
    """All that the filter finds, as a file; and a campaign's report."""
    query = query_of(found.wanted)
    kinds = "".join(
        f'<label><input type="radio" name="format" value="{kind}"{" checked" * (kind == "csv")}> '
        f"<span>{reader.say(f'format-{kind}')}<em>{reader.say(f'format-{kind}-info')}</em></span>"
        "</label>"
        for kind in FORMATS
    )
    path, look = reader.link("/api/results/export"), reader.link("/api/results/preview")
    body = (
        f'<form data-export="{path}" data-preview="{look}" data-query="{escape(query)}">'
        f'<fieldset class="kinds"><legend>{reader.say("field-format")}</legend>{kinds}</fieldset>'
        f"{masking(reader)}{counting(reader, 'preview-told')}{buttons(reader, 'download')}</form>"
    )
    summary = reader.say("take-along", count=f"{found.counts.answers:,}")
    along = f'<details class="along"><summary>{summary}</summary>{body}</details>'
    campaign_id = found.wanted.campaign_id
    return along + report_form(reader, campaign_id) if campaign_id else along


def campaign_results(reader: Reader, campaign_id: str) -> str:
    """What a campaign's own page says of its results."""
    query = query_of(Filter(campaign_id=campaign_id))
    link = f'<a class="button quiet" href="{reader.link(f"/results{query}")}">'
    body = f"<p>{link}{reader.say('results-of')}</a></p>{report_form(reader, campaign_id)}"
    return section(reader, "results", body)
