"""The output of `python app.py replay`: progress, the table, differences. Pure.

Control characters are removed from answers, because they are printed on a terminal.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC

from chat.conversations.models import Preset
from chat.conversations.presets import name_of
from chat.evaluation.models import Case, CaseVerdict, EarlierAnswers, Result, VerdictCounts
from chat.evaluation.runs import PreparedRun
from chat.models import PresetRef

BESIDE = (
    "Or start the run on its page of cases; --beside loads a second model next to the app's, "
    "if there is memory for it."
)
NO_PRESET = "no preset"
WIDTH = max(map(len, CaseVerdict))


def runs(run_counts: Sequence[VerdictCounts], names: Mapping[PresetRef, str]) -> Iterator[str]:
    """A line for each run, newest first. `names` are the names of their presets."""
    for counted in run_counts:
        run = counted.run
        counts = ", ".join(f"{counted.counts[v]} {v}" for v in CaseVerdict if counted.counts.get(v))
        began = f"{run.started_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        model = f"{run.model} ({run.quantization})"
        preset = printable(names.get(run.preset, run.preset.id)) if run.preset else NO_PRESET
        label = printable(run.label)
        yield "\t".join((run.id, began, model, preset, counts or "nothing", label))


def no_preset(requested: str, usable: Iterable[Preset]) -> str:
    """The error for an unknown preset, with ids and names of the usable ones."""
    listing = "".join(f"\n  {one.ref.id}  {printable(one.text.name)}" for one in usable)
    there_are = f" There are:{listing}" if listing else ""
    return f"There is no preset {printable(requested)} that can be used here.{there_are}"


def progress(finished: int, total: int, case: Case, result: Result) -> str:
    return f"{finished}/{total} {result.verdict} {printable(case.name)}"


def report(prepared: PreparedRun, results: Mapping[str, Result]) -> Iterator[str]:
    """The table of all cases that have a result, then what is to be looked at, then the sums."""
    finished = [(case, results[case.id]) for case in prepared.cases if case.id in results]
    for case, result in finished:
        seconds = f"{result.timing.total_s:7.1f} s" if result.timing else " " * 9
        yield f"{result.verdict:<{WIDTH}} {seconds}  {printable(case.name)}"
    for case, result in finished:
        yield from _details(case, result, prepared.before.get(case.id, EarlierAnswers()))
    sums = [
        f"{count} {verdict}"
        for verdict in CaseVerdict
        if (count := sum(result.verdict is verdict for _, result in finished))
    ]
    run = prepared.run
    yield ""
    yield f"{len(finished)} of {len(prepared.cases)}: {', '.join(sums) or 'nothing was run'}"
    preset = printable(name_of(prepared.preset)) if prepared.preset else NO_PRESET
    yield f"run {run.id} · {run.model} ({run.quantization}, {run.engine}) · {preset}"


def _details(case: Case, result: Result, before: EarlierAnswers) -> Iterator[str]:
    earlier = case.reference if before.answer is None else before.answer
    difference = list(diff(earlier, result.answer)) if earlier else []
    if result.verdict is CaseVerdict.PASSED and not difference:
        return
    yield ""
    yield f"== {printable(case.name)}: {result.verdict}"
    if result.error_code:
        yield f"error: {result.error_code}"
    for index in result.failed:
        check = case.checks[index]
        yield f"does not hold: {check.kind} {printable(check.expected)}".rstrip()
    if difference:
        yield from difference
    elif not earlier:
        yield from printable(result.answer, lines=True).splitlines()


def diff(earlier: str, now: str) -> Iterator[str]:
    """A unified diff, line by line; nothing if the two are the same."""
    old, new = (printable(text, lines=True).splitlines() for text in (earlier, now))
    return difflib.unified_diff(old, new, "earlier", "now", lineterm="")


def printable(text: str, *, lines: bool = False) -> str:
    """The text without control characters; on one line unless `lines`."""
    allowed = "\n\t" if lines else ""
    flattened = text if lines else " ".join(text.split())
    return "".join(
        sign if sign.isprintable() or sign in allowed else "\ufffd" for sign in flattened
    )
