"""Conversations: versions, edits, deletion and undo."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chat.conversations.attachments import with_attachments
from chat.conversations.errors import AnswerRunning, BadAttachment, PromptLost, RenamedMeanwhile
from chat.conversations.jobs import Job
from chat.conversations.models import Archive, Attachment, Conversation, Folder, Origin, Question
from chat.conversations.prompt import prompt_from
from chat.conversations.service import TRASH_TIME
from chat.errors import BadRequest, EmptyMessage, MessageTooLong, NotFound
from chat.maintenance import Maintenance
from chat.models import ChatMessage, ChatOptions, Finish, PresetRef, Role, Sampling, Status
from tests.chat import USER, Chat, finished, make_chat
from tests.fakes import REUSED, Script
from tests.memory_users import MemoryUsers


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    chat = make_chat(*(Script(pieces=[f"A{number}"]) for number in range(1, 9)))
    yield chat
    await chat.jobs.close(0)


async def two_turns(chat: Chat) -> Job:
    first = await chat.ask_and_wait("Q1")
    return await chat.ask_and_wait("Q2", conversation_id=first.conversation_id)


async def test_an_edited_question_is_a_version_beside_the_old_one(chat: Chat) -> None:
    job = await two_turns(chat)
    first = (await chat.messages(job))[0]
    edited = await chat.ask_and_wait("Q1b", conversation_id=job.conversation_id, beside=first.id)
    assert await chat.contents(edited) == ["Q1b", "A3"]
    assert chat.engine.prompts[-1] == (ChatMessage(Role.USER, "Q1b"),)
    opened = await chat.conversations.open(USER, job.conversation_id)
    assert opened.versions == {opened.messages[0].id: [first.id, opened.messages[0].id]}


async def test_walking_to_a_version_shows_the_path_below_it(chat: Chat) -> None:
    job = await two_turns(chat)
    first = (await chat.messages(job))[0]
    await chat.ask_and_wait("Q1b", conversation_id=job.conversation_id, beside=first.id)
    await chat.conversations.show(USER, job.conversation_id, first.id)
    assert await chat.contents(job) == ["Q1", "A1", "Q2", "A2"]


async def test_a_retried_older_answer_keeps_its_following_messages(chat: Chat) -> None:
    job = await two_turns(chat)
    old = (await chat.messages(job))[1]
    again = await chat.answers.retry(USER, conversation_id=job.conversation_id, message_id=old.id)
    await finished(again)
    assert await chat.contents(again) == ["Q1", "A3"]
    await chat.conversations.show(USER, job.conversation_id, old.id)
    assert await chat.contents(job) == ["Q1", "A1", "Q2", "A2"]


async def test_an_edited_answer_is_a_version_that_the_next_question_builds_on(chat: Chat) -> None:
    job = await chat.ask_and_wait("Q1")
    edited = await chat.conversations.edit_answer(
        USER, conversation_id=job.conversation_id, message_id=job.message_id, text="Better"
    )
    assert (edited.origin, edited.status, edited.provenance) == (Origin.EDITED, Status.DONE, None)
    await chat.ask_and_wait("Q2", conversation_id=job.conversation_id)
    assert chat.engine.prompts[-1][1] == ChatMessage(Role.ASSISTANT, "Better")
    opened = await chat.conversations.open(USER, job.conversation_id)
    assert opened.versions[edited.id] == [job.message_id, edited.id]


async def test_an_empty_edit_is_refused(chat: Chat) -> None:
    job = await chat.ask_and_wait("Q1")
    with pytest.raises(EmptyMessage):
        await chat.conversations.edit_answer(
            USER, conversation_id=job.conversation_id, message_id=job.message_id, text=" "
        )
    assert await chat.contents(job) == ["Q1", "A1"]


async def test_a_cut_answer_is_continued_in_a_version_that_has_the_whole_text() -> None:
    chat = make_chat(Script(pieces=["One, "], finish=Finish.LENGTH), Script(pieces=["two."]))
    job = await chat.ask_and_wait("Count")
    more = await chat.answers.go_on(
        USER, conversation_id=job.conversation_id, message_id=job.message_id
    )
    assert (await finished(more)).text == "One, two."
    assert chat.engine.prompts[-1][-1] == ChatMessage(Role.ASSISTANT, "One, ", partial=True)
    opened = await chat.conversations.open(USER, job.conversation_id)
    answer = opened.messages[-1]
    assert answer.content == "One, two."
    assert opened.versions[answer.id] == [job.message_id, answer.id]
    assert answer.provenance
    assert answer.provenance.continued_characters == 5
    assert answer.usage
    assert answer.usage.completion_tokens == len("two.")


async def two_answers_in_a_row(chat: Chat) -> Conversation:
    """An imported conversation: a question, an answer, and another answer below that."""
    job = await two_turns(chat)
    archive = await chat.conversations.archive(USER, job.conversation_id)
    question, first, _, second = archive.messages
    second = replace(second, parent_id=first.id)
    (added,) = await chat.conversations.add_archives(
        USER, [Archive(archive.conversation, (question, first, second))]
    )
    return added


async def test_a_retry_below_another_answer_does_not_continue_that_one(chat: Chat) -> None:
    added = await two_answers_in_a_row(chat)
    assert added.head_id
    again = await chat.answers.retry(USER, conversation_id=added.id, message_id=added.head_id)
    assert (await finished(again)).text == "A3"
    assert chat.engine.prompts[-1] == (
        ChatMessage(Role.USER, "Q1"),
        ChatMessage(Role.ASSISTANT, "A1"),
    )
    assert await chat.contents(again) == ["Q1", "A1", "A3"]
    answer = await chat.answer(again)
    assert answer.provenance
    assert answer.provenance.continued_characters == 0


async def test_an_answer_below_another_answer_is_continued_where_that_is_asked(
    chat: Chat,
) -> None:
    added = await two_answers_in_a_row(chat)
    assert added.head_id
    more = await chat.answers.go_on(USER, conversation_id=added.id, message_id=added.head_id)
    assert (await finished(more)).text == "A2A3"
    assert chat.engine.prompts[-1][1:] == (
        ChatMessage(Role.ASSISTANT, "A1"),
        ChatMessage(Role.ASSISTANT, "A2", partial=True),
    )


async def test_the_prompt_of_a_retried_answer_ends_with_the_whole_answer_above(
    chat: Chat,
) -> None:
    added = await two_answers_in_a_row(chat)
    assert added.head_id
    again = await chat.answers.retry(USER, conversation_id=added.id, message_id=added.head_id)
    await finished(again)
    path = await chat.messages(again)
    assert prompt_from(path) == chat.engine.prompts[-1]


async def test_a_continued_answer_stopped_at_once_keeps_its_beginning() -> None:
    chat = make_chat(Script(pieces=["begun"], finish=Finish.LENGTH), Script(hangs=True, pieces=[]))
    job = await chat.ask_and_wait("Q")
    more = await chat.answers.go_on(
        USER, conversation_id=job.conversation_id, message_id=job.message_id
    )
    chat.answers.stop(USER, job.conversation_id)
    assert (await finished(more)).text == "begun"
    assert await chat.contents(more) == ["Q", "begun"]


async def test_only_an_answer_can_be_tried_again_or_continued(chat: Chat) -> None:
    job = await chat.ask_and_wait("Q1")
    question = (await chat.messages(job))[0]
    for again in (chat.answers.retry, chat.answers.go_on):
        with pytest.raises(BadRequest):
            await again(USER, conversation_id=job.conversation_id, message_id=question.id)


async def test_a_removed_middle_turn_leaves_the_following_messages(chat: Chat) -> None:
    job = await two_turns(chat)
    middle = (await chat.messages(job))[0]
    removed = await chat.conversations.delete_turn(USER, job.conversation_id, middle.id)
    assert await chat.contents(job) == ["Q2", "A2"]
    await chat.conversations.restore_messages(USER, removed)
    assert await chat.contents(job) == ["Q1", "A1", "Q2", "A2"]


async def test_a_branch_is_deleted_and_restored_with_all_descendants(chat: Chat) -> None:
    job = await two_turns(chat)
    answer = (await chat.messages(job))[1]
    removed = await chat.conversations.delete_branch(USER, job.conversation_id, answer.id)
    assert await chat.contents(job) == ["Q1"]
    await chat.conversations.restore_messages(USER, removed)
    assert await chat.contents(job) == ["Q1", "A1", "Q2", "A2"]


async def test_a_deleted_version_is_replaced_by_a_sibling(chat: Chat) -> None:
    job = await chat.ask_and_wait("Q1")
    again = await chat.answers.retry(
        USER, conversation_id=job.conversation_id, message_id=job.message_id
    )
    await finished(again)
    await chat.conversations.delete_branch(USER, job.conversation_id, again.message_id)
    assert await chat.contents(job) == ["Q1", "A1"]


async def test_undoing_the_last_turn_returns_its_question(chat: Chat) -> None:
    job = await two_turns(chat)
    removed = await chat.conversations.undo_turn(USER, job.conversation_id)
    assert removed.question == "Q2"
    assert await chat.contents(job) == ["Q1", "A1"]
    await chat.conversations.restore_messages(USER, removed)
    assert await chat.contents(job) == ["Q1", "A1", "Q2", "A2"]


async def test_undo_without_a_question_is_reported(chat: Chat) -> None:
    job = await chat.ask_and_wait("Q1")
    await chat.conversations.undo_turn(USER, job.conversation_id)
    with pytest.raises(BadRequest):
        await chat.conversations.undo_turn(USER, job.conversation_id)


async def test_a_conversation_emptied_by_undo_takes_a_new_question(chat: Chat) -> None:
    job = await chat.ask_and_wait("Q1")
    await chat.conversations.undo_turn(USER, job.conversation_id)
    later = await chat.ask_and_wait("Q1b", conversation_id=job.conversation_id)
    assert await chat.contents(later) == ["Q1b", "A2"]


async def test_nothing_is_deleted_or_edited_where_an_answer_is_being_written() -> None:
    chat = make_chat(Script(pieces=["text"], hangs=True))
    job = await chat.ask("Q")
    question = (await chat.messages(job))[0]
    for attempt in (
        chat.conversations.delete_turn(USER, job.conversation_id, question.id),
        chat.conversations.undo_turn(USER, job.conversation_id),
        chat.conversations.edit_answer(
            USER, conversation_id=job.conversation_id, message_id=job.message_id, text="x"
        ),
        chat.answers.retry(USER, conversation_id=job.conversation_id, message_id=job.message_id),
    ):
        with pytest.raises(AnswerRunning):
            await attempt
    await chat.jobs.close(0)


async def test_an_answer_continues_while_another_branch_is_displayed() -> None:
    chat = make_chat(Script(pieces=["A1"]), Script(pieces=["A2"] * 5, step_s=0.02))
    job = await chat.ask_and_wait("Q1")
    again = await chat.answers.retry(
        USER, conversation_id=job.conversation_id, message_id=job.message_id
    )
    await chat.conversations.show(USER, job.conversation_id, job.message_id)
    opened = await chat.conversations.open(USER, job.conversation_id)
    assert (opened.job, [m.content for m in opened.messages]) == (None, ["Q1", "A1"])
    await finished(again)
    await chat.conversations.show(USER, job.conversation_id, again.message_id)
    assert await chat.contents(job) == ["Q1", "A2" * 5]


async def test_a_deleted_conversation_can_be_restored(chat: Chat) -> None:
    job = await two_turns(chat)
    await chat.conversations.delete(USER, job.conversation_id)
    assert not await chat.conversations.recent(USER)
    with pytest.raises(NotFound):
        await chat.conversations.open(USER, job.conversation_id)
    await chat.conversations.restore(USER, job.conversation_id)
    assert await chat.contents(job) == ["Q1", "A1", "Q2", "A2"]


async def test_deleting_stops_the_answer_being_written() -> None:
    chat = make_chat(Script(pieces=["text"], hangs=True))
    job = await chat.ask("Hi")
    await chat.conversations.delete(USER, job.conversation_id)
    assert not await chat.conversations.recent(USER)
    assert chat.engine.running == 0


async def test_after_the_undo_time_the_deletion_is_final() -> None:
    chat = make_chat(undo_s=0.01)
    job = await chat.ask_and_wait("Hi")
    async with asyncio.timeout(5):
        while True:
            removed = await chat.conversations.undo_turn(USER, job.conversation_id)
            await asyncio.sleep(0.02)
            try:
                await chat.conversations.restore_messages(USER, removed)
            except NotFound:
                break


async def test_at_shutdown_deleted_messages_are_purged_and_the_trash_is_kept(chat: Chat) -> None:
    kept, job = await chat.ask_and_wait("Keep"), await chat.ask_and_wait("Hi")
    await chat.conversations.delete(USER, kept.conversation_id)
    removed = await chat.conversations.undo_turn(USER, job.conversation_id)
    assert await chat.conversations.purge()
    with pytest.raises(NotFound):
        await chat.conversations.restore_messages(USER, removed)
    await chat.conversations.restore(USER, kept.conversation_id)
    assert await chat.contents(kept) == ["Keep", "A1"]


async def test_maintenance_destroys_what_was_in_the_trash_for_thirty_days(chat: Chat) -> None:
    job = await chat.ask_and_wait("Hi")
    await chat.conversations.delete(USER, job.conversation_id)
    (trashed,) = await chat.conversations.recent(USER, folder=Folder.TRASH)
    assert trashed.deleted_at
    for age, count in ((TRASH_TIME - timedelta(hours=1), 0), (TRASH_TIME + timedelta(hours=1), 1)):
        chat.store.deleted[job.conversation_id] = datetime.now(UTC) - age
        sweeps = {"trash": chat.conversations.purge_trash}
        assert await Maintenance(chat.jobs, MemoryUsers(), sweeps=sweeps).sweep("trash") == count
    assert not await chat.conversations.recent(USER, folder=Folder.TRASH)


async def test_a_new_question_brings_an_archived_conversation_back(chat: Chat) -> None:
    job = await chat.ask_and_wait("Hi")
    await chat.conversations.set_archived(USER, job.conversation_id, archived=True)
    assert not await chat.conversations.recent(USER)
    assert len(await chat.conversations.search(USER, "hi")) == 1
    assert len(await chat.conversations.recent(USER, folder=Folder.ARCHIVE)) == 1
    await chat.ask_and_wait("And?", conversation_id=job.conversation_id)
    assert len(await chat.conversations.recent(USER)) == 1


async def test_of_two_concurrent_renames_the_second_learns_of_the_first(chat: Chat) -> None:
    job = await chat.ask_and_wait("Q1")
    await chat.conversations.rename(USER, job.conversation_id, title="One", seen="Q1")
    with pytest.raises(RenamedMeanwhile) as caught:
        await chat.conversations.rename(USER, job.conversation_id, title="Two", seen="Q1")
    assert caught.value.values == {"title": "One"}


@pytest.mark.parametrize(
    ("title", "stored"),
    [("  a\n b ", "a b"), ("👩🏽‍🔬 مرحبا <b>", "👩🏽‍🔬 مرحبا <b>"), ("x" * 200, "x" * 200)],
)
async def test_a_title_is_stored_in_one_line(chat: Chat, title: str, stored: str) -> None:
    job = await chat.ask_and_wait("Q1")
    await chat.conversations.rename(USER, job.conversation_id, title=title, seen="Q1")
    opened = await chat.conversations.open(USER, job.conversation_id)
    assert opened.conversation.title == stored


@pytest.mark.parametrize(("title", "error"), [(" \n", EmptyMessage), ("x" * 201, MessageTooLong)])
async def test_an_empty_title_is_refused(chat: Chat, title: str, error: type[Exception]) -> None:
    job = await chat.ask_and_wait("Q1")
    with pytest.raises(error):
        await chat.conversations.rename(USER, job.conversation_id, title=title, seen="Q1")


async def test_a_view_differs_when_there_is_something_new(chat: Chat) -> None:
    job = await chat.ask_and_wait("Q1")
    looks = [await chat.conversations.version(USER, job.conversation_id)]
    assert looks[0] == await chat.conversations.version(USER, job.conversation_id)
    await chat.ask_and_wait("Q2", conversation_id=job.conversation_id)
    looks.append(await chat.conversations.version(USER, job.conversation_id))
    await chat.conversations.rename(USER, job.conversation_id, title="T", seen="Q1")
    looks.append(await chat.conversations.version(USER, job.conversation_id))
    assert len(set(looks)) == 3


async def test_a_view_differs_when_a_middle_turn_is_deleted_or_restored(chat: Chat) -> None:
    job = await chat.ask_and_wait("Q1")
    there = job.conversation_id
    await chat.ask_and_wait("Q2", conversation_id=there)
    looks = [await chat.conversations.version(USER, there)]
    removed = await chat.conversations.delete_turn(USER, there, job.message_id)
    looks.append(await chat.conversations.version(USER, there))
    await chat.conversations.restore_messages(USER, removed)
    looks.append(await chat.conversations.version(USER, there))
    assert len(set(looks)) == 3
    assert (await chat.conversations.open(USER, there)).version == looks[-1]


async def test_an_answer_on_another_branch_is_announced() -> None:
    chat = make_chat(Script(pieces=["A1"]), Script(pieces=["A2"], hangs=True))
    first = await chat.ask_and_wait("Q1")
    there = first.conversation_id
    job = await chat.answers.retry(USER, conversation_id=there, message_id=first.message_id)
    await chat.conversations.show(USER, there, first.message_id)
    opened = await chat.conversations.open(USER, there)
    assert (opened.job, opened.elsewhere) == (None, job.message_id)
    assert opened.version.being_written == job.message_id
    await chat.jobs.close(0)


async def test_a_foreign_conversation_looks_like_an_unknown_one_busy_or_not() -> None:
    chat = make_chat(Script(pieces=["A1"]), Script(pieces=["A2"], hangs=True))
    job = await chat.ask_and_wait("Hi")
    there, here = job.conversation_id, job.message_id
    question = Question("Hi", "b")
    removed = await chat.conversations.delete_branch(USER, there, here)
    await chat.conversations.restore_messages(USER, removed)
    for _ in range(2):
        for attempt in (
            chat.conversations.open("bob", there),
            chat.conversations.version("bob", there),
            chat.conversations.show("bob", there, here),
            chat.conversations.edit_answer("bob", conversation_id=there, message_id=here, text="x"),
            chat.conversations.delete_turn("bob", there, here),
            chat.conversations.delete_branch("bob", there, here),
            chat.conversations.undo_turn("bob", there),
            chat.conversations.restore_messages("bob", removed),
            chat.conversations.rename("bob", there, title="x", seen="Hi"),
            chat.conversations.pin("bob", there, pinned=True),
            chat.conversations.delete("bob", there),
            chat.conversations.restore("bob", there),
            chat.conversations.archive("bob", there),
            chat.conversations.set_options("bob", there, ChatOptions()),
            chat.answers.retry("bob", conversation_id=there, message_id=here),
            chat.answers.go_on("bob", conversation_id=there, message_id=here),
            chat.answers.prompt_of("bob", conversation_id=there, message_id=here),
            chat.answers.context_usage(
                "bob", conversation_id=there, question=question, options=ChatOptions()
            ),
            chat.ask("Hi", user_id="bob", conversation_id=there),
        ):
            with pytest.raises(NotFound):
                await attempt
        if not chat.jobs.find(USER, there):
            await chat.ask("And?", conversation_id=there)
    await chat.jobs.close(0)


async def test_the_context_usage_is_that_of_the_next_prompt(chat: Chat) -> None:
    job = await chat.ask_and_wait("Q1")
    usage = await chat.answers.context_usage(
        USER,
        conversation_id=job.conversation_id,
        question=Question("draft", "", attachments=(Attachment("a.txt", "data"),)),
        options=ChatOptions("system"),
    )
    draft = len(with_attachments("draft", [Attachment("a.txt", "data")]))
    assert (usage.system, usage.history, usage.draft) == (6, 4, draft)
    assert (usage.room, usage.limit, usage.dropped_turns, usage.fits) == (250, 1000, 0, True)
    assert usage.prompt == 10 + draft


async def test_the_context_usage_counts_the_turns_that_will_be_dropped(chat: Chat) -> None:
    job = await chat.ask_and_wait("a" * 400)
    later = await chat.ask_and_wait("b" * 200, conversation_id=job.conversation_id)
    usage = await chat.answers.context_usage(
        USER,
        conversation_id=later.conversation_id,
        question=Question("c" * 300, ""),
        options=ChatOptions(),
    )
    assert (usage.dropped_turns, usage.history, usage.fits) == (1, 202, True)


async def test_the_context_usage_of_a_draft_that_can_never_fit(chat: Chat) -> None:
    usage = await chat.answers.context_usage(
        USER, conversation_id=None, question=Question("x" * 900, ""), options=ChatOptions()
    )
    assert (usage.fits, usage.draft) == (False, 900)


async def test_an_empty_draft_has_a_context_usage(chat: Chat) -> None:
    usage = await chat.answers.context_usage(
        USER, conversation_id=None, question=Question("", ""), options=ChatOptions()
    )
    assert (usage.prompt, usage.fits) == (0, True)


async def test_attached_files_are_sent_as_data_and_stored_with_the_question(chat: Chat) -> None:
    files = (Attachment("a.csv", "x,y\n1,2"),)
    job = await chat.ask("Sum?", attachments=files)
    await finished(job)
    assert chat.engine.prompts[0][0].content == with_attachments("Sum?", files)
    question = (await chat.messages(job))[0]
    assert (question.content, question.attachments) == ("Sum?", files)
    await chat.ask_and_wait("And?", conversation_id=job.conversation_id)
    assert chat.engine.prompts[1][0].content == with_attachments("Sum?", files)


async def test_an_invalid_file_is_refused_before_any_write(chat: Chat) -> None:
    with pytest.raises(BadAttachment):
        await chat.ask("Q", attachments=[Attachment("a.bin", "\0")])
    with pytest.raises(MessageTooLong):
        await chat.ask("Q", attachments=[Attachment("a.txt", "x" * 200_000)])
    assert not await chat.conversations.recent(USER)


async def test_the_exact_prompt_of_an_answer_can_be_read_later() -> None:
    chat = make_chat(Script(pieces=["A1"], finish=Finish.LENGTH), Script(pieces=["+"]))
    options = ChatOptions("Be brief.", Sampling(seed=1), PresetRef("maths.en", 2))
    job = await chat.ask("Q1", options=options)
    await finished(job)
    more = await chat.answers.go_on(
        USER, conversation_id=job.conversation_id, message_id=job.message_id
    )
    await finished(more)
    await chat.conversations.set_options(USER, job.conversation_id, ChatOptions("Other"))
    for answer, prompt in zip((job, more), chat.engine.prompts, strict=True):
        exact_prompt = await chat.answers.prompt_of(
            USER, conversation_id=job.conversation_id, message_id=answer.message_id
        )
        assert exact_prompt == await chat.engine.render_prompt(prompt)
    stored = (await chat.answer(more)).provenance
    assert stored
    assert (stored.system_prompt, stored.preset) == ("Be brief.", options.preset)


async def test_a_prompt_with_deleted_messages_is_not_reconstructed(chat: Chat) -> None:
    job = await two_turns(chat)
    first = (await chat.messages(job))[0]
    await chat.conversations.delete_turn(USER, job.conversation_id, first.id)
    with pytest.raises(PromptLost):
        await chat.answers.prompt_of(
            USER, conversation_id=job.conversation_id, message_id=job.message_id
        )


async def test_only_prefixes_of_the_same_user_count_as_reused(chat: Chat) -> None:
    options = ChatOptions("S")
    counts = []
    for number, user in enumerate((USER, "bob", USER)):
        job = await chat.ask("Q" * 10, user_id=user, options=options, request_id=f"r{number}")
        await finished(job)
        timing = (await chat.answer(job)).timing
        counts.append(timing.reused_prompt_tokens if timing else None)
    assert counts == [0, 0, REUSED]


async def test_only_the_system_prompt_counts_as_reused_for_a_new_question(
    chat: Chat,
) -> None:
    await chat.ask("Q1", options=ChatOptions("S"))
    job = await chat.ask("Q2", options=ChatOptions("S"))
    await finished(job)
    timing = (await chat.answer(job)).timing
    assert timing
    assert timing.reused_prompt_tokens == 1


async def test_an_imported_conversation_that_begins_with_an_answer_can_be_continued(
    chat: Chat,
) -> None:
    job = await chat.ask_and_wait("Q1")
    archive = await chat.conversations.archive(USER, job.conversation_id)
    greeting = replace(archive.messages[1], parent_id=None)
    there = replace(archive.conversation, head_id=greeting.id)
    (added,) = await chat.conversations.add_archives(USER, [Archive(there, (greeting,))])
    later = [await chat.ask_and_wait(f"Q{n}", conversation_id=added.id) for n in (2, 3)]
    assert await chat.contents(later[1]) == ["A1", "Q2", "A2", "Q3", "A3"]
