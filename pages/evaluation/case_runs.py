"""One run of regression cases: what came of each, beside an earlier run or the reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from chat.accounts.models import User
from chat.evaluation.cases import VerdictCounts
from chat.evaluation.models import Case, CaseVerdict, Result, Run
from chat.models import PresetRef
from pages.evaluation.diff import in_one, side_by_side
from pages.host_nav import host_page
from pages.html import ReaderContext, form, hidden, when

SCRIPT = "cases.js"
ORDER = (
    CaseVerdict.FAILED,
    CaseVerdict.ERROR,
    CaseVerdict.CHANGED,
    CaseVerdict.OPEN,
    CaseVerdict.PASSED,
)
"""What is to be looked at comes first."""

FOR_PEOPLE = (CaseVerdict.OPEN, CaseVerdict.CHANGED)


@dataclass(frozen=True, slots=True)
class RunsView:
    """Runs to choose from. `names` are those of the presets that these and the one shown had."""

    tallies: Sequence[VerdictCounts]
    names: Mapping[PresetRef, str]


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as it is looked at. `results` are by case, `others` are those of the run beside it.

    `cases` are those that are still there. `going_on`: done and total of a run that is going on.
    """

    run: Run
    results: Mapping[str, Result]
    cases: Mapping[str, Case]
    beside: Run | None = None
    others: Mapping[str, Result] | None = None
    going_on: tuple[int, int] | None = None


def run_page(reader: ReaderContext, user: User, shown: RunView, runs: RunsView) -> str:
    """`runs` are those that it can be compared with."""
    body = _head(reader, shown, runs) + _beside(reader, shown, runs)
    if any(result.verdict in FOR_PEOPLE for result in shown.results.values()):
        body += f'<p class="hint">{reader.say("run-keys")}</p>'
    ordered = sorted(shown.results.values(), key=lambda result: _place(shown, result))
    body += "".join(_result(reader, shown, result) for result in ordered)
    heading = shown.run.label
    return host_page(reader, user, "run", body, heading=heading, script=SCRIPT)


def preset_of(run: Run, names: Mapping[PresetRef, str]) -> str:
    """Which version of which preset; empty where there was none."""
    return names.get(run.preset, run.preset.id) if run.preset else ""


def facts_of(run: Run, names: Mapping[PresetRef, str]) -> Sequence[str]:
    """What tells a run from others, beside its time: model, preset, label. Not escaped."""
    model = f"{run.model} {run.quantization}"
    return [fact for fact in (model, preset_of(run, names), run.label) if fact]


def model_of(run: Run) -> str:
    """Which model, and how it is kept in memory."""
    return f"<bdi>{escape(run.model)}</bdi> <em>{escape(run.quantization)}</em>"


def counts_of(reader: ReaderContext, counts: Mapping[CaseVerdict, int]) -> str:
    """How many cases came to what."""
    said = (_badge(reader, verdict, counts[verdict]) for verdict in ORDER if counts.get(verdict))
    return " ".join(said) or "–"


# --- pieces -----------------------------------------------------------------------------------


def _head(reader: ReaderContext, shown: RunView, runs: RunsView) -> str:
    run = shown.run
    counts = {
        verdict: sum(result.verdict is verdict for result in shown.results.values())
        for verdict in CaseVerdict
    }
    name = preset_of(run, runs.names)
    preset = f" · <bdi>{escape(name)}</bdi>" if name else ""
    facts = f"{when(run.started_at)} · {model_of(run)} · {escape(run.engine)}{preset}"
    return f"<p>{facts}</p><p>{counts_of(reader, counts)}</p>{_state(reader, shown)}"


def _state(reader: ReaderContext, shown: RunView) -> str:
    at = f"/api/cases/runs/{shown.run.id}"
    if shown.going_on:
        done, total = shown.going_on
        said = reader.say("run-going-on", done=done, total=total)
        cancel = form(reader, f"{at}/cancel", "", "run-cancel")
        path = reader.link(f"{at}/progress")
        return f'<div class="row" data-run="{path}" data-done="{done}"><p>{said}</p>{cancel}</div>'
    return "" if shown.run.ended_at else f'<p class="banner">{reader.say("run-broke-off")}</p>'


def _beside(reader: ReaderContext, shown: RunView, runs: RunsView) -> str:
    at = f"/cases/runs/{shown.run.id}"
    if shown.beside:
        said = reader.say("run-beside")
        name = _name(shown.beside, runs.names)
        away = f'<a href="{reader.link(at)}">{reader.say("run-alone")}</a>'
        return f"<p>{said} {name} · {away}</p>"
    others = [tally.run for tally in runs.tallies if tally.run.id != shown.run.id]
    if not others:
        return ""
    links = "".join(
        f'<li><a href="{reader.link(f"{at}?against={other.id}")}">'
        f"{_name(other, runs.names)}</a></li>"
        for other in others
    )
    return f"<details><summary>{reader.say('run-compare')}</summary><ul>{links}</ul></details>"


def _name(run: Run, names: Mapping[PresetRef, str]) -> str:
    facts = (f"<bdi>{escape(fact)}</bdi>" for fact in facts_of(run, names))
    return " · ".join((when(run.started_at), *facts))


def _place(shown: RunView, result: Result) -> tuple[int, str]:
    case = shown.cases.get(result.case_id)
    return ORDER.index(result.verdict), case.name if case else result.case_id


def _result(reader: ReaderContext, shown: RunView, result: Result) -> str:
    case = shown.cases.get(result.case_id)
    name = f"<bdi>{escape(case.name if case else result.case_id)}</bdi>"
    if case:
        name = f'<a href="{reader.link(f"/cases/{case.id}")}">{name}</a>'
    seconds = f" <em>{result.timing.total_s:.1f} s</em>" if result.timing else ""
    body = f"<h2>{_badge(reader, result.verdict)} {name}{seconds}</h2>"
    body += _wrong(reader, case, result)
    body += _answers(reader, shown, case, result)
    judged = bool(result.judged_by)
    judge = judged or result.verdict in FOR_PEOPLE
    if judge:
        body += _judge(reader, shown.run, case, result)
    focus = ' tabindex="0" data-judge' if judge else ""
    return f'<section class="result"{focus}>{body}</section>'


def _wrong(reader: ReaderContext, case: Case | None, result: Result) -> str:
    if result.error_code:
        code = f"<code>{escape(result.error_code)}</code>"
        return f'<p class="error">{reader.say("run-error")} {code}</p>'
    failed = [case.checks[i] for i in result.failed if i < len(case.checks)] if case else []
    items = "".join(
        f"<li>{reader.say(f'check-{check.kind}')}: <code>{escape(check.expected)}</code></li>"
        for check in failed
    )
    return f"<p>{reader.say('run-failed-checks')}</p><ul>{items}</ul>" if items else ""


def _answers(reader: ReaderContext, shown: RunView, case: Case | None, result: Result) -> str:
    if shown.others is not None:
        other = shown.others.get(result.case_id)
        if other is None:
            return _words(result.answer) + f'<p class="hint">{reader.say("run-not-there")}</p>'
        left, right = side_by_side(other.answer, result.answer)
        badge = _badge(reader, other.verdict)
        return (
            f'<div class="pair"><div><h3>{reader.say("run-other")} {badge}</h3>'
            f'<div class="words" dir="auto">{left}</div></div><div><h3>{reader.say("run-this")} '
            f"{_badge(reader, result.verdict)}</h3>"
            f'<div class="words" dir="auto">{right}</div></div></div>'
        )
    reference = case.reference if case else ""
    if not reference or reference == result.answer:
        return _words(result.answer)
    changes = in_one(reference, result.answer)
    return (
        f"{_words(result.answer)}<details><summary>{reader.say('run-since-reference')}</summary>"
        f'<div class="words" dir="auto">{changes}</div></details>'
    )


def _words(text: str) -> str:
    return f'<div class="words" dir="auto">{escape(text)}</div>'


def _judge(reader: ReaderContext, run: Run, case: Case | None, result: Result) -> str:
    notes = [check.expected for check in case.checks if check.kind == "human"] if case else []
    said = "".join(f'<p class="hint words">{escape(note)}</p>' for note in notes if note)
    path = f"/api/cases/runs/{run.id}/judge"
    buttons = "".join(
        form(reader, path, hidden("case_id", result.case_id) + hidden("good", good), key, key=sign)
        for good, key, sign in (("yes", "judge-good", "p"), ("no", "judge-bad", "f"))
    )
    return f'{said}<div class="row">{buttons}</div>'


def _badge(reader: ReaderContext, verdict: CaseVerdict, count: int | None = None) -> str:
    number = f"{count} " if count is not None else ""
    said = reader.say(f"verdict-{verdict}")
    return f'<span class="verdict" data-verdict="{verdict}">{number}{said}</span>'
