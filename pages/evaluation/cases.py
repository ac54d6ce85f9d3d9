"""The page of regression cases: the user's own, the shipped ones, and the runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chat.accounts.models import User
from chat.conversations.models import Preset
from chat.evaluation.models import Case, CaseVerdict, Run
from chat.models import PresetRef
from pages.campaigns.choices import PlanOptions
from pages.evaluation.case_runs import SCRIPT, RunsView, counts_of, facts_of, preset_of
from pages.host_nav import render_host_page
from pages.html import ReaderContext

MAX_EARLIER = 20
"""Runs in the list of those to compare with."""

Options = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ListedCase:
    """A case in the table. `kinds` are the texts of its checks, `excerpt` begins its question."""

    id: str
    name: str
    kinds: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run in the table, with the numbers of its verdicts."""

    run: Run
    preset_name: str
    counts: Sequence[tuple[CaseVerdict, int]]


def cases_page(
    reader: ReaderContext,
    user: User,
    *,
    cases: Sequence[Case],
    shipped: Sequence[Case],
    runs: RunsView,
    choices: PlanOptions,
) -> Markup:
    """The user's own cases and runs, or all of them for an administrator; the shipped cases."""
    return render_host_page(
        "evaluation/cases.html",
        reader,
        user,
        script=SCRIPT,
        cases=[_row(reader, case) for case in cases],
        shipped=[_row(reader, case) for case in shipped],
        which=_sets(reader, bool(cases)),
        presets=_presets(reader, choices.presets),
        earlier=_earlier(reader, runs),
        engines=_engines(reader, choices.engines),
        runs=[
            ListedRun(counted.run, preset_of(counted.run, runs.names), counts_of(counted.counts))
            for counted in runs.runs
        ],
    )


def _row(reader: ReaderContext, case: Case) -> ListedCase:
    kinds = dict.fromkeys(check.kind for check in case.checks)
    texts = Markup(", ").join(reader.text(f"check-{kind}") for kind in kinds)
    return ListedCase(case.id, case.name, texts, _excerpt(case.prompt[-1].content))


def _excerpt(text: str, limit: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _sets(reader: ReaderContext, has_own: bool) -> Options:
    """The sets of cases that a run can take."""
    own = [("kept", reader.text("which-kept"))] if has_own else []
    return [
        *own,
        *(
            (f"shipped-{language}", reader.text(f"which-shipped-{language}"))
            for language in ("en", "zh")
        ),
    ]


def _presets(reader: ReaderContext, presets: Sequence[Preset]) -> Options:
    named = ((preset.ref.id, preset.text.name) for preset in presets)
    return [("", reader.text("run-no-preset")), *named]


def _earlier(reader: ReaderContext, runs: RunsView) -> Options:
    earlier = [counted.run for counted in runs.runs[:MAX_EARLIER]]
    named = ((run.id, _name(run, runs.names)) for run in earlier)
    return [("", reader.text("run-last-answers")), *named]


def _engines(reader: ReaderContext, engines: Sequence[str]) -> Options:
    """The models to choose from; none where there is no choice."""
    if len(engines) < 2:
        return []
    first, *others = engines
    return [("", reader.text("engine-first", name=first)), *((name, name) for name in others)]


def _name(run: Run, names: Mapping[PresetRef, str]) -> str:
    return " · ".join((f"{run.started_at:%Y-%m-%d %H:%M}", *facts_of(run, names)))
