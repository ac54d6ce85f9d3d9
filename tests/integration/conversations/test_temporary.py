"""Temporary chats: beside the database, and without a trace in it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from chat.conversations.models import TEMPORARY, AnswerRecord, Turn
from chat.errors import NotFound
from chat.models import ChatOptions, Status
from store import FILE_NAME, RoutingStore, open_store
from store.conversations.memory import TemporaryStore
from tests.contract.stores import ANN, BOB, END, ask, ask_and_answer, path, ticking

SECRET = "xyzzy"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RoutingStore]:
    store = open_store(tmp_path, clock=ticking())
    await store.open()
    yield store
    await store.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def secret_chat(store: RoutingStore) -> Turn:
    """Everything that can be done in a conversation, with a word that is nowhere else."""
    turn = await ask(store, question=SECRET, title=SECRET, temporary=True)
    there, options = turn.conversation.id, ChatOptions(system_prompt=SECRET)
    await store.save_text(ANN, turn.answer.id, SECRET)
    await store.finish_answer(ANN, turn.answer.id, AnswerRecord(SECRET, Status.DONE))
    again = await store.add_answer(
        ANN, conversation_id=there, sibling_id=turn.answer.id, content=SECRET
    )
    await store.finish_answer(ANN, again.id, AnswerRecord(SECRET, Status.STOPPED))
    await store.add_edited_answer(ANN, conversation_id=there, sibling_id=again.id, content=SECRET)
    await ask_and_answer(store, there, question=SECRET, answer=SECRET)
    await store.set_options(ANN, there, options)
    await store.rename(ANN, there, title=f"{SECRET} 2", seen=SECRET)
    await store.pin(ANN, there, True)
    await store.set_head(ANN, there, turn.answer.id)
    await store.delete_messages(ANN, there, [again.id], head_id=turn.answer.id)
    await store.restore_messages(ANN, there, [again.id], head_id=again.id)
    await store.delete(ANN, there)
    await store.restore(ANN, there)
    return turn


async def test_a_temporary_conversation_leaves_no_trace_on_disk(
    tmp_path: Path, store: RoutingStore
) -> None:
    stored = await ask_and_answer(store, question="plugh")
    turn = await secret_chat(store)
    assert len(await path(store, turn)) == 2
    assert len((await store.archive(ANN, turn.conversation.id)).messages) == 6
    assert (await store.archive(ANN, turn.conversation.id)).conversation.title == f"{SECRET} 2"
    assert list(await store.search(ANN, SECRET)) == []
    assert [item.id for item in await store.conversations(ANN)] == [stored.conversation.id]
    await store.close()
    files = contents(tmp_path)
    assert b"plugh" in files[FILE_NAME]
    assert not any(SECRET.encode() in content for content in files.values())


async def test_a_temporary_conversation_ends_with_the_process(
    tmp_path: Path, store: RoutingStore
) -> None:
    turn = await secret_chat(store)
    await store.close()
    again = open_store(tmp_path)
    await again.open()
    with pytest.raises(NotFound):
        await again.conversation(ANN, turn.conversation.id)
    await again.close()


async def test_the_id_of_a_temporary_conversation_cannot_be_guessed(store: RoutingStore) -> None:
    turns = [await ask(store, temporary=True) for _ in range(3)]
    ids = [item.id for turn in turns for item in (turn.conversation, turn.question, turn.answer)]
    assert all(key.startswith(TEMPORARY) and len(key) == len(TEMPORARY) + 32 for key in ids)
    assert len(set(ids)) == 9
    with pytest.raises(NotFound):
        await store.path(BOB, turns[0].conversation.id)


async def test_the_second_turn_of_a_temporary_conversation_is_always_temporary(
    store: RoutingStore,
) -> None:
    turn = await ask_and_answer(store, temporary=True)
    second = await ask(store, turn.conversation.id, temporary=False)
    assert second.conversation.id == turn.conversation.id
    stored = await ask_and_answer(store)
    beside = await ask(store, stored.conversation.id, temporary=True)
    assert not beside.answer.id.startswith(TEMPORARY)
    assert [item.id for item in await store.conversations(ANN)] == [stored.conversation.id]


async def test_messages_of_one_store_are_not_in_the_other(store: RoutingStore) -> None:
    stored, temporary = await ask_and_answer(store), await ask_and_answer(store, temporary=True)
    for one, other in ((stored, temporary), (temporary, stored)):
        with pytest.raises(NotFound):
            await store.set_head(ANN, one.conversation.id, other.answer.id)
        with pytest.raises(NotFound):
            await store.add_answer(
                ANN, conversation_id=one.conversation.id, sibling_id=other.answer.id
            )


async def test_a_deleted_temporary_conversation_is_purged(store: RoutingStore) -> None:
    turn = await ask_and_answer(store, temporary=True)
    await store.delete(ANN, turn.conversation.id)
    assert await store.purge_deleted(END) == 1
    with pytest.raises(NotFound):
        await store.restore(ANN, turn.conversation.id)


async def test_the_least_recently_used_temporary_conversation_is_dropped_first() -> None:
    store = TemporaryStore(ticking(), most_conversations=3)
    numbers = count()

    async def begin() -> Turn:
        return await ask_and_answer(store, question=f"{next(numbers)}")

    first, second, third = [await begin() for _ in range(3)]
    await ask_and_answer(store, first.conversation.id)
    fourth = await begin()
    remaining = [item.id for item in await store.conversations(ANN)]
    assert remaining == [turn.conversation.id for turn in (fourth, first, third)]
    with pytest.raises(NotFound):
        await store.path(ANN, second.conversation.id)
    assert len(store.messages) == 8
    assert len(store.requests) == 4


async def test_a_running_answer_is_not_evicted() -> None:
    store = TemporaryStore(lambda: datetime.now(UTC), most_conversations=2)
    running = await ask(store)
    await ask_and_answer(store)
    await ask_and_answer(store)
    await store.finish_answer(ANN, running.answer.id, AnswerRecord("kept", Status.DONE))
    assert (await path(store, running))[1].content == "kept"


async def test_a_message_named_by_keyword_is_found_in_its_store(store: RoutingStore) -> None:
    turn = await ask(store, None, temporary=True)
    await store.save_text(ANN, message_id=turn.answer.id, text="so far")
    assert (await store.path(ANN, conversation_id=turn.conversation.id))[1].content == "so far"
