"""What every store promises of trees: versions side by side, deletion that can be undone."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from chat.conversations.errors import AnswerRunning, RenamedMeanwhile
from chat.conversations.models import AnswerRecord, Attachment, Folder, Origin, Turn
from chat.conversations.ports import Store
from chat.errors import BadRequest, NotFound
from chat.models import Status
from tests.contract.stores import (
    ANN,
    BOB,
    END,
    ENDED,
    OPTIONS,
    START,
    ask,
    ask_and_answer,
    ids_of_path,
    path,
)

FILES = (Attachment("表.csv", "a,b\n1,2\n"), Attachment("notes.md", ""))


async def delete(store: Store, turn: Turn, *ids: str, head_id: str | None = None) -> None:
    await store.delete_messages(ANN, turn.conversation.id, ids, head_id=head_id)


async def restore(store: Store, turn: Turn, *ids: str, head_id: str | None = None) -> None:
    await store.restore_messages(ANN, turn.conversation.id, ids, head_id=head_id)


async def three_turns(store: Store) -> list[Turn]:
    turns = [await ask_and_answer(store, question="Q0", answer="A0")]
    for number in (1, 2):
        conversation_id = turns[0].conversation.id
        turns.append(
            await ask_and_answer(store, conversation_id, question=f"Q{number}", answer=f"A{number}")
        )
    return turns


# --- versions ---------------------------------------------------------------------------------


async def test_files_stay_with_their_question(store: Store) -> None:
    turn = await ask(store, attachments=FILES)
    assert turn.question.attachments == FILES
    assert (await path(store, turn))[0].attachments == FILES


async def test_an_edited_question_is_a_sibling_of_the_first(store: Store) -> None:
    first, second, _ = await three_turns(store)
    other = await ask(store, first.conversation.id, beside=second.question.id)
    assert other.question.parent_id == first.answer.id
    assert await ids_of_path(store, first) == [
        first.question.id,
        first.answer.id,
        other.question.id,
        other.answer.id,
    ]


async def test_the_first_question_can_be_edited(store: Store) -> None:
    turn = await ask_and_answer(store)
    other = await ask(store, turn.conversation.id, beside=turn.question.id)
    assert other.question.parent_id is None
    assert await ids_of_path(store, turn) == [other.question.id, other.answer.id]


async def test_only_a_question_of_the_conversation_can_be_edited(
    store: Store,
) -> None:
    turn, foreign = await ask_and_answer(store), await ask_and_answer(store)
    with pytest.raises(BadRequest):
        await ask(store, turn.conversation.id, beside=turn.answer.id)
    for conversation_id in (turn.conversation.id, None):
        with pytest.raises(NotFound):
            await ask(store, conversation_id, beside=foreign.question.id, options=OPTIONS)
    assert await store.conversation(ANN, turn.conversation.id) == turn.conversation
    assert len(await store.conversations(ANN)) == 2


async def test_an_answer_can_start_with_the_text_of_another(store: Store) -> None:
    turn = await ask_and_answer(store, answer="Once upon")
    longer = await store.add_answer(
        ANN,
        conversation_id=turn.conversation.id,
        sibling_id=turn.answer.id,
        content="Once upon",
    )
    assert (longer.content, longer.status) == ("Once upon", Status.PENDING)
    assert (await path(store, turn))[1] == longer


async def test_an_edited_answer_is_a_finished_sibling(store: Store) -> None:
    turn = await ask_and_answer(store)
    edited = await store.add_edited_answer(
        ANN, conversation_id=turn.conversation.id, sibling_id=turn.answer.id, content="Mine"
    )
    assert (edited.content, edited.status, edited.origin) == ("Mine", Status.DONE, Origin.EDITED)
    assert edited.parent_id == turn.question.id
    assert await path(store, turn) == [turn.question, edited]


async def test_an_edit_is_refused_where_another_answer_would_be(store: Store) -> None:
    turn = await ask(store)

    def edit(sibling_id: str) -> Awaitable[object]:
        return store.add_edited_answer(
            ANN, conversation_id=turn.conversation.id, sibling_id=sibling_id, content="x"
        )

    with pytest.raises(BadRequest):
        await edit(turn.question.id)
    with pytest.raises(NotFound):
        await edit("none")
    with pytest.raises(AnswerRunning):
        await edit(turn.answer.id)
    assert await path(store, turn) == [turn.question, turn.answer]


async def test_any_existing_message_of_the_conversation_can_be_the_head(store: Store) -> None:
    first, _, third = await three_turns(store)
    foreign = await ask_and_answer(store)
    before = await store.conversation(ANN, first.conversation.id)
    await store.set_head(ANN, first.conversation.id, first.answer.id)
    assert await ids_of_path(store, first) == [first.question.id, first.answer.id]
    after = await store.conversation(ANN, first.conversation.id)
    assert after.updated_at == before.updated_at
    await delete(store, first, third.answer.id, head_id=first.answer.id)
    for message_id in (third.answer.id, foreign.answer.id, "none"):
        with pytest.raises(NotFound):
            await store.set_head(ANN, first.conversation.id, message_id)
    assert len(await path(store, first)) == 2


async def test_a_turn_goes_below_the_head_that_was_chosen(store: Store) -> None:
    first, second, _ = await three_turns(store)
    await store.set_head(ANN, first.conversation.id, first.answer.id)
    other = await ask(store, first.conversation.id)
    assert other.question.parent_id == first.answer.id == second.question.parent_id


# --- deleted messages -------------------------------------------------------------------------


async def test_the_path_walks_through_deleted_messages(store: Store) -> None:
    first, second, third = await three_turns(store)
    await delete(store, first, second.question.id, second.answer.id, head_id=third.answer.id)
    assert await ids_of_path(store, first) == [
        first.question.id,
        first.answer.id,
        third.question.id,
        third.answer.id,
    ]


async def test_everything_can_be_deleted_and_a_new_turn_begins_at_the_root(store: Store) -> None:
    turn = await ask_and_answer(store)
    await delete(store, turn, turn.question.id, turn.answer.id)
    assert await path(store, turn) == []
    fresh = await ask(store, turn.conversation.id)
    assert fresh.question.parent_id is None


async def test_a_restored_conversation_is_complete(store: Store) -> None:
    first, _, third = await three_turns(store)
    whole = await path(store, first)
    ids = [third.question.id, third.answer.id]
    await delete(store, first, *ids, head_id=whole[3].id)
    assert await path(store, first) == whole[:4]
    await restore(store, first, *ids, head_id=third.answer.id)
    assert await path(store, first) == whole


async def test_a_deletion_is_all_or_nothing(store: Store) -> None:
    turn, foreign = await ask_and_answer(store), await ask_and_answer(store)
    for ids, head_id in (
        ([turn.answer.id, foreign.answer.id], None),
        ([turn.answer.id, "none"], None),
        ([turn.answer.id], turn.answer.id),
        ([turn.answer.id], foreign.answer.id),
        ([turn.answer.id], "none"),
    ):
        with pytest.raises(NotFound):
            await delete(store, turn, *ids, head_id=head_id)
        with pytest.raises(NotFound):
            await restore(store, turn, *ids, head_id="none")
    assert len(await path(store, turn)) == 2


async def test_no_message_is_added_beside_a_deleted_one(store: Store) -> None:
    first, second, _ = await three_turns(store)
    there = first.conversation.id
    await delete(store, first, second.question.id, second.answer.id, head_id=first.answer.id)
    with pytest.raises(NotFound):
        await ask(store, there, beside=second.question.id)
    with pytest.raises(NotFound):
        await store.add_answer(ANN, conversation_id=there, sibling_id=second.answer.id)


async def test_a_deleted_question_is_not_repeated_by_its_request_id(store: Store) -> None:
    turn = await ask_and_answer(store, request_id="r1")
    await delete(store, turn, turn.question.id, turn.answer.id)
    with pytest.raises(NotFound):
        await ask(store, turn.conversation.id, request_id="r1")


async def test_a_purged_message_keeps_its_place_and_nothing_else(store: Store) -> None:
    first, second, third = await three_turns(store)
    ids = [second.question.id, second.answer.id]
    await delete(store, first, *ids, head_id=third.answer.id)
    assert await store.purge_deleted(START) == 0
    assert await store.purge_deleted(END) == 2
    assert await store.purge_deleted(END) == 0
    assert len(await path(store, first)) == 4
    messages = (await store.archive(ANN, first.conversation.id)).messages
    assert not {message.id for message in messages} & set(ids)
    with pytest.raises(NotFound):
        await restore(store, first, *ids, head_id=third.answer.id)
    with pytest.raises(NotFound):
        await delete(store, first, *ids, head_id=third.answer.id)


async def test_only_rows_deleted_long_ago_are_purged(store: Store) -> None:
    first, second, third = await three_turns(store)
    await delete(store, first, third.answer.id, head_id=third.question.id)
    await delete(store, first, third.answer.id, second.answer.id, head_id=third.question.id)
    dates = {(await ask(store)).question.created_at for _ in range(1)}
    assert await store.purge_deleted(min(dates) - timedelta(seconds=1)) == 1
    await restore(store, first, second.answer.id, head_id=second.answer.id)
    with pytest.raises(NotFound):
        await restore(store, first, third.answer.id, head_id=third.answer.id)


async def test_an_answer_that_ends_while_deleted_is_restored_completely(store: Store) -> None:
    turn = await ask(store)
    await delete(store, turn, turn.answer.id, head_id=turn.question.id)
    await store.finish_answer(ANN, turn.answer.id, ENDED)
    await restore(store, turn, turn.answer.id, head_id=turn.answer.id)
    assert (await path(store, turn))[1].content == ENDED.content


async def test_a_purged_answer_is_not_written_any_more(store: Store) -> None:
    turn = await ask(store)
    await delete(store, turn, turn.answer.id, head_id=turn.question.id)
    await store.purge_deleted(END)
    await store.finish_answer(ANN, turn.answer.id, ENDED)
    assert await store.interrupt_unfinished() == 0
    assert await store.search(ANN, "你好") == []


# --- deleted conversations --------------------------------------------------------------------


async def test_a_deleted_conversation_is_hidden_and_restored_completely(store: Store) -> None:
    turn, other = await ask_and_answer(store), await ask_and_answer(store)
    there = turn.conversation.id
    before, messages = await store.conversations(ANN), await path(store, turn)
    await store.delete(ANN, there)
    assert [item.id for item in await store.conversations(ANN)] == [other.conversation.id]
    with pytest.raises(NotFound):
        await store.delete(ANN, there)
    with pytest.raises(NotFound):
        await store.restore(BOB, there)
    await store.restore(ANN, there)
    assert await store.conversations(ANN) == before
    assert await path(store, turn) == messages
    await store.restore(ANN, there)
    assert await store.purge_deleted(END) == 0


async def test_an_answer_that_ends_in_a_deleted_conversation_is_restored_completely(
    store: Store,
) -> None:
    turn = await ask(store)
    await store.delete(ANN, turn.conversation.id)
    await store.finish_answer(ANN, turn.answer.id, ENDED)
    await store.restore(ANN, turn.conversation.id)
    assert (await path(store, turn))[1].content == ENDED.content


async def test_each_folder_lists_its_own_conversations(store: Store) -> None:
    chat, away, first, last = [await ask_and_answer(store) for _ in range(4)]
    await store.set_archived(ANN, away.conversation.id, True)
    for turn in (first, last):
        await store.delete(ANN, turn.conversation.id)

    async def listed(folder: Folder) -> list[str]:
        return [item.id for item in await store.conversations(ANN, folder=folder)]

    ids = {turn: turn.conversation.id for turn in (chat, away, first, last)}
    assert await listed(Folder.CHATS) == [ids[chat]]
    assert await listed(Folder.ARCHIVE) == [ids[away]]
    assert await listed(Folder.KEPT) == [ids[away], ids[chat]]
    assert await listed(Folder.TRASH) == [ids[last], ids[first]]
    assert list(await store.conversations(BOB, folder=Folder.TRASH)) == []


async def test_only_what_is_in_the_trash_is_destroyed_for_good(store: Store) -> None:
    kept, gone, other = [await ask_and_answer(store) for _ in range(3)]
    for turn in (gone, other):
        await store.delete(ANN, turn.conversation.id)
    for user, turn in ((ANN, kept), (BOB, gone)):
        with pytest.raises(NotFound):
            await store.destroy_deleted(user, turn.conversation.id)
    assert await store.destroy_deleted(BOB) == 0
    assert await store.destroy_deleted(ANN, gone.conversation.id) == 1
    with pytest.raises(NotFound):
        await store.restore(ANN, gone.conversation.id)
    assert await store.destroy_deleted(ANN) == 1
    assert [item.id for item in await store.conversations(ANN)] == [kept.conversation.id]


async def test_a_purged_conversation_is_not_found(store: Store) -> None:
    turn = await ask_and_answer(store)
    await delete(store, turn, turn.answer.id, head_id=turn.question.id)
    await store.delete(ANN, turn.conversation.id)
    assert await store.purge_deleted(START) == 0
    assert await store.purge_deleted(END) == 1
    with pytest.raises(NotFound):
        await store.restore(ANN, turn.conversation.id)


# --- the list ---------------------------------------------------------------------------------


async def test_pinned_conversations_come_first_and_each_part_newest_first(store: Store) -> None:
    ids = [(await ask(store)).conversation.id for _ in range(4)]
    for place in (0, 2, 3):
        await store.pin(ANN, ids[place], True)
    await store.pin(ANN, ids[3], False)
    listed = await store.conversations(ANN)
    assert [item.id for item in listed] == [ids[2], ids[0], ids[3], ids[1]]
    assert [item.pinned for item in listed] == [True, True, False, False]
    page = await store.conversations(ANN, limit=2, offset=1)
    assert [item.id for item in page] == [ids[0], ids[3]]


async def test_a_title_is_replaced_only_if_the_current_one_was_seen(store: Store) -> None:
    turn = await ask(store)
    there = turn.conversation.id
    await store.rename(ANN, there, title="<b>名字 👋🏽</b>", seen="A title")
    renamed = await store.conversation(ANN, there)
    assert renamed.title == "<b>名字 👋🏽</b>"
    assert renamed.updated_at == turn.conversation.updated_at
    with pytest.raises(RenamedMeanwhile) as refused:
        await store.rename(ANN, there, title="Other", seen="A title")
    assert refused.value.values == {"title": "<b>名字 👋🏽</b>"}
    await store.rename(ANN, there, title="<b>名字 👋🏽</b>", seen="A title")
    assert await store.conversation(ANN, there) == renamed


CALLS: dict[str, Callable[[Store, str, Turn], Awaitable[object]]] = {
    "rename": lambda store, user, turn: store.rename(
        user, turn.conversation.id, title="x", seen="A title"
    ),
    "pin": lambda store, user, turn: store.pin(user, turn.conversation.id, True),
    "set_archived": lambda store, user, turn: store.set_archived(user, turn.conversation.id, True),
    "path": lambda store, user, turn: store.path(user, turn.conversation.id),
    "head": lambda store, user, turn: store.set_head(user, turn.conversation.id, turn.answer.id),
    "delete": lambda store, user, turn: store.delete_messages(
        user, turn.conversation.id, [turn.answer.id], head_id=turn.question.id
    ),
    "restore": lambda store, user, turn: store.restore_messages(
        user, turn.conversation.id, [turn.answer.id], head_id=turn.answer.id
    ),
    "edit": lambda store, user, turn: store.add_edited_answer(
        user, conversation_id=turn.conversation.id, sibling_id=turn.answer.id, content="x"
    ),
    "archive": lambda store, user, turn: store.archive(user, turn.conversation.id),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_foreign_or_deleted_rows_look_like_unknown_ones(
    store: Store, call: Callable[[Store, str, Turn], Awaitable[object]]
) -> None:
    turn, deleted = await ask_and_answer(store), await ask_and_answer(store)
    before = await store.conversation(ANN, turn.conversation.id), await path(store, turn)
    await store.delete(ANN, deleted.conversation.id)
    for user, what in ((ANN, deleted), (BOB, turn)):
        with pytest.raises(NotFound) as refused:
            await call(store, user, what)
        assert (str(refused.value), refused.value.values) == (str(NotFound()), {})
    assert (await store.conversation(ANN, turn.conversation.id), await path(store, turn)) == before


async def test_an_unfinished_answer_of_a_deleted_conversation_is_interrupted_too(
    store: Store,
) -> None:
    turn = await ask(store)
    await store.save_text(ANN, turn.answer.id, "so far")
    await store.delete(ANN, turn.conversation.id)
    assert await store.interrupt_unfinished() == 1
    await store.restore(ANN, turn.conversation.id)
    await store.finish_answer(ANN, turn.answer.id, AnswerRecord("late", Status.DONE))
    assert (await path(store, turn))[1].content == "so far"
