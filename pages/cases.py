"""Regression cases for their hosts: the list, a case as a form, and what starts a run."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import chain, repeat

from chat.casebook import MAX_EXPECTED, MAX_NAME, CaseText, Tally
from chat.cases import Case, Check, CheckKind
from chat.checks import BOUNDS, MAX_CHARACTERS
from chat.people import Person
from chat.types import ChatMessage, Preset, Role
from pages.case_runs import counts_of, model_of
from pages.frame import Reader, action, choice, field, form, hidden, section, table, when
from pages.hosting import host_page

SCRIPT = "cases.js"
EMPTY = CaseText("", (ChatMessage(Role.SYSTEM, ""), ChatMessage(Role.USER, "")), ())
EMPTY_CHECKS = 3
"""So many more than there are can be filled in at a time."""

NUMBERS = ("temperature", "max_new_tokens", "seed")


def cases_page(  # noqa: PLR0913 - what the page is made from, by name
    reader: Reader,
    person: Person,
    *,
    cases: Sequence[Case],
    shipped: Sequence[Case],
    tallies: Sequence[Tally],
    presets: Sequence[Preset],
) -> str:
    """One's own cases and runs, an administrator's page has everybody's, and the shipped cases."""
    body = f"<p>{reader.say('cases-info')}</p>{_tools(reader, bool(cases))}"
    body += _table(reader, cases)
    body += section(reader, "cases-run", _run_form(reader, bool(cases), presets, tallies))
    names = {preset.ref.id: preset.text.name for preset in presets}
    body += section(reader, "cases-runs", _runs(reader, tallies, names))
    body += section(
        reader,
        "cases-shipped",
        f"<p>{reader.say('cases-shipped-info')}</p>{_table(reader, shipped)}",
    )
    return host_page(reader, person, "cases", body, script=SCRIPT)


def case_page(
    reader: Reader, person: Person, text: CaseText, *, case_id: str = "", shipped: bool = False
) -> str:
    """A case as a form; without an id it becomes a new one. A shipped one is only looked at."""
    path = f"/api/cases/{case_id}" if case_id and not shipped else "/api/cases"
    fields = _fields(reader, text)
    if shipped:
        note = f'<p class="banner">{reader.say("case-is-shipped")}</p>'
        body = note + form(reader, path, fields, "case-copy", then="go", case="")
    else:
        body = form(reader, path, fields, "save", then="go", case="")
    if case_id:
        runs = hidden("case_id", case_id)
        body += f'<div class="row">{form(reader, "/api/cases/runs", runs, "case-run", then="go")}'
        if not shipped:
            sure = reader.say("sure")
            at = f"/api/cases/{case_id}/delete"
            body += form(reader, at, "", "delete", then="go", sure=sure)
        body += "</div>"
    return host_page(reader, person, "case" if case_id else "case-new", body)


# --- the list ---------------------------------------------------------------------------------


def _tools(reader: Reader, any_kept: bool) -> str:
    links = f'<a class="button" href="{reader.link("/cases/new")}">{reader.say("case-new")}</a>'
    links += (
        f'<label class="button quiet"><span>{reader.say("cases-import")}</span>'
        f'<input type="file" accept=".json,application/json" class="unseen" '
        f'data-import="{reader.link("/api/cases/import")}"></label>'
    )
    if any_kept:
        path = reader.link("/api/cases/export")
        links += f'<a class="button quiet" href="{path}" download>{reader.say("cases-export")}</a>'
    return f'<div class="row">{links}</div><p class="error" role="alert" data-refused hidden></p>'


def _table(reader: Reader, cases: Sequence[Case]) -> str:
    rows = (
        (
            f'<a href="{reader.link(f"/cases/{case.id}")}"><bdi>{escape(case.name)}</bdi></a>',
            _kinds(reader, case),
            f"<bdi>{escape(_short(case.prompt[-1].content))}</bdi>",
        )
        for case in cases
    )
    return table(reader, ["column-case", "column-checks", "column-asks"], rows)


def _kinds(reader: Reader, case: Case) -> str:
    kinds = dict.fromkeys(check.kind for check in case.checks)
    return ", ".join(reader.say(f"check-{kind}") for kind in kinds)


def _short(text: str, most: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _run_form(
    reader: Reader, any_kept: bool, presets: Sequence[Preset], tallies: Sequence[Tally]
) -> str:
    sets = [(f"shipped-{tongue}", reader.say(f"which-shipped-{tongue}")) for tongue in ("en", "zh")]
    if any_kept:
        sets.insert(0, ("kept", reader.say("which-kept")))
    usable = [("", reader.say("run-no-preset"))]
    usable += [(preset.ref.id, escape(preset.text.name)) for preset in presets]
    earlier = [("", reader.say("run-last-answers"))]
    earlier += [(tally.run.id, _name(tally)) for tally in tallies[:20]]
    fields = (
        choice(reader, "which", sets)
        + choice(reader, "preset_id", usable)
        + choice(reader, "against", earlier)
        + field(reader, "label", required=False, maxlength=100, words="field-run-label")
    )
    info = f"<p>{reader.say('cases-run-info')}</p>"
    return info + form(reader, "/api/cases/runs", fields, "run-start", then="go")


def _name(tally: Tally) -> str:
    run = tally.run
    label = f" · {run.label}" if run.label else ""
    return escape(f"{run.started_at:%Y-%m-%d %H:%M} · {run.model}{label}")


def _runs(reader: Reader, tallies: Sequence[Tally], presets: Mapping[str, str]) -> str:
    columns = ["column-run", "column-model", "column-preset", "column-results", ""]
    rows = (
        (
            f'<a href="{reader.link(f"/cases/runs/{tally.run.id}")}">{when(tally.run.started_at)}'
            f"</a> <bdi>{escape(tally.run.label)}</bdi>",
            model_of(tally.run),
            escape(presets.get(tally.run.preset.id, tally.run.preset.id))
            if tally.run.preset
            else "–",
            counts_of(reader, tally.counts),
            form(
                reader,
                f"/api/cases/runs/{tally.run.id}/delete",
                "",
                "delete",
                then="go",
                sure=reader.say("sure"),
            ),
        )
        for tally in tallies
    )
    return table(reader, columns, rows)


# --- one case ---------------------------------------------------------------------------------


def _fields(reader: Reader, text: CaseText) -> str:
    name = field(reader, "name", words="field-case-name", maxlength=MAX_NAME, value=text.name)
    turns = [_turn(reader, turn) for turn in text.prompt]
    checks = chain(text.checks, repeat(None, EMPTY_CHECKS))
    cards = (_check(reader, check) for check in checks)
    numbers = "".join(_number(reader, text, key) for key in NUMBERS)
    return (
        name
        + _cards(reader, "prompt", turns)
        + _cards(reader, "checks", cards)
        + _area(reader, "reference", text.reference, 6, MAX_CHARACTERS)
        + f"<details><summary>{reader.say('field-sampling')}</summary>"
        f'<p class="hint">{reader.say("case-sampling-hint")}</p>'
        f'<div class="numbers">{numbers}</div></details>'
        + hidden("sampling", text.settings)
        + hidden("evidence_id", text.evidence_id)
    )
