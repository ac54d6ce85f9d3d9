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
from pages.html import PageLocale

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
    locale: PageLocale,
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
        locale,
        user,
        script=SCRIPT,
        cases=[_row(locale, case) for case in cases],
        shipped=[_row(locale, case) for case in shipped],
        which=_sets(locale, bool(cases)),
        presets=_presets(locale, choices.presets),
        earlier=_earlier(locale, runs),
        engines=_engines(locale, choices.engines),
        runs=[
            ListedRun(counted.run, preset_of(counted.run, runs.names), counts_of(counted.counts))
            for counted in runs.runs
        ],
    )


def _row(locale: PageLocale, case: Case) -> ListedCase:
    kinds = dict.fromkeys(check.kind for check in case.checks)
    texts = Markup(", ").join(locale.text(f"check-{kind}") for kind in kinds)
    return ListedCase(case.id, case.name, texts, _excerpt(case.prompt[-1].content))


def _excerpt(text: str, limit: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _sets(locale: PageLocale, has_own: bool) -> Options:
    """The sets of cases that a run can take."""
    own = [("kept", locale.text("which-kept"))] if has_own else []
    return [
        *own,
        *(
            (f"shipped-{language}", locale.text(f"which-shipped-{language}"))
            for language in ("en", "zh")
        ),
    ]


def _presets(locale: PageLocale, presets: Sequence[Preset]) -> Options:
    named = ((preset.ref.id, preset.text.name) for preset in presets)
    return [("", locale.text("run-no-preset")), *named]


def _earlier(locale: PageLocale, runs: RunsView) -> Options:
    earlier = [counted.run for counted in runs.runs[:MAX_EARLIER]]
    named = ((run.id, _name(run, runs.names)) for run in earlier)
    return [("", locale.text("run-last-answers")), *named]


def _engines(locale: PageLocale, engines: Sequence[str]) -> Options:
    """The models to choose from; none where there is no choice."""
    if len(engines) < 2:
        return []
    first, *others = engines
    return [("", locale.text("engine-first", name=first)), *((name, name) for name in others)]


def _name(run: Run, names: Mapping[PresetRef, str]) -> str:
    return " · ".join((f"{run.started_at:%Y-%m-%d %H:%M}", *facts_of(run, names)))
