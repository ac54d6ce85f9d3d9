"""What the database promises of cases and runs: on SQLite and on PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chat.errors import BadText, NotFound
from chat.evaluation.cases import CaseText
from chat.evaluation.models import Case, CaseVerdict, Check, CheckKind, Result, Run
from chat.evaluation.verdicts import EarlierAnswers
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
    evidence_id="evidence",
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
def kept(database: RoutingStore) -> DatabaseCases:
    return database.feedback.cases


async def test_a_case_comes_back_as_it_was_and_is_its_owners(kept: DatabaseCases) -> None:
    other = replace(CASE, id="other", owner_id=ANN.id, name="A")
    await kept.add([CASE, other])
    assert await kept.case("case", BOB.id) == await kept.case("case", None) == CASE
    assert list(await kept.cases(BOB.id)) == [CASE]
    assert list(await kept.cases(None)) == [other, CASE]
    for case_id, owner in (("case", ANN.id), ("nothing", None)):
        with pytest.raises(NotFound):
            await kept.case(case_id, owner)
        with pytest.raises(NotFound):
            await kept.delete(case_id, owner)
        with pytest.raises(NotFound):
            await kept.change(case_id, owner, CaseText("x", CASE.prompt, CASE.checks))
    assert await kept.case("case", None) == CASE


async def test_a_case_is_changed_but_stays_whose_it_is_and_what_it_came_from(
    kept: DatabaseCases,
) -> None:
    await kept.add([CASE])
    text = CaseText("new", CASE.prompt[:1], CASE.checks[1:], Sampling(), "Paris")
    changed = await kept.change("case", BOB.id, text)
    assert changed == await kept.case("case", BOB.id)
    assert changed == replace(
        CASE,
        name="new",
        prompt=text.prompt,
        checks=text.checks,
        sampling=Sampling(),
        reference="Paris",
    )


async def test_cases_are_added_all_or_none(kept: DatabaseCases) -> None:
    with pytest.raises(BadText):
        await kept.add([CASE, replace(CASE, id="bad", name="\0")])
    assert list(await kept.cases(None)) == []


async def test_runs_are_listed_newest_first_with_what_came_of_them(kept: DatabaseCases) -> None:
    later = replace(RUN, id="later", owner_id=ANN.id, started_at=START + timedelta(hours=1))
    await kept.add_run(RUN)
    await kept.add_run(later)
    await kept.end_run("run", START + timedelta(minutes=1))
    await kept.add_result(RESULT)
    await kept.add_result(replace(RESULT, case_id="2", verdict=CaseVerdict.OPEN, failed=()))
    await kept.add_result(replace(RESULT, case_id="3"))
    everybodys = await kept.runs(None)
    assert [tally.run.id for tally in everybodys] == ["later", "run"]
    assert everybodys[0].counts == {}
    (mine,) = await kept.runs(BOB.id)
    assert mine.run == replace(RUN, ended_at=START + timedelta(minutes=1))
    assert mine.counts == {CaseVerdict.FAILED: 2, CaseVerdict.OPEN: 1}
    assert await kept.run("run", BOB.id) == mine.run
    assert RESULT in await kept.results("run")
    assert len(await kept.runs(None, limit=1)) == 1


async def test_a_run_is_its_owners_and_goes_with_its_results(kept: DatabaseCases) -> None:
    await kept.add_run(RUN)
    await kept.add_result(RESULT)
    with pytest.raises(NotFound):
        await kept.run("run", ANN.id)
    with pytest.raises(NotFound):
        await kept.delete_run("run", ANN.id)
    await kept.delete_run("run", BOB.id)
    assert list(await kept.results("run")) == []
    with pytest.raises(NotFound):
        await kept.add_result(RESULT)
    await kept.end_run("run", START)


async def test_a_case_that_is_deleted_keeps_its_results(kept: DatabaseCases) -> None:
    await kept.add([CASE])
    await kept.add_run(RUN)
    await kept.add_result(RESULT)
    await kept.delete("case", BOB.id)
    assert list(await kept.results("run")) == [RESULT]


async def test_a_person_judges_what_was_left_to_people(kept: DatabaseCases) -> None:
    await kept.add_run(RUN)
    await kept.add_result(RESULT)
    changed = replace(RESULT, case_id="2", verdict=CaseVerdict.CHANGED, failed=())
    await kept.add_result(changed)
    judged = await kept.judge("run", "2", CaseVerdict.PASSED, ANN.id)
    assert judged == replace(changed, verdict=CaseVerdict.PASSED, judged_by=ANN.id)
    assert (await kept.judge("run", "2", CaseVerdict.FAILED, BOB.id)).verdict is CaseVerdict.FAILED
    for case_id in ("case", "nothing"):
        with pytest.raises(NotFound):
            await kept.judge("run", case_id, CaseVerdict.PASSED, ANN.id)


async def test_history_has_the_last_answer_and_what_people_said_of_each(
    kept: DatabaseCases,
) -> None:
    runs = [
        replace(RUN, id=f"run {hour}", started_at=START + timedelta(hours=hour))
        for hour in range(4)
    ]
    answers = ["first", "second", "third", "broken"]
    for run, answer in zip(runs, answers, strict=True):
        await kept.add_run(run)
        verdict = CaseVerdict.ERROR if answer == "broken" else CaseVerdict.OPEN
        await kept.add_result(Result(run.id, "case", answer, verdict))
    await kept.judge("run 0", "case", CaseVerdict.PASSED, BOB.id)
    await kept.judge("run 1", "case", CaseVerdict.FAILED, BOB.id)
    judged = {"first": CaseVerdict.PASSED, "second": CaseVerdict.FAILED}
    assert await kept.history(["case", "new"], BOB.id, None) == {
        "case": EarlierAnswers("third", judged),
        "new": EarlierAnswers(),
    }
    assert await kept.history(["case"], None, "run 1") == {"case": EarlierAnswers("second", judged)}
    assert await kept.history(["case"], ANN.id, None) == {"case": EarlierAnswers()}
