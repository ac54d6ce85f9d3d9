"""What the database promises of cases and runs: on SQLite and on PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chat.errors import BadText, NotFound
from chat.evaluation.models import (
    Case,
    CaseText,
    CaseVerdict,
    Check,
    CheckKind,
    EarlierAnswers,
    Result,
    Run,
)
from chat.models import ChatMessage, PresetRef, Role, Sampling, Timing
from chat.tools import ToolCall
from store import RoutingStore
from store.evaluation.store import DatabaseCases
from tests.contract.stores import START
from tests.contract.users import ANN, BOB

CALL = ToolCall("1", "weather", '{"city": "成都"}')
CASE = Case(
    id="case",
    owner_id=BOB.id,
    name="B 首都",
    prompt=(ChatMessage(Role.USER, "Hi 👋🏽"), ChatMessage(Role.ASSISTANT, "", (CALL,))),
    checks=(Check(CheckKind.MATHS, "{2, 3}"), Check(CheckKind.HUMAN)),
    created_at=START,
    sampling=Sampling(temperature=0.5, stop=("\n\n",)),
    reference="Lyon",
    snapshot_id="evidence",
)
RUN = Run(
    id="run",
    owner_id=BOB.id,
    label="before the switch",
    model="Qwen2.5",
    revision="r1",
    quantization="nf4",
    engine="local",
    started_at=START,
    preset=PresetRef("maths.en", 2),
)
RESULT = Result("run", "case", "x = 2", CaseVerdict.FAILED, (0,), timing=Timing(total_s=1.5))


@pytest.fixture
def cases(database: RoutingStore) -> DatabaseCases:
    return database.feedback.cases


async def test_a_case_round_trips_with_its_owner(cases: DatabaseCases) -> None:
    other = replace(CASE, id="other", owner_id=ANN.id, name="A")
    await cases.add([CASE, other])
    assert await cases.case("case", BOB.id) == await cases.case("case", None) == CASE
    assert list(await cases.cases(BOB.id)) == [CASE]
    assert list(await cases.cases(None)) == [other, CASE]
    for case_id, owner_id in (("case", ANN.id), ("nothing", None)):
        with pytest.raises(NotFound):
            await cases.case(case_id, owner_id)
        with pytest.raises(NotFound):
            await cases.delete(case_id, owner_id)
        with pytest.raises(NotFound):
            await cases.change(case_id, owner_id, CaseText("x", CASE.prompt, CASE.checks))
    assert await cases.case("case", None) == CASE


async def test_a_changed_case_keeps_its_owner_and_source(
    cases: DatabaseCases,
) -> None:
    await cases.add([CASE])
    text = CaseText("new", CASE.prompt[:1], CASE.checks[1:], Sampling(), "Paris")
    changed = await cases.change("case", BOB.id, text)
    assert changed == await cases.case("case", BOB.id)
    assert changed == replace(
        CASE,
        name="new",
        prompt=text.prompt,
        checks=text.checks,
        sampling=Sampling(),
        reference="Paris",
    )


async def test_cases_are_added_all_or_none(cases: DatabaseCases) -> None:
    with pytest.raises(BadText):
        await cases.add([CASE, replace(CASE, id="bad", name="\0")])
    assert list(await cases.cases(None)) == []


async def test_runs_are_listed_newest_first_with_their_verdicts(cases: DatabaseCases) -> None:
    later = replace(RUN, id="later", owner_id=ANN.id, started_at=START + timedelta(hours=1))
    await cases.add_run(RUN)
    await cases.add_run(later)
    await cases.end_run("run", START + timedelta(minutes=1))
    await cases.add_result(RESULT)
    await cases.add_result(replace(RESULT, case_id="2", verdict=CaseVerdict.OPEN, failed=()))
    await cases.add_result(replace(RESULT, case_id="3"))
    all_runs = await cases.runs(None)
    assert [counts.run.id for counts in all_runs] == ["later", "run"]
    assert all_runs[0].counts == {}
    (mine,) = await cases.runs(BOB.id)
    assert mine.run == replace(RUN, ended_at=START + timedelta(minutes=1))
    assert mine.counts == {CaseVerdict.FAILED: 2, CaseVerdict.OPEN: 1}
    assert await cases.run("run", BOB.id) == mine.run
    assert RESULT in await cases.results("run")
    assert len(await cases.runs(None, limit=1)) == 1


async def test_a_run_has_an_owner_and_is_deleted_with_its_results(cases: DatabaseCases) -> None:
    await cases.add_run(RUN)
    await cases.add_result(RESULT)
    with pytest.raises(NotFound):
        await cases.run("run", ANN.id)
    with pytest.raises(NotFound):
        await cases.delete_run("run", ANN.id)
    await cases.delete_run("run", BOB.id)
    assert list(await cases.results("run")) == []
    with pytest.raises(NotFound):
        await cases.add_result(RESULT)
    await cases.end_run("run", START)


async def test_a_case_that_is_deleted_keeps_its_results(cases: DatabaseCases) -> None:
    await cases.add([CASE])
    await cases.add_run(RUN)
    await cases.add_result(RESULT)
    await cases.delete("case", BOB.id)
    assert list(await cases.results("run")) == [RESULT]


async def test_a_user_judges_open_cases(cases: DatabaseCases) -> None:
    await cases.add_run(RUN)
    await cases.add_result(RESULT)
    changed = replace(RESULT, case_id="2", verdict=CaseVerdict.CHANGED, failed=())
    await cases.add_result(changed)
    judged = await cases.judge("run", "2", CaseVerdict.PASSED, ANN.id)
    assert judged == replace(changed, verdict=CaseVerdict.PASSED, judged_by=ANN.id)
    assert (await cases.judge("run", "2", CaseVerdict.FAILED, BOB.id)).verdict is CaseVerdict.FAILED
    for case_id in ("case", "nothing"):
        with pytest.raises(NotFound):
            await cases.judge("run", case_id, CaseVerdict.PASSED, ANN.id)


async def test_history_has_the_last_answer_and_the_human_verdicts(
    cases: DatabaseCases,
) -> None:
    runs = [
        replace(RUN, id=f"run {hour}", started_at=START + timedelta(hours=hour))
        for hour in range(4)
    ]
    answers = ["first", "second", "third", "broken"]
    for run, answer in zip(runs, answers, strict=True):
        await cases.add_run(run)
        verdict = CaseVerdict.ERROR if answer == "broken" else CaseVerdict.OPEN
        await cases.add_result(Result(run.id, "case", answer, verdict))
    await cases.judge("run 0", "case", CaseVerdict.PASSED, BOB.id)
    await cases.judge("run 1", "case", CaseVerdict.FAILED, BOB.id)
    judged = {"first": CaseVerdict.PASSED, "second": CaseVerdict.FAILED}
    assert await cases.history(["case", "new"], BOB.id, None) == {
        "case": EarlierAnswers("third", judged),
        "new": EarlierAnswers(),
    }
    assert await cases.history(["case"], None, "run 1") == {
        "case": EarlierAnswers("second", judged)
    }
    assert await cases.history(["case"], ANN.id, None) == {"case": EarlierAnswers()}
