"""What the database promises of comparisons and votes: on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chat.campaigns.comparison_models import ComparisonRequest, NewComparison
from chat.campaigns.errors import AnswersUnfinished, VoteFrozen
from chat.campaigns.models import Campaign, EarlierVote, Mode, Plan, Variant, VoteChoice
from chat.campaigns.validation import MAX_EARLIER_VOTES, consent_digest
from chat.conversations.context_window import ContextWindow
from chat.conversations.errors import AnswerRunning
from chat.conversations.models import Question, Turn
from chat.conversations.turns import PreparedTurn
from chat.errors import NotFound
from chat.models import ChatMessage, ChatOptions, Role, Status
from chat.serving.models import PreparedPrompt
from store import RoutingStore
from tests.contract.stores import ENDED, START, ticking
from tests.contract.users import ANN, BOB, JOINED
from tests.fakes import ScriptedEngine
from tests.migrated import migrated_store

PLAN = Plan("Which?", Mode.BLIND, (Variant("A", "Be brief."), Variant("B", "Sing.")))
WINDOW = ContextWindow(PreparedPrompt((ChatMessage(Role.USER, "Why?"),), [0]), 0)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RoutingStore]:
    store = migrated_store(request, tmp_path, ticking())
    await store.open()
    for user in (ANN, BOB):
        await store.accounts.add_user(user, "hash", JOINED)
    campaigns = store.feedback.campaigns
    await campaigns.add(Campaign("c1", BOB.id, PLAN, START), JOINED)
    await campaigns.agree(
        "c1", ANN.id, digest=consent_digest(PLAN), at=START, page_language="", choose=min
    )
    yield store
    await store.close()


def new_comparison(number: int = 1, user_id: str = ANN.id) -> NewComparison:
    at = START + timedelta(minutes=number)
    return NewComparison("c1", user_id, ComparisonRequest("Why?", f"request {number}"), (1, 0), at)


def prepared_turn(request_id: str, conversation_id: str | None = None) -> PreparedTurn:
    question = Question("Why?", request_id, "Why?", campaign_id="c1")
    return PreparedTurn(conversation_id, question, ChatOptions("Sing."), WINDOW, ScriptedEngine())


async def ask(store: RoutingStore, number: int = 1, *places: str | None) -> list[Turn]:
    sides = zip(("left", "right"), places or (None, None), strict=True)
    prepared = [prepared_turn(f"request {number}/{side}", place) for side, place in sides]
    return list(await store.feedback.comparisons.ask(new_comparison(number), prepared))


async def answer(store: RoutingStore, turns: list[Turn], status: Status = Status.DONE) -> None:
    for turn in turns:
        await store.finish_answer(ANN.id, turn.answer.id, replace(ENDED, status=status))


async def comparison_id(store: RoutingStore, number: int = 1) -> str:
    found = await store.feedback.comparisons.of_request(ANN.id, f"request {number}")
    assert found
    return found.id


async def test_a_comparison_and_both_questions_are_written_together(store: RoutingStore) -> None:
    left, right = await ask(store)
    written = await store.feedback.comparisons.comparison(ANN.id, await comparison_id(store))
    assert (written.left, written.right) == (left.answer, right.answer)
    assert written.comparison.left.variant == 1
    assert written.comparison.left.conversation_id == left.conversation.id
    assert left.conversation.campaign_id == "c1"


async def test_a_refused_question_leaves_no_comparison(
    store: RoutingStore,
) -> None:
    left, right = await ask(store)
    await store.finish_answer(ANN.id, left.answer.id, ENDED)
    with pytest.raises(AnswerRunning):  # the right one is still being written
        await ask(store, 2, left.conversation.id, right.conversation.id)
    assert await store.feedback.comparisons.of_request(ANN.id, "request 2") is None
    assert len(await store.path(ANN.id, left.conversation.id)) == 2


async def test_concurrent_identical_requests_make_one_comparison(store: RoutingStore) -> None:
    written = await asyncio.gather(*(ask(store) for _ in range(4)))
    assert len({tuple(turn.answer.id for turn in turns) for turns in written}) == 1
    assert len(await store.feedback.comparisons.comparisons(ANN.id, "c1", 9)) == 1


async def test_a_withdrawn_tester_writes_no_comparison(store: RoutingStore) -> None:
    await store.feedback.campaigns.withdraw("c1", ANN.id)
    with pytest.raises(NotFound):
        await ask(store)
    with pytest.raises(NotFound):
        await store.feedback.comparisons.ask(
            new_comparison(user_id=BOB.id), [prepared_turn("a"), prepared_turn("b")]
        )
    assert list(await store.conversations(ANN.id)) == []


async def test_of_concurrent_votes_one_counts_and_the_others_are_kept(store: RoutingStore) -> None:
    await answer(store, await ask(store))
    votes, at = store.feedback.comparisons, START + timedelta(hours=1)
    one = await comparison_id(store)
    choices = [VoteChoice.LEFT, VoteChoice.RIGHT, VoteChoice.TIE, VoteChoice.BOTH_BAD]
    outcomes = await asyncio.gather(
        *(votes.vote(ANN.id, one, choice, "", at) for choice in choices)
    )
    assert {comparison.choice for comparison in outcomes} == set(choices)
    final = (await votes.comparison(ANN.id, one)).comparison
    assert final in outcomes
    earlier = [vote.choice for vote in final.earlier_votes]
    assert sorted([*earlier, final.choice or ""]) == sorted(choices)


async def test_a_changed_vote_counts_and_the_earlier_ones_are_kept_until_the_next_question(
    store: RoutingStore,
) -> None:
    turns = await ask(store)
    await answer(store, turns)
    votes, one = store.feedback.comparisons, await comparison_id(store)
    first, second, third = (START + timedelta(hours=hour) for hour in (1, 2, 3))
    await votes.vote(ANN.id, one, VoteChoice.LEFT, "shorter", first)
    same = await votes.vote(ANN.id, one, VoteChoice.LEFT, "", second)
    assert (same.voted_at, same.earlier_votes) == (first, ())
    changed = await votes.vote(ANN.id, one, VoteChoice.TIE, "", third)
    assert (changed.choice, changed.voted_at, changed.comment) == (VoteChoice.TIE, third, "shorter")
    assert changed.earlier_votes == (EarlierVote(VoteChoice.LEFT, first, "shorter"),)
    assert (await votes.comparison(ANN.id, one)).comparison == changed
    await ask(store, 2)
    with pytest.raises(VoteFrozen):
        await votes.vote(ANN.id, one, VoteChoice.RIGHT, "", third)
    assert (await votes.vote(ANN.id, one, VoteChoice.TIE, "", third)) == changed


async def test_a_vote_is_not_changed_without_end(store: RoutingStore) -> None:
    await answer(store, await ask(store))
    votes, one = store.feedback.comparisons, await comparison_id(store)
    sides = (VoteChoice.LEFT, VoteChoice.RIGHT)
    for number in range(MAX_EARLIER_VOTES + 1):
        await votes.vote(ANN.id, one, sides[number % 2], "", START)
    with pytest.raises(VoteFrozen):
        await votes.vote(ANN.id, one, VoteChoice.TIE, "", START)


@pytest.mark.parametrize("status", [Status.STOPPED, Status.ERROR, Status.INTERRUPTED])
async def test_a_vote_needs_two_complete_answers(store: RoutingStore, status: Status) -> None:
    left, right = await ask(store)
    votes, one = store.feedback.comparisons, await comparison_id(store)
    for turn, end in ((left, Status.DONE), (right, status)):
        with pytest.raises(AnswersUnfinished):
            await votes.vote(ANN.id, one, VoteChoice.LEFT, "", START)
        await answer(store, [turn], end)
    with pytest.raises(AnswersUnfinished):
        await votes.vote(ANN.id, one, VoteChoice.LEFT, "", START)


async def test_the_newest_comparisons_of_a_user_are_listed_oldest_first(
    store: RoutingStore,
) -> None:
    for number in (1, 2, 3):
        await ask(store, number)
    votes = store.feedback.comparisons
    newest = await votes.comparisons(ANN.id, "c1", 2)
    assert [one.comparison.id for one in newest] == [await comparison_id(store, n) for n in (2, 3)]
    assert list(await votes.comparisons(BOB.id, "c1", 9)) == []
    for call in (
        votes.comparison(BOB.id, await comparison_id(store)),
        votes.vote(BOB.id, await comparison_id(store), VoteChoice.LEFT, "", START),
        votes.comment(BOB.id, await comparison_id(store), "mine"),
    ):
        with pytest.raises(NotFound):
            await call


async def test_conversations_of_a_comparison_are_not_listed_or_found(store: RoutingStore) -> None:
    await answer(store, await ask(store))
    await store.add_turn(
        ANN.id, conversation_id=None, question=Question("Why not?", "other"), options=ChatOptions()
    )
    assert len(await store.conversations(ANN.id)) == 1
    assert len(await store.search(ANN.id, "Why")) == 1


async def test_pairs_are_counted_whichever_side_they_were_on(store: RoutingStore) -> None:
    comparisons = store.feedback.comparisons
    assert await comparisons.pair_counts("c1") == {}
    for number, variants in enumerate([(1, 0), (0, 1), (2, 0)], 1):
        sides = [f"request {number}/{side}" for side in ("left", "right")]
        new = replace(new_comparison(number), variants=variants)
        await answer(store, list(await comparisons.ask(new, list(map(prepared_turn, sides)))))
    assert await comparisons.pair_counts("c1") == {(0, 1): 2, (0, 2): 1}
    assert await comparisons.pair_counts("c2") == {}
