"""What every store promises of whole conversations, taken out and put in."""

from dataclasses import replace

import pytest

from chat.conversations.models import Archive, Attachment, Conversation, Message, Origin
from chat.conversations.ports import Store
from chat.errors import BadRequest, BadText
from chat.models import Status
from tests.contract.stores import ANN, BOB, END, OPTIONS, ask, ask_and_answer, path

NO_ID = ""


def without_ids(archive: Archive) -> tuple[Conversation, list[Message]]:
    """An archive with places for the ids of messages, and no other ids and no owner."""
    places = {message.id: f"{place}" for place, message in enumerate(archive.messages)}
    messages = [
        replace(
            message,
            id=places[message.id],
            conversation_id=NO_ID,
            parent_id=places[message.parent_id] if message.parent_id else None,
        )
        for message in archive.messages
    ]
    head_id = archive.conversation.head_id
    conversation = replace(
        archive.conversation,
        id=NO_ID,
        owner_id=NO_ID,
        head_id=places[head_id] if head_id else None,
    )
    return conversation, messages


async def a_tree(store: Store) -> Archive:
    """Two versions of the first answer, a turn below the first of them, and files."""
    turn = await ask_and_answer(store, title="树 <tree>", attachments=(Attachment("a.txt", "x"),))
    there = turn.conversation.id
    await store.add_edited_answer(
        ANN, conversation_id=there, sibling_id=turn.answer.id, content="Other"
    )
    await store.set_head(ANN, there, turn.answer.id)
    await ask_and_answer(store, there, options=OPTIONS)
    await store.pin(ANN, there, True)
    return await store.archive(ANN, there)


async def test_an_archive_holds_all_branches_parents_first(store: Store) -> None:
    archive = await a_tree(store)
    assert archive.conversation == await store.conversation(ANN, archive.conversation.id)
    assert [message.origin for message in archive.messages].count(Origin.EDITED) == 1
    parents = [message.parent_id for message in archive.messages]
    ids = [message.id for message in archive.messages]
    assert parents == [None, ids[0], ids[0], ids[1], ids[3]]


async def test_an_imported_export_is_equal_under_new_ids(store: Store) -> None:
    archive = await a_tree(store)
    (copy,) = await store.add_archives(BOB, [archive])
    again = await store.archive(BOB, copy.id)
    assert again.conversation == copy
    assert again.conversation.owner_id == BOB
    assert without_ids(again) == without_ids(archive)
    assert not {m.id for m in again.messages} & {m.id for m in archive.messages}
    assert all(message.conversation_id == copy.id for message in again.messages)
    assert [m.content for m in await store.path(BOB, copy.id)] == [
        m.content for m in await store.path(ANN, archive.conversation.id)
    ]


async def test_an_archive_skips_deleted_messages_and_reattaches_their_children(
    store: Store,
) -> None:
    first = await ask_and_answer(store)
    there = first.conversation.id
    second, third = await ask_and_answer(store, there), await ask_and_answer(store, there)
    ids = [first.answer.id, second.question.id, second.answer.id]
    await store.delete_messages(ANN, there, ids, head_id=third.answer.id)
    for _ in range(2):
        archive = await store.archive(ANN, there)
        assert [(m.id, m.parent_id) for m in archive.messages] == [
            (first.question.id, None),
            (third.question.id, first.question.id),
            (third.answer.id, third.question.id),
        ]
        await store.purge_deleted(END)


async def test_imported_conversations_are_found_and_listed_by_time(store: Store) -> None:
    archive = await a_tree(store)
    await ask(store)
    await store.pin(ANN, archive.conversation.id, False)
    archive = await store.archive(ANN, archive.conversation.id)
    copies = await store.add_archives(ANN, [archive, archive])
    listed = await store.conversations(ANN)
    assert {item.id for item in listed[1:]} == {archive.conversation.id, *(c.id for c in copies)}
    assert len(await store.search(ANN, "other")) == 3
    assert len(await store.search(ANN, "树 tree")) == 3


async def test_an_answer_that_was_still_open_is_interrupted(store: Store) -> None:
    turn = await ask(store)
    await store.save_text(ANN, turn.answer.id, "half a plum")
    archive = await store.archive(ANN, turn.conversation.id)
    (copy,) = await store.add_archives(ANN, [archive])
    answer = (await store.path(ANN, copy.id))[1]
    assert (answer.status, answer.content) == (Status.INTERRUPTED, "half a plum")
    assert [hit.message_id for hit in await store.search(ANN, "plum")] == [answer.id]
    assert (await path(store, turn))[1].status is Status.STREAMING


async def test_a_conversation_without_messages_can_be_imported(store: Store) -> None:
    turn = await ask(store)
    (copy,) = await store.add_archives(ANN, [Archive(turn.conversation, ())])
    assert copy.head_id is None
    assert list(await store.path(ANN, copy.id)) == []


async def test_archives_are_imported_all_or_none(store: Store) -> None:
    good = await a_tree(store)
    torn = Archive(good.conversation, good.messages[1:])
    bad = Archive(good.conversation, (replace(good.messages[0], content="a\0b"),))
    for broken, error in ((torn, BadRequest), (bad, BadText)):
        with pytest.raises(error):
            await store.add_archives(ANN, [good, broken])
    assert len(await store.conversations(ANN)) == 1
    assert len(await store.search(ANN, "other")) == 1


async def test_an_imported_conversation_can_be_continued(store: Store) -> None:
    (copy,) = await store.add_archives(ANN, [await a_tree(store)])
    turn = await ask_and_answer(store, copy.id)
    assert turn.question.parent_id == copy.head_id
    assert len(await path(store, turn)) == 6


async def test_deep_trees_are_imported(store: Store) -> None:
    turn = await ask_and_answer(store)
    message = turn.question
    line = tuple(
        replace(message, id=f"{place}", parent_id=f"{place - 1}" if place else None)
        for place in range(2_500)
    )
    archive = Archive(replace(turn.conversation, head_id="2499"), line)
    (copy,) = await store.add_archives(ANN, [archive])
    assert len(await store.path(ANN, copy.id)) == 2_500
