"""Blind comparisons over a real database: both answers or none, and a vote that counts once."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from chat.accounts.models import AccountRole, Action, Allowance, AuditEntry, User
from chat.accounts.quotas import NO_LIMITS, Quotas
from chat.campaigns.comparison_models import ComparisonRequest, ComparisonView
from chat.campaigns.comparisons import Comparisons
from chat.campaigns.enrolment import Enrolment
from chat.campaigns.errors import (
    AnswersUnfinished,
    CampaignOver,
    ConsentNeeded,
    SkipReasonNeeded,
    VoteFrozen,
    VoteNeeded,
)
from chat.campaigns.hosts import Campaigns
from chat.campaigns.models import Comparison, Mode, Plan, Task, Variant, VoteChoice
from chat.campaigns.participation import Participation
from chat.campaigns.validation import MAX_VOTE_COMMENT, consent_digest
from chat.conversations.errors import AnswerRunning, PlacesNeeded
from chat.conversations.jobs import Jobs
from chat.conversations.turns import Turns
from chat.errors import AppError, MessageTooLong, NotFound
from chat.models import Role, Sampling, Status
from chat.serving.engines import Engines
from chat.serving.errors import EngineFailed, EngineNotReady, EngineNotServing, TooManyWaiting
from store import RoutingStore, open_store
from store.schema.conversations import MessageRow
from tests.chat import make_generation
from tests.fakes import Script, ScriptedEngine
from tests.house import Clock
from tests.migrated import migrated

PLAN = Plan(
    "Which is better?",
    Mode.BLIND,
    (Variant("Short", "Be brief.", Sampling(temperature=0.25)), Variant("Sung", "Sing.")),
    tasks=(Task("t1", "Ask"),),
)


class Rates:
    def hit(self, key: str, per_minute: int, refunds: ExitStack) -> float | None:
        return None


@dataclass
class Arena:
    """A host with a blind comparison, two testers, and a member without part."""

    store: RoutingStore
    allowance: Allowance = NO_LIMITS
    clock: Clock = field(default_factory=Clock)
    draws: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        users, stored = self.store.accounts, self.store.feedback
        self.engine = ScriptedEngine([Script(["The ", "Rhine"])])
        self.second = ScriptedEngine([Script(["The Po"])], model="Other-3B", quantization="nf4")
        engines = Engines(self.engine, self.second)
        quotas = Quotas(users, Rates(), dict.fromkeys(AccountRole, self.allowance))
        generation = make_generation(engines, quotas=quotas)
        self.jobs = Jobs(generation=generation, store=self.store)
        self.answers = Turns(
            engines=engines,
            store=self.store,
            jobs=self.jobs,
            enrolment=Enrolment(users, stored.campaigns, self.clock),
        )
        self.campaigns = Campaigns(
            stored.campaigns, engines=lambda: engines.names, clock=self.clock
        )
        self.part = Participation(stored.campaigns, users, stop=self.answers.stop, clock=self.clock)
        self.comparisons = Comparisons(
            stored.comparisons, self.part, self.answers, draw=self._draw, clock=self.clock
        )
        self.host, self.ann, self.bob, self.eve = (
            User(name, name, AccountRole.MEMBER, self.clock.now)
            for name in ("host", "ann", "bob", "eve")
        )

    def _draw(self, variants: object) -> int:
        return self.draws.pop(0) if self.draws else 0

    async def open(self) -> None:
        audit_entry = AuditEntry(self.clock.now, "", Action.JOIN)
        for user in (self.host, self.ann, self.bob, self.eve):
            await self.store.accounts.add_user(user, "hash", audit_entry)
        self.campaign = await self.campaigns.add(self.host, PLAN)
        for user in (self.ann, self.bob):
            await self.part.admit(user, self.campaign.id)
            await self.part.agree(user, self.campaign.id, consent_digest(self.campaign.plan))

    async def ask(
        self, text: str = "Name a river", *, user: User | None = None, **more: str
    ) -> Comparison:
        """Asked, not waited for."""
        self.clock.advance(seconds=1)
        comparison_request = ComparisonRequest(text, **{"request_id": f"request {text}"} | more)
        return await self.comparisons.ask(user or self.ann, self.campaign.id, comparison_request)

    async def ended(self, comparison: Comparison, user: User | None = None) -> ComparisonView:
        views = self.comparisons.watch(user or self.ann, comparison.id)
        return [one async for one in views][-1]

    async def ask_and_wait(self, text: str = "Name a river", *, after: str = "") -> Comparison:
        """Asked and answered."""
        comparison = await self.ask(text, after=after)
        await self.ended(comparison)
        return comparison

    async def views(self) -> list[ComparisonView]:
        return list(await self.comparisons.views(self.ann, self.campaign.id))


@pytest.fixture
async def arena(tmp_path: Path) -> AsyncIterator[Arena]:
    async for arena in opened(tmp_path):
        yield arena


async def opened(folder: Path, allowance: Allowance = NO_LIMITS) -> AsyncIterator[Arena]:
    store = open_store(migrated(folder))
    await store.open()
    arena = Arena(store, allowance)
    await arena.open()
    yield arena
    await arena.jobs.close(0)
    await store.close()


# --- two models -------------------------------------------------------------------------------


async def with_second(arena: Arena) -> None:
    """From now on the second variant is asked of the second engine."""
    brief, sung = PLAN.variants
    plan = replace(PLAN, variants=(brief, replace(sung, engine="Other-3B (nf4)")))
    arena.campaign = await arena.campaigns.add(arena.host, plan)
    await arena.part.admit(arena.ann, arena.campaign.id)
    await arena.part.agree(arena.ann, arena.campaign.id, consent_digest(plan))


async def test_variants_of_two_models_are_each_answered_by_their_own(arena: Arena) -> None:
    await with_second(arena)
    comparison = await arena.ask_and_wait()
    (view,) = await arena.views()
    assert (view.left.text, view.right.text) == ("The Rhine", "The Po")
    for side, model, stored in (
        (comparison.left, "Scripted-1B-Instruct", "none"),
        (comparison.right, "Other-3B", "nf4"),
    ):
        *_, answer = await arena.store.path(arena.ann.id, side.conversation_id)
        assert answer.provenance
        assert (answer.provenance.model, answer.provenance.quantization) == (model, stored)


async def test_two_models_write_at_the_same_time(arena: Arena) -> None:
    await with_second(arena)
    arena.engine.scripts = arena.second.scripts = [Script(["The "], hangs=True)]
    comparison = await arena.ask()
    async with aclosing(arena.comparisons.watch(arena.ann, comparison.id)) as views:
        async for view in views:
            if view.left.text and view.right.text:
                break
    assert (arena.engine.running, arena.second.running) == (1, 1)
    await arena.comparisons.stop(arena.ann, comparison.id)
    await arena.ended(comparison)
    assert (arena.engine.running, arena.second.running) == (0, 0)


async def test_without_one_model_neither_is_asked(arena: Arena) -> None:
    await with_second(arena)
    arena.second.model = "Another-7B"
    with pytest.raises(EngineNotServing) as caught:
        await arena.ask()
    assert caught.value.values == {"engine": "Other-3B (nf4)"}
    await arena.second.stop()
    arena.second.model = "Other-3B"
    with pytest.raises(EngineNotReady):
        await arena.ask()
    assert not await arena.views()
    assert not arena.engine.prompts


# --- asking -----------------------------------------------------------------------------------


async def test_both_variants_use_their_own_settings(arena: Arena) -> None:
    arena.draws = [1]
    comparison = await arena.ask_and_wait()
    assert (comparison.left.variant, comparison.right.variant) == (1, 0)
    assert [prompt[0].content for prompt in arena.engine.prompts] == ["Sing.", "Be brief."]
    assert arena.engine.samplings[1].temperature == 0.25
    (view,) = await arena.views()
    assert (view.left.text, view.right.text) == ("The Rhine", "The Rhine")
    assert view.is_complete
    assert arena.engine.running == 0


async def test_both_answers_are_written_at_the_same_time(arena: Arena) -> None:
    arena.engine.scripts = [Script(["so far"], hangs=True)]
    comparison = await arena.ask()
    async for view in arena.comparisons.watch(arena.ann, comparison.id):
        if view.left.text and view.right.text:
            break
    assert arena.engine.running == 2


async def test_the_left_variant_is_drawn_for_each_question(arena: Arena) -> None:
    fair = Comparisons(arena.store.feedback.comparisons, arena.part, arena.answers)
    lefts: Counter[int] = Counter()
    for number in range(24):
        comparison_request = ComparisonRequest("Name a river", f"request {number}")
        comparison = await fair.ask(arena.ann, arena.campaign.id, comparison_request)
        await arena.ended(comparison)
        await fair.vote(arena.ann, comparison.id, VoteChoice.TIE)
        lefts[comparison.left.variant] += 1
    assert set(lefts) == {0, 1}  # all alike once in eight million times


async def test_a_question_that_follows_goes_on_in_both_conversations(arena: Arena) -> None:
    arena.engine.scripts = [Script(["One"]), Script(["Two"]), Script(["Three"]), Script(["Four"])]
    arena.draws = [0, 1]
    first = await arena.ask_and_wait("Why?")
    await arena.comparisons.vote(arena.ann, first.id, VoteChoice.TIE)
    then = await arena.ask_and_wait("And then?", after=first.id)
    assert then.left.conversation_id == first.right.conversation_id
    view = [
        [turn.content for turn in prompt if turn.role is not Role.SYSTEM]
        for prompt in arena.engine.prompts
    ]
    assert view[2:] == [["Why?", "Two", "And then?"], ["Why?", "One", "And then?"]]


async def test_the_same_request_is_the_same_question(arena: Arena) -> None:
    comparisons = await asyncio.gather(*(arena.ask() for _ in range(3)))
    assert len({comparison.id for comparison in comparisons}) == 1
    await arena.ended(comparisons[0])
    assert await arena.ask() == comparisons[0]
    assert len(arena.engine.prompts) == 2
    assert len(await arena.views()) == 1


async def test_a_limit_of_one_running_answer_refuses_a_comparison_without_writing(
    tmp_path: Path,
) -> None:
    for allowance, refusal in (
        (Allowance(running=1, waiting=5), PlacesNeeded),
        (Allowance(running=1, waiting=0), TooManyWaiting),
    ):
        async for arena in opened(tmp_path / refusal.__name__, allowance):
            with pytest.raises(refusal):
                await arena.ask()
            assert await arena.views() == []
            assert arena.engine.prompts == []
            assert not arena.jobs.users()


async def test_no_comparison_is_accepted_without_consent_or_after_the_end(arena: Arena) -> None:
    with pytest.raises(NotFound):  # a user without an invitation
        await arena.ask(user=arena.eve)
    await arena.part.admit(arena.eve, arena.campaign.id)
    with pytest.raises(ConsentNeeded):
        await arena.ask(user=arena.eve)
    comparison = await arena.ask_and_wait()
    await arena.campaigns.close(arena.host, arena.campaign.id)
    with pytest.raises(CampaignOver):
        await arena.ask("And then?", after=comparison.id)
    assert len(await arena.views()) == 1  # all is there to read


async def test_no_question_follows_while_answers_are_running(arena: Arena) -> None:
    arena.engine.scripts = [Script(["so far"], hangs=True)]
    comparison = await arena.ask()
    with pytest.raises(AnswerRunning):
        await arena.ask("And then?", after=comparison.id)


async def test_a_campaign_without_comparison_has_no_comparison_page(arena: Arena) -> None:
    single = Plan("One", Mode.SINGLE, PLAN.variants[:1])
    arena.campaign = await arena.campaigns.add(arena.host, single)
    with pytest.raises(NotFound):
        await arena.views()
    with pytest.raises(NotFound):
        await arena.ask()


# --- being written ----------------------------------------------------------------------------


async def test_stop_ends_both_answers_and_keeps_their_text(arena: Arena) -> None:
    arena.engine.scripts = [Script(["so far"], hangs=True)]
    comparison = await arena.ask()
    async for view in arena.comparisons.watch(arena.ann, comparison.id):
        if view.left.text and view.right.text:
            await arena.comparisons.stop(arena.ann, comparison.id)
    (view,) = await arena.views()
    assert {view.left.status, view.right.status} == {Status.STOPPED}
    assert (view.left.text, view.right.text) == ("so far", "so far")


async def test_a_returning_tester_sees_both_running_answers(arena: Arena) -> None:
    arena.engine.scripts = [Script(["left so far"], hangs=True), Script(["right"])]
    comparison = await arena.ask()
    async for view in arena.comparisons.watch(arena.ann, comparison.id):
        if view.left.text and view.right.status is Status.DONE:
            break
    (view,) = await arena.views()
    assert (view.left.text, view.left.status) == ("left so far", Status.STREAMING)
    assert (view.right.text, view.right.status) == ("right", Status.DONE)
    assert view.is_open


async def test_a_disconnect_during_a_comparison_logs_no_error(arena: Arena) -> None:
    wrong: list[Mapping[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
    arena.engine.scripts = [Script(["so far"], hangs=True)]
    comparison = await arena.ask()
    views = arena.comparisons.watch(arena.ann, comparison.id)
    async for view in views:
        if view.left.text and view.right.text:
            break
    assert isinstance(views, AsyncGenerator)
    await views.aclose()
    for _ in range(10):
        await asyncio.sleep(0)  # what was left ends
    gc.collect()
    assert wrong == []


async def test_after_a_crash_a_comparison_can_be_repeated(arena: Arena) -> None:
    first = await arena.ask_and_wait("Why?")
    await arena.comparisons.vote(arena.ann, first.id, VoteChoice.TIE)
    arena.engine.scripts = [
        Script(["cut"], error=EngineFailed()),
        Script(["Two"]),
        Script(["Three"]),
    ]
    failed = await arena.ask_and_wait("And then?", after=first.id)
    assert not (await arena.comparisons.view(arena.ann, failed.id)).is_complete
    again = await arena.comparisons.ask_again(arena.ann, failed.id, request_id="again")
    assert (await arena.ended(again)).is_complete
    view = [turn.content for turn in arena.engine.prompts[-1]]
    assert view[1:] == ["Why?", "The Rhine", "And then?"]


async def test_an_open_answer_without_a_job_was_interrupted(arena: Arena) -> None:
    comparison = await arena.ask_and_wait()
    await arena.store.database.transactions.write(  # as a crash leaves it
        lambda session: session.execute(update(MessageRow).values(status=Status.STREAMING))
    )
    view = await arena.ended(comparison)
    assert {view.left.status, view.right.status} == {Status.INTERRUPTED}


# --- voting -----------------------------------------------------------------------------------


async def test_a_vote_is_changed_until_the_next_question_and_the_last_one_counts(
    arena: Arena,
) -> None:
    comparison = await arena.ask_and_wait()
    await arena.comparisons.vote(arena.ann, comparison.id, VoteChoice.LEFT, "shorter")
    await arena.comparisons.vote(arena.ann, comparison.id, VoteChoice.RIGHT, "longer")
    commented = await arena.comparisons.comment(arena.ann, comparison.id, "because")
    assert (commented.choice, commented.comment) == (VoteChoice.RIGHT, "because")
    assert [vote.choice for vote in commented.earlier_votes] == [VoteChoice.LEFT]
    assert await counts_of(arena) == (1, 0, 0)
    await arena.ask("And then?")
    with pytest.raises(VoteFrozen):
        await arena.comparisons.vote(arena.ann, comparison.id, VoteChoice.TIE)


async def counts_of(arena: Arena) -> tuple[int, int, int]:
    counts = await arena.campaigns.counts(arena.host, arena.campaign.id)
    return counts.votes, counts.skipped, counts.unvoted


async def test_no_question_is_asked_before_the_last_one_has_a_vote_or_was_skipped(
    arena: Arena,
) -> None:
    first = await arena.ask_and_wait("Why?")
    assert await counts_of(arena) == (0, 0, 1)
    for after in ("", first.id):
        with pytest.raises(VoteNeeded):
            await arena.ask("And then?", after=after)
    await arena.comparisons.vote(arena.ann, first.id, VoteChoice.LEFT)
    second = await arena.ask_and_wait("And then?", after=first.id)
    skipped = await arena.comparisons.skip(arena.ann, second.id, " Both the same. ")
    assert (skipped.choice, skipped.skip_reason) == (None, "Both the same.")
    await arena.ask_and_wait("And now?")
    assert await counts_of(arena) == (1, 1, 1)
    (seen,) = await arena.campaigns.skipped(arena.host, arena.campaign.id)
    assert (seen.question, seen.skip_reason) == ("And then?", "Both the same.")


async def test_a_skip_needs_a_reason_and_complete_answers_and_takes_no_vote_away(
    arena: Arena,
) -> None:
    comparison = await arena.ask_and_wait()
    for reason in ("", "  "):
        with pytest.raises(SkipReasonNeeded):
            await arena.comparisons.skip(arena.ann, comparison.id, reason)
    with pytest.raises(MessageTooLong):
        await arena.comparisons.skip(arena.ann, comparison.id, "x" * (MAX_VOTE_COMMENT + 1))
    await arena.comparisons.skip(arena.ann, comparison.id, "Undecided.")
    voted = await arena.comparisons.vote(arena.ann, comparison.id, VoteChoice.RIGHT)
    assert (voted.choice, voted.skip_reason) == (VoteChoice.RIGHT, "")
    again = await arena.comparisons.skip(arena.ann, comparison.id, "After all.")
    assert (again.choice, again.skip_reason) == (VoteChoice.RIGHT, "")
    assert await counts_of(arena) == (1, 0, 0)
    arena.engine.scripts = [Script(["so far"], hangs=True)]
    running = await arena.ask("And then?")
    with pytest.raises(AnswersUnfinished):
        await arena.comparisons.skip(arena.ann, running.id, "Too slow.")


async def test_a_vote_marks_its_task_as_done(arena: Arena) -> None:
    comparison = await arena.ask("Ask", task_id="t1")
    await arena.ended(comparison)
    part = arena.store.feedback.campaigns
    before = await part.participant(arena.campaign.id, arena.ann.id)
    await arena.comparisons.vote(arena.ann, comparison.id, VoteChoice.TIE)
    after = await part.participant(arena.campaign.id, arena.ann.id)
    assert [one and one.done for one in (before, after)] == [(), ("t1",)]


@pytest.mark.parametrize("script", [Script(hangs=True), Script(error=EngineFailed())])
async def test_no_vote_counts_before_both_answers_are_complete(
    arena: Arena, script: Script
) -> None:
    arena.engine.scripts = [Script(["whole"]), script]
    comparison = await arena.ask()
    async for view in arena.comparisons.watch(arena.ann, comparison.id):
        if view.left.status is Status.DONE and view.right.text:
            break
    with pytest.raises(AnswersUnfinished):
        await arena.comparisons.vote(arena.ann, comparison.id, VoteChoice.LEFT)
    assert (await arena.views())[0].comparison.choice is None


async def test_a_stopped_comparison_accepts_no_vote(arena: Arena) -> None:
    arena.engine.scripts = [Script(["so far"], hangs=True)]
    comparison = await arena.ask()
    await arena.comparisons.stop(arena.ann, comparison.id)
    await arena.ended(comparison)
    with pytest.raises(AnswersUnfinished):
        await arena.comparisons.vote(arena.ann, comparison.id, VoteChoice.TIE)


async def test_comparisons_of_others_are_not_found(arena: Arena) -> None:
    comparison = await arena.ask_and_wait()
    calls = arena.comparisons
    for other in (arena.bob, arena.host):
        for call in (
            calls.view(other, comparison.id),
            calls.vote(other, comparison.id, VoteChoice.LEFT),
            calls.comment(other, comparison.id, "mine"),
            calls.stop(other, comparison.id),
            calls.ask_again(other, comparison.id, request_id="x"),
            arena.ask("More?", user=other, after=comparison.id),
        ):
            with pytest.raises(AppError) as refused:
                await call
            assert isinstance(refused.value, NotFound)
    assert list(await calls.views(arena.bob, arena.campaign.id)) == []


async def test_a_comment_has_a_limit_and_no_vote_is_lost_by_it(arena: Arena) -> None:
    comparison = await arena.ask_and_wait()
    with pytest.raises(MessageTooLong):
        await arena.comparisons.vote(
            arena.ann, comparison.id, VoteChoice.TIE, "x" * (MAX_VOTE_COMMENT + 1)
        )
    assert (await arena.views())[0].comparison.choice is None


async def test_a_vote_is_accepted_for_a_day_after_the_end(arena: Arena) -> None:
    comparison = await arena.ask_and_wait()
    await arena.campaigns.close(arena.host, arena.campaign.id)
    await arena.comparisons.vote(arena.ann, comparison.id, VoteChoice.TIE)
    arena.clock.advance(days=1)
    with pytest.raises(CampaignOver):
        await arena.comparisons.comment(arena.ann, comparison.id, "late")


# --- what it must not reveal -------------------------------------------------------------------


async def test_conversations_of_a_comparison_are_in_no_list_of_the_tester(arena: Arena) -> None:
    await arena.ask_and_wait("Name a river")
    assert list(await arena.store.conversations(arena.ann.id)) == []
    assert list(await arena.store.search(arena.ann.id, "river")) == []


async def test_withdrawal_leaves_no_comparison(arena: Arena) -> None:
    arena.engine.scripts = [Script(["so far"], hangs=True)]
    comparison = await arena.ask()
    await arena.part.withdraw(arena.ann, arena.campaign.id)
    with pytest.raises(NotFound):
        await arena.comparisons.view(arena.ann, comparison.id)


async def test_of_several_variants_each_pair_is_asked_as_often_as_the_others(arena: Arena) -> None:
    three = replace(PLAN, variants=(*PLAN.variants, Variant("Plain")))
    arena.campaign = await arena.campaigns.add(arena.host, three)
    await arena.part.admit(arena.ann, arena.campaign.id)
    await arena.part.agree(arena.ann, arena.campaign.id, consent_digest(three))
    arena.comparisons = Comparisons(
        arena.store.feedback.comparisons,
        arena.part,
        arena.answers,
        draw=lambda options: options[-1],
        clock=arena.clock,
    )
    met = Counter[tuple[int, ...]]()
    for number in range(6):
        asked = await arena.ask_and_wait(f"Question {number}")
        met[tuple(sorted((asked.left.variant, asked.right.variant)))] += 1
        await arena.comparisons.vote(arena.ann, asked.id, VoteChoice.LEFT)
    assert met == {(0, 1): 2, (0, 2): 2, (1, 2): 2}
    followed = await arena.ask_and_wait("And then?", after=asked.id)
    assert {followed.left.variant, followed.right.variant} == {
        asked.left.variant,
        asked.right.variant,
    }
