"""Regression cases for their hosts: those that are kept, the shipped ones, and their runs."""

from collections.abc import Mapping, Sequence
from html import escape

from chat.accounts.models import User
from chat.conversations.models import Preset
from chat.evaluation.models import Case, Run
from chat.models import PresetRef
from pages.campaigns.choices import PlanOptions
from pages.evaluation.case_runs import SCRIPT, RunsView, counts_of, facts_of, model_of, preset_of
from pages.host_nav import host_page
from pages.html import ReaderContext, choice, field, form, section, table, when


def cases_page(
    reader: ReaderContext,
    user: User,
    *,
    cases: Sequence[Case],
    shipped: Sequence[Case],
    runs: RunsView,
    choices: PlanOptions,
) -> str:
    """One's own cases and runs, an administrator's page has everybody's, and the shipped cases."""
    body = f"<p>{reader.say('cases-info')}</p>{_tools(reader, bool(cases))}"
    body += _table(reader, cases)
    fields = _run_fields(reader, bool(cases), choices.presets, runs)
    fields += _engine(reader, choices.engines)
    run = form(reader, "/api/cases/runs", fields, "run-start", then="go")
    body += section(reader, "cases-run", f"<p>{reader.say('cases-run-info')}</p>{run}")
    body += section(reader, "cases-runs", _runs(reader, runs))
    body += section(
        reader,
        "cases-shipped",
        f"<p>{reader.say('cases-shipped-info')}</p>{_table(reader, shipped)}",
    )
    return host_page(reader, user, "cases", body, script=SCRIPT)


# --- pieces -----------------------------------------------------------------------------------


def _tools(reader: ReaderContext, any_kept: bool) -> str:
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


def _table(reader: ReaderContext, cases: Sequence[Case]) -> str:
    rows = (
        (
            f'<a href="{reader.link(f"/cases/{case.id}")}"><bdi>{escape(case.name)}</bdi></a>',
            _kinds(reader, case),
            f"<bdi>{escape(_short(case.prompt[-1].content))}</bdi>",
        )
        for case in cases
    )
    return table(reader, ["column-case", "column-checks", "column-asks"], rows)


def _kinds(reader: ReaderContext, case: Case) -> str:
    kinds = dict.fromkeys(check.kind for check in case.checks)
    return ", ".join(reader.say(f"check-{kind}") for kind in kinds)


def _short(text: str, most: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _run_fields(
    reader: ReaderContext, any_kept: bool, presets: Sequence[Preset], runs: RunsView
) -> str:
    sets = [(f"shipped-{tongue}", reader.say(f"which-shipped-{tongue}")) for tongue in ("en", "zh")]
    if any_kept:
        sets.insert(0, ("kept", reader.say("which-kept")))
    usable = [("", reader.say("run-no-preset"))]
    usable += [(preset.ref.id, escape(preset.text.name)) for preset in presets]
    earlier = [("", reader.say("run-last-answers"))]
    earlier += [(tally.run.id, _name(tally.run, runs.names)) for tally in runs.tallies[:20]]
    return (
        choice(reader, "which", sets)
        + choice(reader, "preset_id", usable, words="field-run-preset")
        + choice(reader, "against", earlier)
        + field(reader, "label", required=False, data_longest=100, words="field-run-label")
    )


def _engine(reader: ReaderContext, engines: Sequence[str]) -> str:
    """Which model is asked, where there is a choice."""
    if len(engines) < 2:
        return ""
    first, *others = engines
    usable = [("", reader.say("engine-first", name=first))]
    return choice(reader, "engine", usable + [(name, escape(name)) for name in others])


def _name(run: Run, names: Mapping[PresetRef, str]) -> str:
    """For a list to choose from, where there is no markup."""
    return escape(" · ".join((f"{run.started_at:%Y-%m-%d %H:%M}", *facts_of(run, names))))


def _runs(reader: ReaderContext, runs: RunsView) -> str:
    columns = ["column-run", "column-model", "column-preset", "column-results", ""]
    rows = (
        (
            f'<a href="{reader.link(f"/cases/runs/{tally.run.id}")}">{when(tally.run.started_at)}'
            f"</a> <bdi>{escape(tally.run.label)}</bdi>",
            model_of(tally.run),
            f"<bdi>{escape(preset_of(tally.run, runs.names)) or '–'}</bdi>",
            counts_of(reader, tally.counts),
            form(
                reader,
                f"/api/cases/runs/{tally.run.id}/delete",
                "",
                "case-delete",
                then="go",
                sure=reader.say("sure"),
            ),
        )
        for tally in runs.tallies
    )
    return table(reader, columns, rows)
