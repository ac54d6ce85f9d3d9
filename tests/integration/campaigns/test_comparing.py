"""Blind comparisons over a real database: both answers or none, and a vote that counts once."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from chat.accounts.models import AccountRole, Action, Allowance, AuditEntry, User
from chat.accounts.quotas import NO_LIMITS, Quotas
from chat.campaigns.comparisons import MAX_COMMENT, ComparisonRequest, Comparisons, ComparisonView
from chat.campaigns.enrolment import Enrolment
from chat.campaigns.errors import AnswersUnfinished, CampaignOver, ConsentNeeded
from chat.campaigns.hosts import Campaigns
from chat.campaigns.models import Comparison, Mode, Plan, Task, Variant, VoteChoice
from chat.campaigns.participation import Participation
from chat.campaigns.validation import consent_digest
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
    def hit(self, key: str, per_minute: int) -> float | None:
        return None


@dataclass
class Arena:
    """A host with a blind comparison, and two members who take part; one looks on."""

    store: RoutingStore
    allowance: Allowance = NO_LIMITS
    clock: Clock = field(default_factory=Clock)
    draws: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        people, kept = self.store.people, self.store.feedback
        self.engine = ScriptedEngine([Script(["The ", "Rhine"])])
        self.second = ScriptedEngine([Script(["The Po"])], model="Other-3B", quantization="nf4")
        engines = Engines(self.engine, self.second)
        quotas = Quotas(people, Rates(), dict.fromkeys(AccountRole, self.allowance))
        generation = make_generation(engines, quotas=quotas)
        self.jobs = Jobs(generation=generation, store=self.store)
        self.answers = Turns(
            engines=engines,
            store=self.store,
            jobs=self.jobs,
            enrolment=Enrolment(people, kept.campaigns, self.clock),
        )
        self.campaigns = Campaigns(kept.campaigns, engines=lambda: engines.names, clock=self.clock)
        self.part = Participation(kept.campaigns, people, stop=self.answers.stop, clock=self.clock)
        self.comparisons = Comparisons(
            kept.votes, self.part, self.answers, draw=self._draw, clock=self.clock
        )
        self.host, self.ann, self.bob, self.eve = (
            User(name, name, AccountRole.MEMBER, self.clock.now)
            for name in ("host", "ann", "bob", "eve")
        )

    def _draw(self, variants: object) -> int:
        return self.draws.pop(0) if self.draws else 0

    async def open(self) -> None:
        entry = AuditEntry(self.clock.now, "", Action.JOIN)
        for user in (self.host, self.ann, self.bob, self.eve):
            await self.store.people.add_person(user, "hash", entry)
        self.campaign = await self.campaigns.add(self.host, PLAN)
        for user in (self.ann, self.bob):
            await self.part.agree(user, self.campaign.id, consent_digest(self.campaign.plan))

    async def ask(
        self, text: str = "Name a river", *, user: User | None = None, **more: str
    ) -> Comparison:
        """Asked, not waited for."""
        self.clock.pass_by(seconds=1)
        comparison_request = ComparisonRequest(text, **{"request_id": f"request {text}"} | more)
        return await self.comparisons.ask(user or self.ann, self.campaign.id, comparison_request)

    async def ended(self, comparison: Comparison, user: User | None = None) -> ComparisonView:
        rounds = self.comparisons.watch(user or self.ann, comparison.id)
        return [one async for one in rounds][-1]

    async def asked(self, text: str = "Name a river", *, after: str = "") -> Comparison:
        """Asked and answered."""
        comparison = await self.ask(text, after=after)
        await self.ended(comparison)
        return comparison

    async def rounds(self) -> list[ComparisonView]:
        return list(await self.comparisons.rounds(self.ann, self.campaign.id))


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
    await arena.part.agree(arena.ann, arena.campaign.id, consent_digest(plan))


async def test_variants_of_two_models_are_each_written_by_its_own(arena: Arena) -> None:
    await with_second(arena)
    comparison = await arena.asked()
    (told,) = await arena.rounds()
    assert (told.left.text, told.right.text) == ("The Rhine", "The Po")
    for side, model, kept in (
        (comparison.left, "Scripted-1B-Instruct", "none"),
        (comparison.right, "Other-3B", "nf4"),
    ):
        *_, answer = await arena.store.path(arena.ann.id, side.conversation_id)
        assert answer.provenance
        assert (answer.provenance.model, answer.provenance.quantization) == (model, kept)


async def test_two_models_write_at_the_same_time(arena: Arena) -> None:
    await with_second(arena)
    arena.engine.scripts = arena.second.scripts = [Script(["The "], hangs=True)]
    comparison = await arena.ask()
    async with aclosing(arena.comparisons.watch(arena.ann, comparison.id)) as rounds:
        async for told in rounds:
            if told.left.text and told.right.text:
                break
    assert (arena.engine.running, arena.second.running) == (1, 1)
    await arena.comparisons.stop(arena.ann, comparison.id)
    await arena.ended(comparison)
    assert (arena.engine.running, arena.second.running) == (0, 0)


async def test_without_one_of_the_models_nothing_is_asked_of_the_other(arena: Arena) -> None:
    await with_second(arena)
    arena.second.model = "Another-7B"
    with pytest.raises(EngineNotServing) as caught:
        await arena.ask()
    assert caught.value.values == {"engine": "Other-3B (nf4)"}
    await arena.second.stop()
    arena.second.model = "Other-3B"
    with pytest.raises(EngineNotReady):
        await arena.ask()
    assert not await arena.rounds()
    assert not arena.engine.prompts


# --- asking -----------------------------------------------------------------------------------


async def test_both_variants_are_asked_with_their_own_settings(arena: Arena) -> None:
    arena.draws = [1]
    comparison = await arena.asked()
    assert (comparison.left.variant, comparison.right.variant) == (1, 0)
    assert [prompt[0].content for prompt in arena.engine.prompts] == ["Sing.", "Be brief."]
    assert arena.engine.samplings[1].temperature == 0.25
    (shown,) = await arena.rounds()
    assert (shown.left.text, shown.right.text) == ("The Rhine", "The Rhine")
    assert shown.is_complete
    assert arena.engine.running == 0


async def test_both_answers_are_written_at_the_same_time(arena: Arena) -> None:
    arena.engine.scripts = [Script(["so far"], hangs=True)]
    comparison = await arena.ask()
    async for shown in arena.comparisons.watch(arena.ann, comparison.id):
        if shown.left.text and shown.right.text:
            break
    assert arena.engine.running == 2


async def test_which_variant_is_left_is_drawn_for_each_question(arena: Arena) -> None:
    fair = Comparisons(arena.store.feedback.votes, arena.part, arena.answers)
    lefts: Counter[int] = Counter()
    for number in range(24):
        comparison_request = ComparisonRequest("Name a river", f"request {number}")
        comparison = await fair.ask(arena.ann, arena.campaign.id, comparison_request)
        await arena.ended(comparison)
        lefts[comparison.left.variant] += 1
    assert set(lefts) == {0, 1}  # all alike once in eight million times


async def test_a_question_that_follows_goes_on_in_both_conversations(arena: Arena) -> None:
    arena.engine.scripts = [Script(["One"]), Script(["Two"]), Script(["Three"]), Script(["Four"])]
    arena.draws = [0, 1]
    first = await arena.asked("Why?")
    then = await arena.asked("And then?", after=first.id)
    assert then.left.conversation_id == first.right.conversation_id
    told = [
        [turn.content for turn in prompt if turn.role is not Role.SYSTEM]
        for prompt in arena.engine.prompts
    ]
    assert told[2:] == [["Why?", "Two", "And then?"], ["Why?", "One", "And then?"]]


async def test_the_same_request_is_the_same_question(arena: Arena) -> None:
    comparisons = await asyncio.gather(*(arena.ask() for _ in range(3)))
    assert len({comparison.id for comparison in comparisons}) == 1
    await arena.ended(comparisons[0])
    assert await arena.ask() == comparisons[0]
    assert len(arena.engine.prompts) == 2
    assert len(await arena.rounds()) == 1


async def test_who_may_have_one_answer_at_a_time_is_told_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    for allowance, refusal in (
        (Allowance(running=1, waiting=5), PlacesNeeded),
        (Allowance(running=1, waiting=0), TooManyWaiting),
    ):
        async for arena in opened(tmp_path / refusal.__name__, allowance):
            with pytest.raises(refusal):
                await arena.ask()
            assert await arena.rounds() == []
            assert arena.engine.prompts == []
            assert not arena.jobs.users()


async def test_nothing_is_asked_without_consent_or_after_the_end(arena: Arena) -> None:
    with pytest.raises(ConsentNeeded):
        await arena.ask(user=arena.eve)
    comparison = await arena.asked()
    await arena.campaigns.close(arena.host, arena.campaign.id)
    with pytest.raises(CampaignOver):
        await arena.ask("And then?", after=comparison.id)
    assert len(await arena.rounds()) == 1  # all is there to read


async def test_while_answers_are_written_nothing_follows_them(arena: Arena) -> None:
    arena.engine.scripts = [Script(["so far"], hangs=True)]
    comparison = await arena.ask()
    with pytest.raises(AnswerRunning):
        await arena.ask("And then?", after=comparison.id)


async def test_a_campaign_that_compares_nothing_has_no_such_page(arena: Arena) -> None:
    single = Plan("One", Mode.SINGLE, PLAN.variants[:1])
    arena.campaign = await arena.campaigns.add(arena.host, single)
    with pytest.raises(NotFound):
        await arena.rounds()
    with pytest.raises(NotFound):
        await arena.ask()


# --- being written ----------------------------------------------------------------------------


async def test_stop_ends_both_and_keeps_what_is_written(arena: Arena) -> None:
    arena.engine.scripts = [Script(["so far"], hangs=True)]
    comparison = await arena.ask()
    async for shown in arena.comparisons.watch(arena.ann, comparison.id):
        if shown.left.text and shown.right.text:
            await arena.comparisons.stop(arena.ann, comparison.id)
    (shown,) = await arena.rounds()
    assert {shown.left.status, shown.right.status} == {Status.STOPPED}
    assert (shown.left.text, shown.right.text) == ("so far", "so far")


async def test_who_comes_back_in_the_middle_sees_both_as_they_are(arena: Arena) -> None:
    arena.engine.scripts = [Script(["left so far"], hangs=True), Script(["right"])]
    comparison = await arena.ask()
    async for shown in arena.comparisons.watch(arena.ann, comparison.id):
        if shown.left.text and shown.right.status is Status.DONE:
            break
    (shown,) = await arena.rounds()
    assert (shown.left.text, shown.left.status) == ("left so far", Status.STREAMING)
    assert (shown.right.text, shown.right.status) == ("right", Status.DONE)
    assert shown.is_open


async def test_who_leaves_in_the_middle_leaves_no_error_in_the_log(arena: Arena) -> None:
    wrong: list[Mapping[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
    arena.engine.scripts = [Script(["so far"], hangs=True)]
    comparison = await arena.ask()
    rounds = arena.comparisons.watch(arena.ann, comparison.id)
    async for shown in rounds:
        if shown.left.text and shown.right.text:
            break
    assert isinstance(rounds, AsyncGenerator)
    await rounds.aclose()
    for _ in range(10):
        await asyncio.sleep(0)  # what was left ends
    gc.collect()
    assert wrong == []


async def test_after_a_crash_a_duel_can_be_asked_again_beside(arena: Arena) -> None:
    first = await arena.asked("Why?")
    arena.engine.scripts = [
        Script(["cut"], error=EngineFailed()),
        Script(["Two"]),
        Script(["Three"]),
    ]
    failed = await arena.asked("And then?", after=first.id)
    assert not (await arena.comparisons.round(arena.ann, failed.id)).is_complete
    again = await arena.comparisons.ask_again(arena.ann, failed.id, request_id="again")
    assert (await arena.ended(again)).is_complete
    told = [turn.content for turn in arena.engine.prompts[-1]]
    assert told[1:] == ["Why?", "The Rhine", "And then?"]


async def test_an_answer_that_nobody_writes_any_more_was_interrupted(arena: Arena) -> None:
    comparison = await arena.asked()
    await arena.store.database.transactions.write(  # as a crash leaves it
        lambda session: session.execute(update(MessageRow).values(status=Status.STREAMING))
    )
    shown = await arena.ended(comparison)
    assert {shown.left.status, shown.right.status} == {Status.INTERRUPTED}


# --- voting -----------------------------------------------------------------------------------


async def test_of_two_votes_at_once_the_first_counts_and_the_second_is_told(arena: Arena) -> None:
    comparison = await arena.asked()
    votes = await asyncio.gather(
        arena.comparisons.vote(arena.ann, comparison.id, VoteChoice.LEFT, "shorter"),
        arena.comparisons.vote(arena.ann, comparison.id, VoteChoice.RIGHT, "longer"),
    )
    assert votes[0] == votes[1]  # which came first is nobody's to say
    assert (votes[0].choice, votes[0].comment) in {
        (VoteChoice.LEFT, "shorter"),
        (VoteChoice.RIGHT, "longer"),
    }
    said = await arena.comparisons.comment(arena.ann, comparison.id, "because")
    assert (said.choice, said.comment) == (votes[0].choice, "because")


@pytest.mark.parametrize("script", [Script(hangs=True), Script(error=EngineFailed())])
async def test_no_vote_counts_before_both_answers_are_complete(
    arena: Arena, script: Script
) -> None:
    arena.engine.scripts = [Script(["whole"]), script]
    comparison = await arena.ask()
    async for shown in arena.comparisons.watch(arena.ann, comparison.id):
        if shown.left.status is Status.DONE and shown.right.text:
            break
    with pytest.raises(AnswersUnfinished):
        await arena.comparisons.vote(arena.ann, comparison.id, VoteChoice.LEFT)
    assert (await arena.rounds())[0].comparison.choice is None


async def test_a_stopped_duel_takes_no_vote(arena: Arena) -> None:
    arena.engine.scripts = [Script(["so far"], hangs=True)]
    comparison = await arena.ask()
    await arena.comparisons.stop(arena.ann, comparison.id)
    await arena.ended(comparison)
    with pytest.raises(AnswersUnfinished):
        await arena.comparisons.vote(arena.ann, comparison.id, VoteChoice.TIE)


async def test_duels_of_others_are_not_there(arena: Arena) -> None:
    comparison = await arena.asked()
    calls = arena.comparisons
    for other in (arena.bob, arena.host):
        for call in (
            calls.round(other, comparison.id),
            calls.vote(other, comparison.id, VoteChoice.LEFT),
            calls.comment(other, comparison.id, "mine"),
            calls.stop(other, comparison.id),
            calls.ask_again(other, comparison.id, request_id="x"),
            arena.ask("More?", user=other, after=comparison.id),
        ):
            with pytest.raises(AppError) as refused:
                await call
            assert isinstance(refused.value, NotFound)
    assert list(await calls.rounds(arena.bob, arena.campaign.id)) == []


async def test_a_comment_has_a_limit_and_no_vote_is_lost_by_it(arena: Arena) -> None:
    comparison = await arena.asked()
    with pytest.raises(MessageTooLong):
        await arena.comparisons.vote(
            arena.ann, comparison.id, VoteChoice.TIE, "x" * (MAX_COMMENT + 1)
        )
    assert (await arena.rounds())[0].comparison.choice is None


async def test_a_vote_can_be_given_for_a_day_after_the_end(arena: Arena) -> None:
    comparison = await arena.asked()
    await arena.campaigns.close(arena.host, arena.campaign.id)
    await arena.comparisons.vote(arena.ann, comparison.id, VoteChoice.TIE)
    arena.clock.pass_by(days=1)
    with pytest.raises(CampaignOver):
        await arena.comparisons.comment(arena.ann, comparison.id, "late")


# --- what it must not tell --------------------------------------------------------------------


async def test_conversations_of_a_comparison_are_in_no_list_of_the_tester(arena: Arena) -> None:
    await arena.asked("Name a river")
    assert list(await arena.store.conversations(arena.ann.id)) == []
    assert list(await arena.store.search(arena.ann.id, "river")) == []


async def test_who_takes_back_leaves_no_duel(arena: Arena) -> None:
    arena.engine.scripts = [Script(["so far"], hangs=True)]
    comparison = await arena.ask()
    await arena.part.withdraw(arena.ann, arena.campaign.id)
    with pytest.raises(NotFound):
        await arena.comparisons.round(arena.ann, comparison.id)
