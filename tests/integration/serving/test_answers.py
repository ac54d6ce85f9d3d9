"""Generation of answers, on a scripted engine and a store in memory."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from chat.conversations.errors import AnswerRunning
from chat.conversations.models import AnswerRecord, Progress
from chat.errors import EmptyMessage, NotFound, StoreFailed
from chat.models import ChatMessage, ChatOptions, Finish, Role, Sampling, Status
from chat.serving.errors import Busy, EngineFailed, EngineNotReady, PromptTooLong, ShuttingDown
from chat.serving.generation import Timeouts
from chat.serving.models import Phase
from tests.chat import USER, Chat, finished, make_chat, until_text
from tests.fakes import DEFAULTS, Script
from tests.memory_store import MemoryStore


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    chat = make_chat()
    yield chat
    await chat.jobs.close(0)


async def test_a_question_is_answered_and_both_are_stored(chat: Chat) -> None:
    job = await chat.ask("Hi")
    assert (await finished(job)).text == "Hello"
    question, answer = await chat.messages(job)
    assert (question.role, question.content, question.status) == (Role.USER, "Hi", Status.DONE)
    assert (answer.content, answer.status, answer.finish) == ("Hello", Status.DONE, Finish.STOP)


async def test_a_nul_character_of_the_model_is_removed() -> None:
    chat = make_chat(Script(pieces=["a\0", "\0", "b"]))
    job = await chat.ask("Hi")
    assert (await finished(job)).text == "ab"
    assert (await chat.answer(job)).content == "ab"


async def test_an_answer_stores_its_provenance(chat: Chat) -> None:
    job = await chat.ask("Hi")
    await finished(job)
    provenance = (await chat.answer(job)).provenance
    assert provenance is not None
    assert (provenance.model, provenance.revision) == ("Scripted-1B-Instruct", "r1")
    assert provenance.sampling.seed is not None
    assert replace(provenance.sampling, seed=None) == DEFAULTS


async def test_the_next_prompt_holds_the_turns_before_it(chat: Chat) -> None:
    job = await chat.ask("Hi")
    await finished(job)
    await finished(await chat.ask("And?", conversation_id=job.conversation_id))
    assert chat.engine.prompts[-1] == (
        ChatMessage(Role.USER, "Hi"),
        ChatMessage(Role.ASSISTANT, "Hello"),
        ChatMessage(Role.USER, "And?"),
    )


async def test_all_watchers_get_the_same_text_and_may_stop_watching() -> None:
    chat = make_chat(Script(pieces="abcdef", step_s=0.01))
    job = await chat.ask("Hi")

    async def stop_watching() -> None:
        await until_text(job)

    _, first, second = await asyncio.gather(stop_watching(), finished(job), finished(job))
    assert first == second
    assert first.text == "abcdef"


async def test_a_conversation_opened_mid_answer_shows_the_text_so_far_and_continues() -> None:
    chat = make_chat(Script(pieces="abcdef", step_s=0.02))
    job = await chat.ask("Hi")
    await until_text(job)
    opened = await chat.conversations.open(USER, job.conversation_id)
    assert opened.job is not None
    seen = [progress.text async for progress in opened.job.watch()]
    assert seen[0]
    assert seen[-1] == "abcdef"
    assert (await chat.conversations.open(USER, job.conversation_id)).job is None


async def test_stop_keeps_the_text_and_frees_the_engine() -> None:
    chat = make_chat(Script(pieces=["par", "tial"], hangs=True))
    job = await chat.ask("Hi")
    await until_text(job)
    await asyncio.sleep(0.01)
    chat.answers.stop(USER, job.conversation_id)
    chat.answers.stop(USER, job.conversation_id)
    assert (await finished(job)).status is Status.STOPPED
    answer = await chat.answer(job)
    assert (answer.content, answer.status) == ("partial", Status.STOPPED)
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 7
    assert answer.timing is not None
    assert (answer.timing.prefill_s, answer.timing.ttft_s) == (0.1, 0.1)
    assert answer.timing.total_s > 0
    assert (chat.engine.running, chat.engine.cancelled) == (0, 1)


@pytest.mark.parametrize("steps", [0, 1, 2])
async def test_stop_at_once_is_not_lost(steps: int) -> None:
    chat = make_chat(Script(hangs=True), timeouts=Timeouts(queue_s=60, stall_s=60, request_s=60))
    job = await chat.ask("Hi")
    for _ in range(steps):
        await asyncio.sleep(0)
    job.cancel()
    async with asyncio.timeout(2):
        assert (await finished(job)).status is Status.STOPPED
    assert (await chat.answer(job)).status is Status.STOPPED


async def test_stop_while_waiting_leaves_the_queue() -> None:
    chat = make_chat(Script(hangs=True), max_running=1)
    running, waiting = await chat.ask("one"), await chat.ask("two")
    await until_text(running)
    waiting.cancel()
    assert (await finished(waiting)).status is Status.STOPPED
    assert len(chat.engine.prompts) == 1


async def test_a_queued_request_reports_its_position() -> None:
    chat = make_chat(Script(hangs=True), max_running=1)
    await chat.ask("one")
    waiting = await chat.ask("two")
    positions = {p.position async for p in _first(waiting.watch(), 2)}
    assert 1 in positions


async def _first(pictures: AsyncIterator[Progress], count: int) -> AsyncIterator[Progress]:
    async for picture in pictures:
        yield picture
        count -= 1
        if not count:
            return


async def test_retry_adds_a_sibling_and_keeps_the_first_answer(chat: Chat) -> None:
    job = await chat.ask("Hi")
    await finished(job)
    again = await chat.answers.retry(
        USER, conversation_id=job.conversation_id, message_id=job.message_id
    )
    await finished(again)
    path = await chat.messages(again)
    assert [message.id for message in path][1:] == [again.message_id]
    assert again.message_id != job.message_id
    assert chat.engine.prompts[0] == chat.engine.prompts[1]
    assert chat.engine.samplings[0].seed != chat.engine.samplings[1].seed


async def test_retry_of_an_unknown_message_is_not_found(chat: Chat) -> None:
    job = await chat.ask("Hi")
    await finished(job)
    with pytest.raises(NotFound):
        await chat.answers.retry(USER, conversation_id=job.conversation_id, message_id="nothing")


async def test_an_engine_failure_leaves_a_failed_message_that_can_be_retried() -> None:
    chat = make_chat(Script(pieces=["half"], error=EngineFailed()), Script(pieces=["whole"]))
    job = await chat.ask("Hi")
    assert (await finished(job)).error_code == "engine_failed"
    answer = await chat.answer(job)
    assert (answer.content, answer.status, answer.error_code) == (
        "half",
        Status.ERROR,
        "engine_failed",
    )
    again = await chat.answers.retry(
        USER, conversation_id=job.conversation_id, message_id=job.message_id
    )
    assert (await finished(again)).text == "whole"


async def test_an_engine_without_deltas_fails_the_answer_after_the_stall_timeout() -> None:
    chat = make_chat(Script(hangs=True), timeouts=Timeouts(queue_s=5, stall_s=0.05, request_s=5))
    job = await chat.ask("Hi")
    assert (await finished(job)).error_code == "engine_stalled"
    assert chat.engine.running == 0


async def test_an_answer_over_the_time_limit_is_cut_and_stored() -> None:
    chat = make_chat(
        Script(pieces="x" * 1000, step_s=0.01),
        timeouts=Timeouts(queue_s=5, stall_s=5, request_s=0.1),
    )
    job = await chat.ask("Hi")
    last = await finished(job)
    assert last.error_code == "request_timeout"
    assert last.text.startswith("x")


async def test_a_request_that_waits_too_long_fails_with_queue_timeout() -> None:
    chat = make_chat(
        Script(hangs=True), max_running=1, timeouts=Timeouts(queue_s=0.05, stall_s=5, request_s=5)
    )
    await chat.ask("one")
    assert (await finished(await chat.ask("two"))).error_code == "queue_timeout"


async def test_an_unexpected_exception_ends_the_answer_and_not_the_watcher(
    caplog: pytest.LogCaptureFixture,
) -> None:
    chat = make_chat(Script(pieces=["a", 7]))  # type: ignore[list-item]  # that is the error
    job = await chat.ask("Hi")
    assert (await finished(job)).error_code == "internal_error"
    assert "failed" in caplog.text


async def test_a_second_question_in_mid_answer_is_refused_and_nothing_is_written() -> None:
    chat = make_chat(Script(pieces=["text"], hangs=True))
    job = await chat.ask("Hi")
    with pytest.raises(AnswerRunning):
        await chat.ask("Again", conversation_id=job.conversation_id)
    assert len(await chat.messages(job)) == 2


async def test_two_questions_at_the_same_moment_are_not_mixed(chat: Chat) -> None:
    job = await chat.ask("Hi")
    await finished(job)
    both = await asyncio.gather(
        chat.ask("A", conversation_id=job.conversation_id),
        chat.ask("B", conversation_id=job.conversation_id),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in both) == ["AnswerRunning", "Job"]


async def test_the_same_request_sent_twice_is_answered_once(chat: Chat) -> None:
    first = await chat.ask("Hi", request_id="r1")
    second = await chat.ask("Hi", request_id="r1")
    await finished(first)
    third = await chat.ask("Hi", request_id="r1")
    assert first.message_id == second.message_id == third.message_id
    assert (await finished(third)).text == "Hello"
    assert len(chat.engine.prompts) == 1


@pytest.mark.parametrize("text", ["", "  "])
async def test_a_refused_message_leaves_no_row(chat: Chat, text: str) -> None:
    with pytest.raises(EmptyMessage):
        await chat.ask(text)
    assert not await chat.conversations.recent(USER)


async def test_a_message_that_cannot_fit_is_refused_with_its_size(chat: Chat) -> None:
    with pytest.raises(PromptTooLong) as caught:
        await chat.ask("x" * 800)
    assert caught.value.values == {"tokens": 800, "limit": 750}
    assert not await chat.conversations.recent(USER)


async def test_a_full_queue_refuses_before_anything_is_written() -> None:
    chat = make_chat(Script(hangs=True), max_running=1, max_waiting=0)
    await chat.ask("one")
    with pytest.raises(Busy):
        await chat.ask("two")
    assert len(await chat.conversations.recent(USER)) == 1


async def test_a_question_is_refused_while_the_model_loads() -> None:
    chat = make_chat()
    chat.engine.current_state = replace(chat.engine.current_state, phase=Phase.LOADING)
    with pytest.raises(EngineNotReady):
        await chat.ask("Hi")
    assert not await chat.conversations.recent(USER)


async def test_an_engine_that_hangs_refuses_before_anything_is_written() -> None:
    chat = make_chat()
    chat.engine.current_state = replace(chat.engine.current_state, phase=Phase.DEGRADED)
    with pytest.raises(EngineNotReady):
        await chat.ask("Hi")
    assert not await chat.conversations.recent(USER)


async def test_with_an_engine_for_one_request_the_others_wait_in_the_queue() -> None:
    chat = make_chat(Script(hangs=True), max_running=4)
    chat.engine.max_concurrent = 1
    await chat.ask("one")
    waiting = await chat.ask("two")
    await asyncio.sleep(0.01)
    assert waiting.progress.position == 1
    assert waiting.progress.status is Status.PENDING


class ForgetfulStore(MemoryStore):
    """A store that cannot write the end of an answer while `full` is set, as with a full disk."""

    full = True

    async def finish_answer(self, user_id: str, message_id: str, record: AnswerRecord) -> None:
        if self.full:
            raise StoreFailed
        await super().finish_answer(user_id, message_id, record)


async def test_a_failed_final_write_of_an_answer_is_repeated_later() -> None:
    store = ForgetfulStore()
    chat = make_chat(store=store)
    job = await chat.ask("Hi")
    assert (await finished(job)).error_code == "store_failed"
    with pytest.raises(StoreFailed):
        await chat.ask("And?", conversation_id=job.conversation_id)
    store.full = False
    await finished(await chat.ask("And?", conversation_id=job.conversation_id))
    answer = (await chat.messages(job))[1]
    assert (answer.content, answer.status) == ("Hello", Status.DONE)


async def test_a_failed_final_write_of_an_answer_is_repeated_at_shutdown() -> None:
    store = ForgetfulStore()
    chat = make_chat(store=store)
    job = await chat.ask("Hi")
    await finished(job)
    store.full = False
    await chat.jobs.close(0)
    assert (await store.path(USER, job.conversation_id))[1].content == "Hello"


async def test_dropped_turns_are_published_at_once_and_stored_with_the_answer(
    chat: Chat,
) -> None:
    job = await chat.ask("a" * 400)
    await finished(job)
    later = await chat.ask("b" * 400, conversation_id=job.conversation_id)
    assert later.progress.dropped_turns == 1
    await finished(later)
    assert later.progress.dropped_turns == 1
    provenance = (await chat.answer(later)).provenance
    assert provenance is not None
    assert provenance.dropped_turns == 1


async def test_the_answer_of_another_user_cannot_be_stopped() -> None:
    chat = make_chat(Script(pieces="abc", step_s=0.02))
    job = await chat.ask("Hi")
    chat.answers.stop("bob", job.conversation_id)
    assert (await finished(job)).status is Status.DONE
    assert chat.answers.being_answered("bob") == frozenset()


async def test_settings_are_used_and_remembered(chat: Chat) -> None:
    options = ChatOptions("Be brief.", Sampling(temperature=0.0, seed=7))
    job = await chat.ask("Hi", options=options)
    await finished(job)
    assert chat.engine.prompts[0][0] == ChatMessage(Role.SYSTEM, "Be brief.")
    assert chat.engine.samplings[0] == options.sampling
    opened = await chat.conversations.open(USER, job.conversation_id)
    assert opened.conversation.options == options


async def test_closing_lets_short_answers_finish_and_interrupts_the_rest() -> None:
    chat = make_chat(Script(pieces="ab", step_s=0.02), Script(pieces=["begun"], hangs=True))
    short, endless = await chat.ask("one"), await chat.ask("two")
    await until_text(endless)
    await chat.jobs.close(grace_s=0.5)
    assert (await chat.answer(short)).status is Status.DONE
    assert (await chat.answer(endless)).status is Status.INTERRUPTED
    assert (await chat.answer(endless)).content == "begun"
    with pytest.raises(ShuttingDown):
        await chat.ask("three")


async def test_the_log_has_one_line_per_request_and_no_text(
    chat: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    job = await chat.ask("my secret question")
    await finished(job)
    (line,) = [record for record in caplog.records if record.message == "request"]
    assert line.__dict__["id"] == job.message_id
    assert line.__dict__["finish"] == "stop"
    assert line.__dict__["completion_tokens"] == 5
    assert not any("secret" in str(value) for value in line.__dict__.values())


class InterruptedStore(MemoryStore):
    """A store that cannot save anything while `gone` is set, as when its database is gone."""

    gone = False
    failed_saves = 0

    async def save_text(self, user_id: str, message_id: str, text: str) -> None:
        if self.gone:
            self.failed_saves += 1
            raise StoreFailed
        await super().save_text(user_id, message_id, text)

    async def finish_answer(self, user_id: str, message_id: str, record: AnswerRecord) -> None:
        if self.gone:
            raise StoreFailed
        await super().finish_answer(user_id, message_id, record)


async def test_a_save_that_fails_is_tried_again_and_costs_no_answer() -> None:
    store = InterruptedStore()
    chat = make_chat(Script("a long answer", step_s=0.2), store=store)
    job = await chat.ask("Hi")
    store.gone = True
    async with asyncio.timeout(30):
        while not store.failed_saves:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.02)
    store.gone = False
    assert (await finished(job)).status is Status.DONE
    assert (await chat.answer(job)).content == "a long answer"


async def test_an_answer_is_stored_when_the_database_is_back_without_a_question() -> None:
    store = InterruptedStore()
    chat = make_chat(store=store)
    store.gone = True
    job = await chat.ask("Hi")
    assert (await finished(job)).error_code == "store_failed"
    store.gone = False
    async with asyncio.timeout(30):
        while (await store.path(USER, job.conversation_id))[1].status is not Status.DONE:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.05)
    assert (await store.path(USER, job.conversation_id))[1].content == "Hello"
