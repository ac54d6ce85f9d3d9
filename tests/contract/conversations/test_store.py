"""What every store promises of conversations and answers."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from chat.conversations.errors import AnswerRunning
from chat.conversations.models import AnswerRecord, Turn
from chat.conversations.ports import Store
from chat.errors import BadRequest, BadText, NotFound
from chat.models import ChatOptions, Role, Sampling, Status, Timing
from tests.contract.stores import ANN, BOB, END, ENDED, OPTIONS, START, ask, ask_and_answer, path


async def test_a_first_turn_makes_a_conversation_with_a_question_and_a_pending_answer(
    store: Store,
) -> None:
    turn = await ask(store, question="你好\r\n\t👋", options=OPTIONS)
    assert turn.conversation.owner_id == ANN
    assert turn.conversation.title == "A title"
    assert turn.conversation.options == OPTIONS
    assert turn.conversation.head_id == turn.answer.id
    assert turn.conversation.created_at == turn.conversation.updated_at == START
    assert (turn.question.role, turn.question.status) == (Role.USER, Status.DONE)
    assert (turn.question.content, turn.question.parent_id) == ("你好\r\n\t👋", None)
    assert (turn.answer.role, turn.answer.status) == (Role.ASSISTANT, Status.PENDING)
    assert (turn.answer.content, turn.answer.parent_id) == ("", turn.question.id)
    assert await store.conversation(ANN, turn.conversation.id) == turn.conversation
    assert await path(store, turn) == [turn.question, turn.answer]


async def test_times_are_aware_and_in_utc(store: Store) -> None:
    turn = await ask(store)
    messages = await path(store, turn)
    conversation = await store.conversation(ANN, turn.conversation.id)
    for time in (conversation.created_at, conversation.updated_at, messages[0].created_at):
        assert time.utcoffset() == timedelta(0)


async def test_a_later_turn_goes_below_the_head_and_brings_its_options(store: Store) -> None:
    first = await ask_and_answer(store)
    second = await ask(store, first.conversation.id, request_id="r2", options=OPTIONS)
    assert second.question.parent_id == first.answer.id
    assert second.conversation.options == OPTIONS
    assert second.conversation.title == "A title"
    assert second.conversation.updated_at > first.conversation.updated_at
    ids = [message.id for message in await path(store, second)]
    assert ids == [first.question.id, first.answer.id, second.question.id, second.answer.id]


async def test_the_end_of_an_answer_is_stored_completely(store: Store) -> None:
    turn = await ask_and_answer(store)
    answer = (await path(store, turn))[1]
    for field in ("content", "status", "finish", "usage", "timing", "provenance", "error_code"):
        assert getattr(answer, field) == getattr(ENDED, field)


async def test_texts_that_are_saved_at_once_are_all_stored_and_fail_each_for_itself(
    store: Store,
) -> None:
    first, second = await ask(store, request_id="r1"), await ask(store, request_id="r2")
    ended = await ask_and_answer(store, request_id="r3")
    outcomes = await asyncio.gather(
        store.save_text(ANN, first.answer.id, "one"),
        store.save_text(ANN, "unknown", "lost"),
        store.save_text(ANN, ended.answer.id, "late"),
        store.save_text(BOB, first.answer.id, "not his"),
        store.save_text(ANN, second.answer.id, "half \ud83d"),
        store.save_text(ANN, second.answer.id, "two"),
        return_exceptions=True,
    )
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [type(None), NotFound, type(None), NotFound, BadText, type(None)]
    contents = [(await path(store, turn))[-1].content for turn in (first, second, ended)]
    assert contents == ["one", "two", ENDED.content]


async def test_a_failed_answer_keeps_its_reason_and_its_text(store: Store) -> None:
    turn = await ask(store)
    record = AnswerRecord("half a", Status.ERROR, error_code="out_of_memory")
    await store.finish_answer(ANN, turn.answer.id, record)
    answer = (await path(store, turn))[1]
    assert (answer.content, answer.status) == ("half a", Status.ERROR)
    assert (answer.error_code, answer.usage, answer.provenance) == ("out_of_memory", None, None)


async def test_saving_text_makes_the_answer_streaming(store: Store) -> None:
    turn = await ask(store)
    await store.save_text(ANN, turn.answer.id, "Hel")
    await store.save_text(ANN, turn.answer.id, "Hello")
    answer = (await path(store, turn))[1]
    assert (answer.content, answer.status) == ("Hello", Status.STREAMING)


async def test_a_finished_answer_does_not_change(store: Store) -> None:
    turn = await ask_and_answer(store)
    await store.save_text(ANN, turn.answer.id, "late")
    await store.finish_answer(ANN, turn.answer.id, AnswerRecord("late", Status.STOPPED))
    answer = (await path(store, turn))[1]
    assert (answer.content, answer.status) == (ENDED.content, Status.DONE)


async def test_the_same_request_gives_the_same_turn(store: Store) -> None:
    turn = await ask(store, question="once", request_id="r1")
    again = await ask(store, question="once", request_id="r1")
    assert again == turn
    below = await ask(store, turn.conversation.id, question="once", request_id="r1")
    assert below == turn
    assert len(await store.conversations(ANN)) == 1
    assert len(await path(store, turn)) == 2


async def test_an_earlier_request_does_not_open_a_foreign_conversation(store: Store) -> None:
    turn = await ask_and_answer(store, user_id=BOB)
    await ask(store, request_id="r1")
    with pytest.raises(NotFound):
        await ask(store, turn.conversation.id, request_id="r1")


async def test_the_same_request_gives_the_turn_as_it_is_now(store: Store) -> None:
    turn = await ask_and_answer(store, request_id="r1")
    retry = await store.add_answer(
        ANN, conversation_id=turn.conversation.id, sibling_id=turn.answer.id
    )
    again = await ask(store, request_id="r1")
    assert again.answer.id == turn.answer.id
    assert again.answer.content == ENDED.content
    assert again.conversation.head_id == retry.id


@pytest.mark.parametrize("below", [False, True])
async def test_concurrent_equal_requests_make_one_turn(store: Store, below: bool) -> None:
    conversation_id = (await ask_and_answer(store)).conversation.id if below else None
    turns = await asyncio.gather(
        *(ask(store, conversation_id, request_id="same") for _ in range(8))
    )
    assert len({turn.question.id for turn in turns}) == 1
    assert len({turn.answer.id for turn in turns}) == 1
    assert len(await store.conversations(ANN)) == 1


async def test_of_concurrent_different_requests_in_a_conversation_one_wins(store: Store) -> None:
    conversation_id = (await ask_and_answer(store)).conversation.id
    results = await asyncio.gather(
        *(ask(store, conversation_id, request_id=f"race {number}") for number in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Turn) for result in results) == 1
    assert sum(isinstance(result, AnswerRunning) for result in results) == 7


async def test_request_ids_of_different_users_are_independent(store: Store) -> None:
    ann, bob = [await ask(store, user_id=user, request_id="r1") for user in (ANN, BOB)]
    assert ann.conversation.id != bob.conversation.id
    assert bob.conversation.owner_id == BOB


@pytest.mark.parametrize("saved", ["", "so far"])
async def test_no_turn_is_added_while_an_answer_is_running(store: Store, saved: str) -> None:
    first = await ask_and_answer(store)
    running = await ask(store, first.conversation.id, request_id="r2")
    if saved:
        await store.save_text(ANN, running.answer.id, saved)
    with pytest.raises(AnswerRunning):
        await ask(store, first.conversation.id, request_id="r3")
    with pytest.raises(AnswerRunning):
        await store.add_answer(
            ANN, conversation_id=first.conversation.id, sibling_id=first.answer.id
        )
    assert len(await path(store, first)) == 4


async def test_a_refused_turn_leaves_the_options_as_they_were(store: Store) -> None:
    turn = await ask(store)
    with pytest.raises(AnswerRunning):
        await ask(store, turn.conversation.id, request_id="r2", options=OPTIONS)
    assert await store.conversation(ANN, turn.conversation.id) == turn.conversation


async def test_another_answer_stands_beside_the_first_and_is_the_head(store: Store) -> None:
    turn = await ask_and_answer(store)
    other = await store.add_answer(
        ANN, conversation_id=turn.conversation.id, sibling_id=turn.answer.id
    )
    assert other.parent_id == turn.question.id
    assert (other.status, other.content) == (Status.PENDING, "")
    assert [message.id for message in await path(store, turn)] == [turn.question.id, other.id]
    conversation = await store.conversation(ANN, turn.conversation.id)
    assert conversation.updated_at > turn.conversation.updated_at


async def test_another_answer_to_an_earlier_question_leaves_the_later_turns_off_the_path(
    store: Store,
) -> None:
    first = await ask_and_answer(store)
    await ask_and_answer(store, first.conversation.id, request_id="r2")
    other = await store.add_answer(
        ANN, conversation_id=first.conversation.id, sibling_id=first.answer.id
    )
    assert [message.id for message in await path(store, first)] == [first.question.id, other.id]


async def test_only_an_answer_has_siblings(store: Store) -> None:
    turn = await ask_and_answer(store)
    with pytest.raises(BadRequest):
        await store.add_answer(
            ANN, conversation_id=turn.conversation.id, sibling_id=turn.question.id
        )


async def test_a_sibling_must_be_of_the_same_conversation(store: Store) -> None:
    one = await ask_and_answer(store)
    other = await ask_and_answer(store, request_id="r2")
    with pytest.raises(NotFound):
        await store.add_answer(ANN, conversation_id=one.conversation.id, sibling_id=other.answer.id)


async def test_options_can_be_set_without_a_turn(store: Store) -> None:
    turn = await ask(store)
    await store.set_options(ANN, turn.conversation.id, OPTIONS)
    conversation = await store.conversation(ANN, turn.conversation.id)
    assert conversation.options == OPTIONS
    assert conversation.updated_at == turn.conversation.updated_at


async def test_the_list_is_mine_and_newest_first(store: Store) -> None:
    turns = [await ask_and_answer(store, request_id=f"r{number}") for number in range(4)]
    await ask(store, user_id=BOB)
    await ask(store, turns[1].conversation.id, request_id="again")
    ids = [turns[number].conversation.id for number in (1, 3, 2, 0)]
    assert [item.id for item in await store.conversations(ANN)] == ids
    assert [item.id for item in await store.conversations(ANN, limit=2, offset=1)] == ids[1:3]
    assert list(await store.conversations(ANN, offset=9)) == []


@pytest.mark.parametrize("number", [-1, 2**63, 2**200])
async def test_a_list_has_any_requested_length(store: Store, number: int) -> None:
    await ask(store)
    assert len(await store.conversations(ANN, limit=number)) == (number > 0)
    assert len(await store.conversations(ANN, offset=number)) == (number < 0)


async def test_purging_takes_a_deleted_conversation_with_all_its_messages(store: Store) -> None:
    remaining, deleted = await ask_and_answer(store), await ask_and_answer(store, request_id="r2")
    other = await store.add_answer(
        ANN, conversation_id=deleted.conversation.id, sibling_id=deleted.answer.id
    )
    await store.delete(ANN, deleted.conversation.id)
    assert await store.purge_deleted(END) == 1
    assert [item.id for item in await store.conversations(ANN)] == [remaining.conversation.id]
    with pytest.raises(NotFound):
        await store.path(ANN, deleted.conversation.id)
    for message_id in (deleted.answer.id, other.id):
        with pytest.raises(NotFound):
            await store.finish_answer(ANN, message_id, ENDED)
    fresh = await ask(store, request_id="r2")
    assert fresh.conversation.id != deleted.conversation.id


async def test_a_long_conversation_can_be_read_and_purged(store: Store) -> None:
    turn = await ask_and_answer(store, request_id="0")
    for number in range(1, 600):  # SQLite follows cascades down to 1,000 rows only
        await ask_and_answer(store, turn.conversation.id, request_id=str(number))
    messages = await path(store, turn)
    assert len(messages) == 1200
    assert [m.parent_id for m in messages] == [None, *(m.id for m in messages[:-1])]
    await store.delete(ANN, turn.conversation.id)
    assert await store.purge_deleted(END) == 1
    assert list(await store.conversations(ANN)) == []


async def test_running_answers_are_interrupted_and_keep_their_text(store: Store) -> None:
    done = await ask_and_answer(store)
    pending = await ask(store, user_id=BOB)
    streaming = await ask(store, request_id="r2")
    await store.save_text(ANN, streaming.answer.id, "so far")
    assert await store.interrupt_unfinished() == 2
    assert await store.interrupt_unfinished() == 0
    assert (await path(store, done))[1].status is Status.DONE
    assert (await path(store, pending, BOB))[1].status is Status.INTERRUPTED
    answer = (await path(store, streaming))[1]
    assert (answer.status, answer.content) == (Status.INTERRUPTED, "so far")
    await ask(store, streaming.conversation.id, request_id="r3")


CALLS: dict[str, Callable[[Store, str, Turn], Awaitable[object]]] = {
    "conversation": lambda store, user, turn: store.conversation(user, turn.conversation.id),
    "path": lambda store, user, turn: store.path(user, turn.conversation.id),
    "delete": lambda store, user, turn: store.delete(user, turn.conversation.id),
    "options": lambda store, user, turn: store.set_options(user, turn.conversation.id, OPTIONS),
    "text": lambda store, user, turn: store.save_text(user, turn.answer.id, "x"),
    "end": lambda store, user, turn: store.finish_answer(user, turn.answer.id, ENDED),
    "turn": lambda store, user, turn: ask(
        store, turn.conversation.id, user_id=user, request_id="other"
    ),
    "answer": lambda store, user, turn: store.add_answer(
        user, conversation_id=turn.conversation.id, sibling_id=turn.answer.id
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_foreign_conversations_look_like_unknown_ones(
    store: Store, call: Callable[[Store, str, Turn], Awaitable[object]]
) -> None:
    turn, deleted = await ask(store), await ask(store, request_id="gone")
    await store.delete(ANN, deleted.conversation.id)
    await store.purge_deleted(END)
    with pytest.raises(NotFound) as not_there:
        await call(store, ANN, deleted)
    with pytest.raises(NotFound) as not_yours:
        await call(store, BOB, turn)
    assert str(not_there.value) == str(not_yours.value)
    assert not_there.value.values == not_yours.value.values == {}
    assert await path(store, turn) == [turn.question, turn.answer]
    assert await store.conversation(ANN, turn.conversation.id) == turn.conversation


@pytest.mark.parametrize("bad", ["a\0b", "a\ud83d", "\udc00"])
async def test_text_that_no_database_can_hold_is_refused_and_changes_nothing(
    store: Store, bad: str
) -> None:
    turn = await ask(store)
    stops = ChatOptions(sampling=Sampling(stop=(bad,)))
    for attempt in (
        ask(store, question=bad, request_id="r2"),
        ask(store, request_id=bad),
        ask(store, bad, request_id="r2"),
        ask(store, user_id=bad),
        ask(store, request_id="r2", options=ChatOptions(system_prompt=bad)),
        store.save_text(ANN, turn.answer.id, bad),
        store.finish_answer(ANN, turn.answer.id, AnswerRecord(bad, Status.DONE)),
        store.set_options(ANN, turn.conversation.id, stops),
        store.conversation(ANN, bad),
        store.conversations(bad),
        store.path(bad, turn.conversation.id),
        store.delete(ANN, bad),
    ):
        with pytest.raises(BadText):
            await attempt
    assert await store.conversations(ANN) == [turn.conversation]
    assert await path(store, turn) == [turn.question, turn.answer]


@pytest.mark.parametrize("rate", [float("inf"), float("nan")])
async def test_a_nan_rate_does_not_lose_the_answer(store: Store, rate: float) -> None:
    turn = await ask(store)
    timing = Timing(total_s=1.0, decode_tokens_per_s=rate)
    await store.finish_answer(ANN, turn.answer.id, AnswerRecord("kept", Status.DONE, timing=timing))
    answer = (await path(store, turn))[1]
    assert answer.content == "kept"
    assert answer.timing is not None
    assert answer.timing.total_s == 1.0


async def test_closing_twice_is_allowed(store: Store) -> None:
    await store.close()
    await store.close()
