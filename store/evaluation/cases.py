"""Regression cases, their runs and results."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from chat.accounts.models import LOCAL_USER
from chat.errors import NotFound
from chat.evaluation.models import (
    Case,
    CaseText,
    CaseVerdict,
    EarlierAnswers,
    Result,
    Run,
    VerdictCounts,
)
from store.accounts.rows import count_of, owned_by, user_row
from store.schema.evaluation import CaseRow, ResultRow, RunRow

JUDGED_BY_USERS = (CaseVerdict.PASSED, CaseVerdict.FAILED)
TO_BE_JUDGED = (CaseVerdict.OPEN, CaseVerdict.CHANGED)


# --- cases ------------------------------------------------------------------------------------


def add(session: Session, cases: Sequence[Case]) -> None:
    """Raises NotFound."""
    for owner_id in {each.owner_id for each in cases}:
        _hold(session, owner_id)
    for each in cases:
        session.add(
            CaseRow(
                id=each.id,
                owner_id=each.owner_id,
                name=each.name,
                prompt=each.prompt,
                checks=each.checks,
                created_at=each.created_at,
                sampling=each.sampling,
                reference=each.reference,
                evidence_id=each.snapshot_id,
            )
        )


def cases(session: Session, owner_id: str | None) -> Sequence[Case]:
    statement = select(CaseRow).where(_cases_of(owner_id)).order_by(CaseRow.name, CaseRow.id)
    return [row.value() for row in session.scalars(statement)]


def case(session: Session, case_id: str, owner_id: str | None) -> Case:
    return _case_of(session, case_id, owner_id).value()


def change(session: Session, case_id: str, owner_id: str | None, text: CaseText) -> Case:
    row = _case_of(session, case_id, owner_id)
    row.name, row.prompt, row.checks = text.name, text.prompt, text.checks
    row.sampling, row.reference = text.sampling, text.reference
    return row.value()


def delete_case(session: Session, case_id: str, owner_id: str | None) -> None:
    if not count_of(session, delete(CaseRow).where(CaseRow.id == case_id, _cases_of(owner_id))):
        raise NotFound


# --- runs -------------------------------------------------------------------------------------


def add_run(session: Session, run: Run) -> None:
    """Raises NotFound."""
    _hold(session, run.owner_id)
    session.add(
        RunRow(
            id=run.id,
            owner_id=run.owner_id,
            label=run.label,
            model=run.model,
            revision=run.revision,
            quantization=run.quantization,
            engine=run.engine,
            preset=run.preset,
            started_at=run.started_at,
            ended_at=run.ended_at,
        )
    )


def end_run(session: Session, run_id: str, ended_at: datetime) -> None:
    if row := session.get(RunRow, run_id):
        row.ended_at = ended_at


def add_result(session: Session, result: Result) -> None:
    """Raises NotFound."""
    if session.get(RunRow, result.run_id, with_for_update={"read": True}) is None:
        raise NotFound
    session.add(
        ResultRow(
            run_id=result.run_id,
            case_id=result.case_id,
            answer=result.answer,
            verdict=result.verdict,
            failed=result.failed,
            error_code=result.error_code,
            timing=result.timing,
            judged_by=result.judged_by,
        )
    )


def runs(session: Session, owner_id: str | None, limit: int = 100) -> Sequence[VerdictCounts]:
    newest = select(RunRow).where(_runs_of(owner_id)).order_by(RunRow.started_at.desc(), RunRow.id)
    newest_runs = [row.value() for row in session.scalars(newest.limit(limit))]
    counts: dict[str, dict[CaseVerdict, int]] = {each.id: {} for each in newest_runs}
    counted = select(ResultRow.run_id, ResultRow.verdict, func.count())
    counted = counted.where(ResultRow.run_id.in_(counts))
    for run_id, verdict, count in session.execute(
        counted.group_by(ResultRow.run_id, ResultRow.verdict)
    ):
        counts[run_id][verdict] = count
    return [VerdictCounts(each, counts[each.id]) for each in newest_runs]


def run(session: Session, run_id: str, owner_id: str | None) -> Run:
    """Raises NotFound."""
    row = session.scalar(select(RunRow).where(RunRow.id == run_id, _runs_of(owner_id)))
    if row is None:
        raise NotFound
    return row.value()


def results(session: Session, run_id: str) -> Sequence[Result]:
    statement = select(ResultRow).where(ResultRow.run_id == run_id).order_by(ResultRow.case_id)
    return [row.value() for row in session.scalars(statement)]


def delete_run(session: Session, run_id: str, owner_id: str | None) -> None:
    """Raises NotFound."""
    run(session, run_id, owner_id)
    session.execute(delete(ResultRow).where(ResultRow.run_id == run_id))
    session.execute(delete(RunRow).where(RunRow.id == run_id))


def judge(
    session: Session, run_id: str, case_id: str, verdict: CaseVerdict, judged_by: str
) -> Result:
    """Raises NotFound."""
    row = session.get(ResultRow, (run_id, case_id), with_for_update=True)
    if row is None or not (row.verdict in TO_BE_JUDGED or row.judged_by):
        raise NotFound
    row.verdict, row.judged_by = verdict, judged_by
    return row.value()


def history(
    session: Session, case_ids: Collection[str], owner_id: str | None, against: str | None
) -> Mapping[str, EarlierAnswers]:
    earlier = (
        select(ResultRow)
        .join(RunRow, RunRow.id == ResultRow.run_id)
        .where(
            ResultRow.case_id.in_(case_ids),
            ResultRow.verdict != CaseVerdict.ERROR,
            _runs_of(owner_id),
        )
        .order_by(RunRow.started_at, RunRow.id)
    )
    answers: dict[str, str] = {}
    judged: dict[str, dict[str, CaseVerdict]] = {}
    for row in session.scalars(earlier):
        if against in (None, row.run_id):
            answers[row.case_id] = row.answer
        if row.judged_by and row.verdict in JUDGED_BY_USERS:
            judged.setdefault(row.case_id, {})[row.answer] = row.verdict
    return {
        case_id: EarlierAnswers(answers.get(case_id), judged.get(case_id, {}))
        for case_id in case_ids
    }


# --- ownership --------------------------------------------------------------------------------


def _cases_of(owner_id: str | None) -> ColumnElement[bool]:
    return owned_by(CaseRow.owner_id, owner_id)


def _runs_of(owner_id: str | None) -> ColumnElement[bool]:
    return owned_by(RunRow.owner_id, owner_id)


def _hold(session: Session, owner_id: str) -> None:
    """Lock the owner, so that a concurrent deletion leaves no row behind. Raises NotFound."""
    if owner_id != LOCAL_USER:
        user_row(session, owner_id, for_update=True)


def _case_of(session: Session, case_id: str, owner_id: str | None) -> CaseRow:
    """Raises NotFound."""
    row = session.scalar(select(CaseRow).where(CaseRow.id == case_id, _cases_of(owner_id)))
    if row is None:
        raise NotFound
    return row
