"""What `python app.py replay` says: progress, the table, differences. Pure.

Answers are printed without control characters: they come from a model and go to a terminal.
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


def runs(tallies: Sequence[VerdictCounts], names: Mapping[PresetRef, str]) -> Iterator[str]:
    """A line for each run, newest first. `names` are those of the presets that they had."""
    for tally in tallies:
        run = tally.run
        counts = ", ".join(f"{tally.counts[v]} {v}" for v in CaseVerdict if tally.counts.get(v))
        began = f"{run.started_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        model = f"{run.model} ({run.quantization})"
        preset = printable(names.get(run.preset, run.preset.id)) if run.preset else NO_PRESET
        label = printable(run.label)
        yield "\t".join((run.id, began, model, preset, counts or "nothing", label))


def no_preset(wanted: str, usable: Iterable[Preset]) -> str:
    """That there is none of that name, and which there are, by id and name."""
    known = "".join(f"\n  {one.ref.id}  {printable(one.text.name)}" for one in usable)
    there_are = f" There are:{known}" if known else ""
    return f"There is no preset {printable(wanted)} that can be used here.{there_are}"


def progress(done: int, total: int, case: Case, result: Result) -> str:
    return f"{done}/{total} {result.verdict} {printable(case.name)}"


def report(prepared: PreparedRun, results: Mapping[str, Result]) -> Iterator[str]:
    """The table of all cases that have a result, then what is to be looked at, then the sums."""
    done = [(case, results[case.id]) for case in prepared.cases if case.id in results]
    for case, result in done:
        seconds = f"{result.timing.total_s:7.1f} s" if result.timing else " " * 9
        yield f"{result.verdict:<{WIDTH}} {seconds}  {printable(case.name)}"
    for case, result in done:
        yield from _details(case, result, prepared.before.get(case.id, EarlierAnswers()))
    sums = [
        f"{count} {verdict}"
        for verdict in CaseVerdict
        if (count := sum(result.verdict is verdict for _, result in done))
    ]
    run = prepared.run
    yield ""
    yield f"{len(done)} of {len(prepared.cases)}: {', '.join(sums) or 'nothing was run'}"
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
    """Without what a terminal would act on; on one line unless `lines`."""
    kept = "\n\t" if lines else ""
    shown = text if lines else " ".join(text.split())
    return "".join(sign if sign.isprintable() or sign in kept else "\ufffd" for sign in shown)
