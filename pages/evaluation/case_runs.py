"""One run of regression cases: its results, compared with an earlier run or the reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from chat.accounts.models import User
from chat.evaluation.models import Case, CaseVerdict, Check, CheckKind, Result, Run, VerdictCounts
from chat.models import PresetRef
from pages.evaluation.diff import in_one, side_by_side
from pages.host_nav import render_host_page
from pages.html import PageLocale

SCRIPT = "cases.js"
ORDER = (
    CaseVerdict.FAILED,
    CaseVerdict.ERROR,
    CaseVerdict.CHANGED,
    CaseVerdict.OPEN,
    CaseVerdict.PASSED,
)
"""The order of results on the page: what needs attention first."""

UNJUDGED = (CaseVerdict.OPEN, CaseVerdict.CHANGED)
"""Verdicts that a user still has to judge."""


@dataclass(frozen=True, slots=True)
class RunsView:
    """Runs to choose from. `names` are those of the presets of all runs on the page."""

    runs: Sequence[VerdictCounts]
    names: Mapping[PresetRef, str]


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with its results by case id. `others` are the results of the run compared with.

    `cases` are those that still exist. `progress`: done and total of a run in progress.
    """

    run: Run
    results: Mapping[str, Result]
    cases: Mapping[str, Case]
    compared_with: Run | None = None
    others: Mapping[str, Result] | None = None
    progress: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class NamedRun:
    """Another run with the facts that distinguish it."""

    id: str
    started_at: datetime
    facts: Sequence[str]


@dataclass(frozen=True, slots=True)
class ListedResult:
    """A result on the page.

    `left` and `right` are the answers of `other` and of `result` with their differences marked.
    `changes` are the differences from the reference; None without any. `notes` are what a user
    is to judge.
    """

    result: Result
    case_id: str
    has_case: bool
    name: str
    failed: Sequence[Check]
    notes: Sequence[str]
    can_judge: bool
    other: Result | None
    left: Markup | None
    right: Markup | None
    changes: Markup | None


def run_page(locale: PageLocale, user: User, view: RunView, runs: RunsView) -> Markup:
    """The results of a run. `runs` are those that it can be compared with."""
    run = view.run
    ordered = sorted(view.results.values(), key=lambda result: _place(view, result))
    others = [counted.run for counted in runs.runs if counted.run.id != run.id]
    counts = {
        verdict: sum(result.verdict is verdict for result in ordered) for verdict in CaseVerdict
    }
    return render_host_page(
        "evaluation/run.html",
        locale,
        user,
        heading=run.label,
        script=SCRIPT,
        run=run,
        preset_name=preset_of(run, runs.names),
        counts=counts_of(counts),
        progress=view.progress,
        compared=_named(view.compared_with, runs.names) if view.compared_with else None,
        is_compared=view.others is not None,
        others=[_named(other, runs.names) for other in others],
        has_keys=any(result.verdict in UNJUDGED for result in ordered),
        results=[_row(view, result) for result in ordered],
    )


def preset_of(run: Run, names: Mapping[PresetRef, str]) -> str:
    """The name of the preset version of a run; empty without a preset."""
    return names.get(run.preset, run.preset.id) if run.preset else ""


def facts_of(run: Run, names: Mapping[PresetRef, str]) -> Sequence[str]:
    """What distinguishes a run from others besides its time: model, preset, label."""
    model = f"{run.model} {run.quantization}"
    return [fact for fact in (model, preset_of(run, names), run.label) if fact]


def counts_of(counts: Mapping[CaseVerdict, int]) -> Sequence[tuple[CaseVerdict, int]]:
    """The verdicts that occur, in the order of the page, with their numbers."""
    return [(verdict, counts[verdict]) for verdict in ORDER if counts.get(verdict)]


def _named(run: Run, names: Mapping[PresetRef, str]) -> NamedRun:
    return NamedRun(run.id, run.started_at, facts_of(run, names))


def _place(view: RunView, result: Result) -> tuple[int, str]:
    case = view.cases.get(result.case_id)
    return ORDER.index(result.verdict), case.name if case else result.case_id


def _row(view: RunView, result: Result) -> ListedResult:
    case = view.cases.get(result.case_id)
    other = view.others.get(result.case_id) if view.others is not None else None
    left, right = side_by_side(other.answer, result.answer) if other else (None, None)
    checks = case.checks if case else ()
    return ListedResult(
        result=result,
        case_id=case.id if case else "",
        has_case=case is not None,
        name=case.name if case else result.case_id,
        failed=[checks[index] for index in result.failed if index < len(checks)],
        notes=[
            check.expected for check in checks if check.kind is CheckKind.HUMAN and check.expected
        ],
        can_judge=bool(result.judged_by) or result.verdict in UNJUDGED,
        other=other,
        left=left,
        right=right,
        changes=_changes(view, case, result),
    )


def _changes(view: RunView, case: Case | None, result: Result) -> Markup | None:
    """The differences from the reference, where the run is compared with no other."""
    reference = case.reference if case else ""
    if view.others is not None or not reference or reference == result.answer:
        return None
    return in_one(reference, result.answer)
