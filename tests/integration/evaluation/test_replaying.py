"""Runs of cases with a scripted engine, over a database: verdicts and stored results."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chat.accounts.errors import TooManyRequests
from chat.accounts.models import LOCAL, AccountRole, Action, AuditEntry, User
from chat.accounts.quotas import QuotaReservation
from chat.conversations.models import Preset, PresetText
from chat.errors import NotFound
from chat.evaluation import runs as replaying
from chat.evaluation.cases import Cases
from chat.evaluation.errors import BadCase, RunInProgress
from chat.evaluation.models import Case, CaseText, CaseVerdict, Check, CheckKind, Run
from chat.evaluation.runs import Runs
from chat.feedback.models import AnswerSnapshot, RatingInput
from chat.maintenance import Maintenance
from chat.models import ChatMessage, PresetRef, Role, Sampling, Status
from chat.serving.errors import EngineFailed, EngineNotReady
from chat.serving.observer import GenerationSummary, Source
from judging.judge import ProcessJudge
from store import RoutingStore, open_store
from tests.chat import make_chat, make_generation
from tests.contract.stores import START, ticking
from tests.fakes import Script, ScriptedEngine
from tests.migrated import migrated

BOB = User("bob", "Bob", AccountRole.MEMBER, START)
GUS = User("gus", "Gus", AccountRole.GUEST, START)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
HELLO, HUMAN = Check(CheckKind.CONTAINS, "Hello"), Check(CheckKind.HUMAN)


def text(name: str, *checks: Check, **more: object) -> CaseText:
    prompt = (ChatMessage(Role.SYSTEM, "Be brief."), ChatMessage(Role.USER, f"Say {name}"))
    return CaseText(name, prompt, checks or (HELLO,), **more)  # type: ignore[arg-type]  # fields


@dataclass
class RunContext:
    """The services. Calls are the local user's by default."""

    engine: ScriptedEngine
    store: RoutingStore
    cases_service: Cases
    runs_service: Runs

    async def run(self, *cases: Case, user: User = LOCAL, **more: object) -> Run:
        """Run cases to the end."""
        run = await self.runs_service.start(user, cases, **more)  # type: ignore[arg-type]  # options
        await self.wait_for(run)
        return run

    async def wait_for(self, run: Run) -> None:
        async with asyncio.timeout(30):
            while self.runs_service.progress(run.id):  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.01)

    async def verdicts(self, run: Run) -> dict[str, CaseVerdict]:
        _, results = await self.cases_service.run(LOCAL, run.id)
        return {case_id: result.verdict for case_id, result in results.items()}


MakeContext = Callable[..., RunContext]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RoutingStore]:
    store = open_store(migrated(tmp_path), clock=ticking())
    await store.open()
    await store.accounts.add_user(BOB, None, AuditEntry(START, "", Action.JOIN))
    yield store
    await store.close()


@pytest.fixture
async def make(store: RoutingStore) -> AsyncIterator[MakeContext]:
    created: list[Runs] = []

    def make(*scripts: Script, **writing: object) -> RunContext:
        engine, judge = ScriptedEngine(list(scripts) or [Script()]), ProcessJudge(60)
        generation = make_generation(engine, **writing)  # type: ignore[arg-type]  # its options
        stored = store.feedback
        runs_service = Runs(stored.cases, generation, judge, ticking())
        created.append(runs_service)
        return RunContext(engine, store, Cases(stored.cases, stored.results, judge), runs_service)

    yield make
    for runs_service in created:
        await runs_service.close()


async def test_a_run_stores_the_result_of_each_case(make: MakeContext) -> None:
    context = make(Script(["Hello"]), Script(["Bye"]), Script(error=EngineFailed()), Script(["Hm"]))
    texts = [text("a"), text("b"), text("c"), text("d", HUMAN)]
    cases = await context.cases_service.add(LOCAL, *texts)
    run = await context.run(*cases, label=" my  label ")
    verdicts = await context.verdicts(run)
    assert [verdicts[case.id] for case in cases] == [
        CaseVerdict.PASSED,
        CaseVerdict.FAILED,
        CaseVerdict.ERROR,
        CaseVerdict.OPEN,
    ]
    stored, results = await context.cases_service.run(LOCAL, run.id)
    assert (stored.model, stored.quantization, stored.label) == (
        "Scripted-1B-Instruct",
        "none",
        "my label",
    )
    assert stored.ended_at
    assert results[cases[1].id].failed == (0,)
    assert results[cases[2].id].error_code == "engine_failed"
    assert results[cases[0].id].timing
    (counts,) = await context.cases_service.runs(LOCAL)
    assert sum(counts.counts.values()) == 4


async def test_the_engine_gets_the_presets_prompt_and_decodes_greedily(
    make: MakeContext,
) -> None:
    context = make()
    (case,) = await context.cases_service.add(LOCAL, text("a", sampling=Sampling(max_new_tokens=5)))
    preset = Preset(
        PresetRef("p", 2), "", True, PresetText("P", "Be kind.", Sampling(0.9, top_k=7)), NOW
    )
    run = await context.run(case, preset=preset)
    assert run.preset == PresetRef("p", 2)
    assert context.engine.prompts == [(ChatMessage(Role.SYSTEM, "Be kind."), case.prompt[1])]
    assert context.engine.samplings == [Sampling(temperature=0, top_k=7, max_new_tokens=5, seed=0)]


async def test_a_human_verdict_holds_for_the_same_answer_and_another_is_changed(
    make: MakeContext,
) -> None:
    context = make(Script(["one"]), Script(["one"]), Script(["two"]), Script(["two"]))
    (case,) = await context.cases_service.add(LOCAL, text("a", HUMAN))
    first = await context.run(case)
    judged = await context.cases_service.judge(LOCAL, first.id, case.id, good=True)
    assert (judged.verdict, judged.judged_by) == (CaseVerdict.PASSED, LOCAL.id)
    assert await context.verdicts(await context.run(case)) == {case.id: CaseVerdict.PASSED}
    third = await context.run(case)
    assert await context.verdicts(third) == {case.id: CaseVerdict.CHANGED}
    assert await context.verdicts(await context.run(case, against=first.id)) == {
        case.id: CaseVerdict.CHANGED
    }
    await context.cases_service.judge(LOCAL, third.id, case.id, good=False)
    assert await context.verdicts(await context.run(case)) == {case.id: CaseVerdict.FAILED}


async def test_cases_run_one_after_the_other(make: MakeContext) -> None:
    context = make(Script(["Hello"], step_s=0.05))
    cases = await context.cases_service.add(LOCAL, *(text(name) for name in "abc"))
    run = await context.runs_service.start(LOCAL, cases)
    most = 0
    async with asyncio.timeout(30):
        while going := context.runs_service.progress(run.id):
            assert going.total == 3
            most = max(most, context.engine.running)
            await asyncio.sleep(0.005)
    assert most == 1
    assert len(await context.verdicts(run)) == 3


async def test_a_cancelled_run_keeps_its_results(make: MakeContext) -> None:
    context = make(Script(["Hello"]), Script(["Hel"], hangs=True))
    cases = await context.cases_service.add(LOCAL, text("a"), text("b"))
    run = await context.runs_service.start(LOCAL, cases)
    async with asyncio.timeout(30):
        while not (context.engine.running and len(await context.verdicts(run)) == 1):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    with pytest.raises(RunInProgress):
        await context.runs_service.start(LOCAL, cases)
    await context.runs_service.cancel(LOCAL, run.id)
    assert context.runs_service.progress(run.id) is None
    assert await context.verdicts(run) == {cases[0].id: CaseVerdict.PASSED}
    assert (context.engine.running, context.engine.cancelled) == (0, 1)
    assert (await context.cases_service.run(LOCAL, run.id))[0].ended_at
    await context.runs_service.cancel(LOCAL, run.id)


async def test_a_run_deleted_meanwhile_ends(make: MakeContext) -> None:
    context = make(Script(["Hello"], step_s=0.1))
    cases = await context.cases_service.add(LOCAL, text("a"), text("b"))
    run = await context.runs_service.start(LOCAL, cases)
    await context.cases_service.delete_run(LOCAL, run.id)
    await context.wait_for(run)
    with pytest.raises(NotFound):
        await context.cases_service.run(LOCAL, run.id)


async def test_a_run_needs_cases_and_a_model(make: MakeContext) -> None:
    context = make()
    with pytest.raises(BadCase):
        await context.runs_service.start(LOCAL, [])
    (case,) = await context.cases_service.add(LOCAL, text("a"))
    with pytest.raises(NotFound):
        await context.runs_service.start(LOCAL, [case], against="nothing")
    await context.engine.stop()
    with pytest.raises(EngineNotReady):
        await context.runs_service.start(LOCAL, [case])
    assert list(await context.cases_service.runs(LOCAL)) == []


async def test_a_rate_limited_run_continues_when_it_is_allowed_again(make: MakeContext) -> None:
    refusals = [TooManyRequests(limit=1, retry_after_s=0.01)] * 2

    class Strict:
        async def check(self, user_id: str, **more: object) -> QuotaReservation:
            if refusals:
                raise refusals.pop()
            return QuotaReservation()

    context = make(quotas=Strict())
    (case,) = await context.cases_service.add(LOCAL, text("a"))
    assert await context.verdicts(await context.run(case)) == {case.id: CaseVerdict.PASSED}
    refusals.append(TooManyRequests(limit=1, retry_after_s=2 * replaying.PATIENCE_S))
    run = await context.run(case)
    (result,) = (await context.cases_service.run(LOCAL, run.id))[1].values()
    assert (result.verdict, result.error_code) == (CaseVerdict.ERROR, "too_many_requests")


async def test_answers_of_a_run_are_reported_as_case_runs(make: MakeContext) -> None:
    summaries: list[GenerationSummary] = []

    class Notes:
        def ended(self, summary: GenerationSummary) -> None:
            summaries.append(summary)

        def refused(self, source: Source, code: str) -> None: ...

    context = make(Script(["Hello"]), Script(error=EngineFailed()), observer=Notes())
    await context.run(*await context.cases_service.add(LOCAL, text("a"), text("b")))
    assert [(one.source, one.reason, one.failed) for one in summaries] == [
        (Source.CASE_RUN, "stop", False),
        (Source.CASE_RUN, "engine_failed", True),
    ]


async def test_members_have_their_own_cases_and_guests_none(make: MakeContext) -> None:
    context = make()
    (mine,) = await context.cases_service.add(BOB, text("a"))
    (admins,) = await context.cases_service.add(LOCAL, text("b"))
    assert list(await context.cases_service.list(BOB)) == [mine]
    assert list(await context.cases_service.list(LOCAL)) == [mine, admins]
    run = await context.run(admins)
    for refused in (
        context.cases_service.get(BOB, admins.id),
        context.cases_service.change(BOB, admins.id, text("x")),
        context.cases_service.delete(BOB, admins.id),
        context.cases_service.run(BOB, run.id),
        context.cases_service.delete_run(BOB, run.id),
        context.cases_service.judge(BOB, run.id, admins.id, good=True),
        context.runs_service.cancel(BOB, run.id),
        context.runs_service.start(BOB, [mine], against=run.id),
        context.cases_service.list(GUS),
        context.cases_service.add(GUS, text("x")),
        context.cases_service.runs(GUS),
        context.cases_service.draft(GUS, "e"),
        context.runs_service.start(GUS, [mine]),
    ):
        with pytest.raises(NotFound):
            await refused
    changed = await context.cases_service.change(LOCAL, mine.id, text("changed"))
    assert (changed.owner_id, changed.name) == (BOB.id, "changed")
    assert list(await context.cases_service.runs(BOB)) == []


async def test_a_case_is_derived_from_a_visible_rated_answer(make: MakeContext) -> None:
    context = make()
    snapshot = AnswerSnapshot(
        id="e",
        answer_id="a",
        owner_id=LOCAL.id,
        source=Source.PAGE,
        prompt=(ChatMessage(Role.USER, "Capital of France?"),),
        answer="Lyon",
        status=Status.DONE,
        made_at=NOW,
    )
    await context.store.feedback.ratings.rate(
        snapshot, LOCAL.id, RatingInput(correction="Paris"), NOW
    )
    draft = await context.cases_service.draft(LOCAL, "e")
    assert draft.checks == (Check(CheckKind.CONTAINS, "Paris"),)
    (case,) = await context.cases_service.add(LOCAL, draft)
    assert (case.snapshot_id, case.reference) == ("e", "Lyon")
    with pytest.raises(NotFound):
        await context.cases_service.draft(BOB, "e")


async def test_a_case_of_a_deleted_answer_is_not_stored(make: MakeContext) -> None:
    context = make()
    with pytest.raises(NotFound):
        await context.cases_service.add(LOCAL, text("a", snapshot_id="gone"))


async def test_the_run_of_a_user_without_access_is_cancelled(make: MakeContext) -> None:
    context = make(Script(["Hel"], hangs=True))
    (case,) = await context.cases_service.add(BOB, text("a"))
    run = await context.runs_service.start(BOB, [case])
    maintenance = Maintenance(
        make_chat().jobs, context.store.accounts, programs=[context.runs_service]
    )
    await maintenance.stop_removed_users()
    assert context.runs_service.progress(run.id)
    await context.store.accounts.delete_user(BOB.id, AuditEntry(START, "", Action.DELETE))
    await maintenance.stop_removed_users()
    await context.wait_for(run)
    assert list(await context.cases_service.runs(LOCAL)) == []
    with pytest.raises(NotFound):
        await context.cases_service.add(BOB, text("b"))


async def test_a_file_is_imported_completely_or_not_at_all(make: MakeContext) -> None:
    context = make()
    with pytest.raises(BadCase):
        await context.cases_service.add(LOCAL, text("a"), replace(text("b"), name=""))
    assert list(await context.cases_service.list(LOCAL)) == []


async def test_a_run_counts_as_running_until_its_end_is_stored(
    make: MakeContext, store: RoutingStore
) -> None:
    cases, may_end = store.feedback.cases, asyncio.Event()

    class LateEnd:
        """The store of cases, which stores the end of a run late."""

        def __getattr__(self, name: str) -> object:
            return getattr(cases, name)

        async def end_run(self, run_id: str, ended_at: datetime) -> None:
            await may_end.wait()
            await cases.end_run(run_id, ended_at)

    context = make(Script(["Hello"]))
    judge = ProcessJudge(60)
    runs = Runs(LateEnd(), make_generation(context.engine), judge, ticking())  # type: ignore[arg-type]  # by name
    run = await runs.start(LOCAL, await context.cases_service.add(LOCAL, text("a")))
    async with asyncio.timeout(30):
        while CaseVerdict.PASSED not in (await context.verdicts(run)).values():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)
    assert runs.progress(run.id)
    closing = asyncio.create_task(runs.close())
    may_end.set()
    await closing
    stored, _ = await context.cases_service.run(LOCAL, run.id)
    assert stored.ended_at
