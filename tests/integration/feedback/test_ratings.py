"""Ratings of answers, and their snapshots."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from chat.accounts.models import LOCAL, AccountRole, Principal, User
from chat.campaigns.enrolment import Enrolment
from chat.campaigns.hosts import Campaigns
from chat.campaigns.models import Mode, Plan, Variant
from chat.campaigns.participation import Participation
from chat.campaigns.validation import consent_digest
from chat.conversations.errors import AnswerRunning
from chat.conversations.models import Attachment, Origin
from chat.conversations.turns import Turns
from chat.errors import BadText, MessageTooLong, NotFound
from chat.feedback.errors import EmptyRating, NotRatable, UnknownReason
from chat.feedback.models import REASONS, Ratable, RatingInput, Verdict
from chat.feedback.ratings import Ratings
from chat.feedback.snapshots import is_exact
from chat.feedback.validation import MAX_COMMENT
from chat.models import (
    ChatMessage,
    ChatOptions,
    Finish,
    PresetRef,
    Prompt,
    Role,
    Sampling,
    Status,
)
from chat.serving.completion import CompletionRecord
from chat.serving.completions import CompletionInput
from chat.serving.engines import Engines
from chat.serving.errors import EngineFailed
from chat.serving.observer import Source
from chat.tools import CallPiece
from tests.chat import finished, until_text
from tests.contract.stores import START
from tests.counting import Counting
from tests.fakes import Script
from tests.feedback import RatedChat, rated_chat

UP, DOWN = RatingInput(Verdict.UP), RatingInput(Verdict.DOWN)
STRANGER = User("stranger", "Stranger", AccountRole.MEMBER, START)
OPTIONS = ChatOptions("Be brief.", Sampling(temperature=0.3), PresetRef("maths", 2))


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[RatedChat]:
    async with rated_chat(tmp_path) as chat:
        yield chat


async def test_the_snapshot_has_the_prompt_of_the_engine(chat: RatedChat) -> None:
    first = await chat.ask_and_wait("Capital of France? 首都", options=OPTIONS)
    second = await chat.ask_and_wait(
        "And of Italy?",
        options=OPTIONS,
        conversation_id=first.conversation_id,
        attachments=(Attachment("map.txt", "here be dragons"),),
    )
    await chat.rate(second, UP, page_language="zh")
    snapshot, answer = await chat.snapshot(second), await chat.message(second)
    assert snapshot.prompt == chat.engine.prompts[1]
    assert is_exact(snapshot)
    assert (snapshot.answer, snapshot.status, snapshot.finish) == ("Hello", Status.DONE, "stop")
    assert (snapshot.usage, snapshot.timing) == (answer.usage, answer.timing)
    assert snapshot.provenance == answer.provenance
    assert snapshot.provenance
    assert snapshot.provenance.preset == PresetRef("maths", 2)
    assert snapshot.provenance.sampling.seed is not None
    assert (snapshot.source, snapshot.owner_id) == (Source.PAGE, LOCAL.id)
    assert (snapshot.conversation_id, snapshot.made_at) == (
        second.conversation_id,
        answer.created_at,
    )
    assert (snapshot.language, snapshot.page_language) == ("en", "zh")
    assert (snapshot.campaign_id, snapshot.variant) == ("", None)
    assert snapshot.question.endswith("And of Italy?")


async def test_dropped_turns_are_not_in_the_snapshot(tmp_path: Path) -> None:
    async with rated_chat(tmp_path, Script(("a" * 300,))) as chat:
        first = await chat.ask_and_wait("b" * 300)
        second = await chat.ask_and_wait("c" * 300, conversation_id=first.conversation_id)
        await chat.rate(second, UP)
        snapshot = await chat.snapshot(second)
        assert snapshot.provenance
        assert snapshot.provenance.dropped_turns == 1
        assert snapshot.prompt == chat.engine.prompts[1]
        assert is_exact(snapshot)


async def test_a_continued_answer_has_a_snapshot_with_its_beginning(tmp_path: Path) -> None:
    cut = Script(("Hel",), finish=Finish.LENGTH)
    async with rated_chat(tmp_path, cut, Script(("lo",))) as chat:
        first = await chat.ask_and_wait("Hi")
        job = await chat.answers.go_on(
            LOCAL.id, conversation_id=first.conversation_id, message_id=first.message_id
        )
        await finished(job)
        await chat.rate(job, UP)
        snapshot = await chat.snapshot(job)
        assert snapshot.answer == "Hello"
        assert snapshot.prompt[-1] == ChatMessage(Role.ASSISTANT, "Hel", partial=True)
        assert is_exact(snapshot)


async def test_a_prompt_with_deleted_messages_is_not_exact(
    chat: RatedChat,
) -> None:
    first = await chat.ask_and_wait("one")
    second = await chat.ask_and_wait("two", conversation_id=first.conversation_id)
    await chat.conversations.delete_turn(LOCAL.id, first.conversation_id, first.message_id)
    await chat.rate(second, UP)
    snapshot = await chat.snapshot(second)
    assert snapshot.prompt == (ChatMessage(Role.USER, "two"),)
    assert not is_exact(snapshot)


async def test_a_stopped_answer_and_an_old_version_are_rated_separately(
    tmp_path: Path,
) -> None:
    async with rated_chat(tmp_path, Script(("Hel",), hangs=True), Script(("new",))) as chat:
        job = await chat.ask("Hi")
        await until_text(job)
        with pytest.raises(AnswerRunning):
            await chat.rate(job, UP)
        job.cancel()
        await finished(job)
        again = await chat.answers.retry(
            LOCAL.id, conversation_id=job.conversation_id, message_id=job.message_id
        )
        await finished(again)
        await chat.rate(job, DOWN)
        await chat.rate(again, UP)
        stopped = await chat.snapshot(job)
        assert (stopped.answer, stopped.status, stopped.finish) == ("Hel", Status.STOPPED, None)
        rating_input = await chat.ratings.newest(
            LOCAL.id, [job.message_id, again.message_id, "another"]
        )
        assert {key: rating.rating_input for key, rating in rating_input.items()} == {
            job.message_id: DOWN,
            again.message_id: UP,
        }


async def test_an_answer_stopped_or_failed_before_its_first_token_can_be_rated(
    tmp_path: Path,
) -> None:
    slow, broken = Script((), hangs=True), Script((), error=EngineFailed())
    async with rated_chat(tmp_path, slow, broken) as chat:
        stopped = await chat.ask("Hi")
        with pytest.raises(AnswerRunning):
            await chat.rate(stopped, DOWN)
        stopped.cancel()
        await finished(stopped)
        failed = await chat.ask_and_wait("Ho")
        for job, status in ((stopped, Status.STOPPED), (failed, Status.ERROR)):
            look = await chat.ratings.look(LOCAL, job.conversation_id, job.message_id)
            assert look == Ratable("", REASONS)
            rating_input = RatingInput(Verdict.DOWN, ("slow",), "", " Hello. ")
            assert (await chat.rate(job, rating_input)).rating_input == rating_input
            snapshot = await chat.snapshot(job)
            assert (snapshot.answer, snapshot.status, snapshot.language) == ("", status, "")
            assert is_exact(snapshot)


async def test_an_interrupted_answer_can_be_rated(tmp_path: Path) -> None:
    async with rated_chat(tmp_path, Script(("Hel",), hangs=True)) as chat:
        job = await chat.ask("Hi")
        await until_text(job)
        await chat.store.save_text(LOCAL.id, job.message_id, "Hel")
        await chat.store.interrupt_unfinished()
        await chat.rate(job, DOWN)
        assert (await chat.snapshot(job)).status is Status.INTERRUPTED


async def test_only_a_stored_generated_answer_can_be_rated(tmp_path: Path) -> None:
    async with rated_chat(tmp_path, Script(()), Script()) as chat:
        empty, job = await chat.ask_and_wait("Nothing?"), await chat.ask_and_wait("Hi")
        temporary = await chat.ask_and_wait("Hush", temporary=True)
        edited = await chat.conversations.edit_answer(
            LOCAL.id,
            conversation_id=job.conversation_id,
            message_id=job.message_id,
            text="what I would have said",
        )
        question = (await chat.message(job)).parent_id or ""
        archive = await chat.conversations.archive(LOCAL.id, job.conversation_id)
        elsewhere = tuple(replace(item, origin=Origin.IMPORTED) for item in archive.messages)
        (imported,) = await chat.conversations.add_archives(
            LOCAL.id, [replace(archive, messages=elsewhere)]
        )
        foreign = (await chat.conversations.archive(LOCAL.id, imported.id)).messages[1]
        for conversation_id, message_id in (
            (empty.conversation_id, empty.message_id),
            (temporary.conversation_id, temporary.message_id),
            (job.conversation_id, edited.id),
            (job.conversation_id, question),
            (imported.id, foreign.id),
        ):
            with pytest.raises(NotRatable):
                await chat.ratings.rate(
                    LOCAL, conversation_id=conversation_id, message_id=message_id, rating_input=UP
                )
            with pytest.raises(NotRatable):
                await chat.ratings.look(LOCAL, conversation_id, message_id)
        assert await chat.frozen() == 0


async def test_answers_of_others_are_not_found(chat: RatedChat) -> None:
    job = await chat.ask_and_wait("Hi")
    await chat.rate(job, UP)
    with pytest.raises(NotFound):
        await chat.rate(job, DOWN, user=STRANGER)
    with pytest.raises(NotFound):
        await chat.ratings.look(STRANGER, job.conversation_id, job.message_id)
    assert await chat.ratings.newest(STRANGER.id, [job.message_id]) == {}


async def test_ratings_stay_and_can_be_changed_after_the_conversation_is_deleted(
    chat: RatedChat,
) -> None:
    job, other = await chat.ask_and_wait("Hi"), await chat.ask_and_wait("Ho")
    await chat.rate(job, UP)
    before = await chat.snapshot(job)
    for each in (job, other):
        await chat.conversations.delete(LOCAL.id, each.conversation_id)
    await chat.conversations.purge()
    assert await chat.snapshot(job) == before
    assert (await chat.rate(job, DOWN)).version == 2
    with pytest.raises(NotFound):
        await chat.rate(other, UP)


@pytest.mark.parametrize("verdict_only", [False, True])
async def test_a_rating_reads_the_placement_and_the_rating_before_once(
    chat: RatedChat, verdict_only: bool
) -> None:
    plan = Plan("River test", Mode.SINGLE, (Variant("A"),), reasons=("dull",))
    stored, accounts = chat.store.feedback.campaigns, chat.store.accounts
    campaign = await Campaigns(stored).add(LOCAL, plan)
    await Participation(stored, accounts).agree(LOCAL, campaign.id, consent_digest(plan))
    chat.answers = Turns(
        engines=Engines(chat.engine),
        store=chat.store,
        jobs=chat.jobs,
        enrolment=Enrolment(accounts, stored),
    )
    job = await chat.ask_and_wait("Name a river", campaign_id=campaign.id)
    store = Counting(chat.store.feedback.ratings)
    ratings = Ratings(conversations=chat.store, store=store)
    for rating_input in (RatingInput(Verdict.DOWN, ("dull",)), UP):
        store.calls.clear()
        rating = await ratings.rate(
            LOCAL,
            conversation_id=job.conversation_id,
            message_id=job.message_id,
            rating_input=rating_input,
            verdict_only=verdict_only,
        )
        assert store.calls == {"snapshot_of": 1, "placement": 1, "newest": 1, "rate": 1}
    assert rating.rating_input.reasons == (("dull",) if verdict_only else ())
    assert rating.rating_input.verdict is Verdict.UP


async def test_a_withdrawn_rating_is_a_version(chat: RatedChat) -> None:
    job = await chat.ask_and_wait("Hi")
    with pytest.raises(EmptyRating):
        await chat.rate(job, RatingInput(comment="  \n"))
    assert await chat.frozen() == 0
    assert (await chat.rate(job, UP)).version == 1
    withdrawn = await chat.rate(job, RatingInput())
    assert (withdrawn.version, withdrawn.rating_input) == (2, RatingInput())
    assert (await chat.rate(job, RatingInput())).version == 2
    look = await chat.ratings.look(LOCAL, job.conversation_id, job.message_id)
    assert look == Ratable("Hello", REASONS, withdrawn)


async def test_a_rating_is_stored_in_normal_form(chat: RatedChat) -> None:
    job = await chat.ask_and_wait("Hi")
    rating_input = RatingInput(
        Verdict.DOWN, ("other", "language", "other"), " why? \n", "Bonjour\n"
    )
    stored = (await chat.rate(job, rating_input)).rating_input
    assert stored == RatingInput(Verdict.DOWN, ("other", "language"), "why?", "Bonjour\n")
    for idle in ("", "  ", "Hello", "Hello\r\n"):
        again = await chat.rate(job, replace(UP, correction=idle))
        assert again.rating_input == UP


async def test_a_long_or_unstorable_rating_is_refused_without_writing(
    chat: RatedChat,
) -> None:
    job = await chat.ask_and_wait("Hi")
    longest = "x" * MAX_COMMENT
    for rating_input, error in (
        (RatingInput(comment=longest + "x"), MessageTooLong),
        (RatingInput(comment="y" * 2**20), MessageTooLong),
        (RatingInput(correction=longest + "Hello!"), MessageTooLong),
        (RatingInput(comment="\0"), BadText),
        (RatingInput(correction="\ud800"), BadText),
        (RatingInput(reasons=("dull",)), UnknownReason),
    ):
        with pytest.raises(error):
            await chat.rate(job, rating_input)
    assert await chat.frozen() == 0
    await chat.rate(job, RatingInput(comment=longest, correction=longest + "Hello"))


# --- answers that programs were given -------------------------------------------------------------


async def completion(
    chat: RatedChat, prompt: Prompt, *, remembered: bool = True
) -> CompletionRecord:
    completion_input = CompletionInput("cmpl-1", prompt, remembered=remembered)
    return await (await chat.completions.begin(Principal(LOCAL), completion_input)).record()


async def test_a_programs_answer_is_rated_by_its_id(chat: RatedChat) -> None:
    turns = (ChatMessage(Role.SYSTEM, "Be brief."), ChatMessage(Role.USER, "Hi 你好"))
    written = await completion(chat, turns)
    rating = await chat.ratings.rate_completion(LOCAL, written.id, DOWN)
    snapshot = await chat.store.feedback.ratings.snapshot_of(LOCAL.id, written.id)
    assert snapshot
    assert rating.snapshot_id == snapshot.id
    assert (snapshot.source, snapshot.prompt, snapshot.answer) == (Source.API, turns, "Hello")
    assert (snapshot.usage, snapshot.provenance) == (written.usage, written.provenance)
    assert is_exact(snapshot)
    assert (await chat.ratings.rate_completion(LOCAL, written.id, UP)).version == 2


async def test_a_continued_programs_answer_has_a_snapshot_from_its_beginning(
    chat: RatedChat,
) -> None:
    written = await completion(
        chat, (ChatMessage(Role.USER, "Hi"), ChatMessage(Role.ASSISTANT, "Oh, ", partial=True))
    )
    assert written.text == "Hello"
    await chat.ratings.rate_completion(LOCAL, written.id, UP)
    snapshot = await chat.store.feedback.ratings.snapshot_of(LOCAL.id, written.id)
    assert snapshot
    assert snapshot.answer == "Oh, Hello"
    assert is_exact(snapshot)


async def test_bare_text_has_a_snapshot_as_a_question_and_is_not_exact(chat: RatedChat) -> None:
    written = await completion(chat, "def fib(n):")
    await chat.ratings.rate_completion(LOCAL, written.id, UP)
    snapshot = await chat.store.feedback.ratings.snapshot_of(LOCAL.id, written.id)
    assert snapshot
    assert snapshot.prompt == (ChatMessage(Role.USER, "def fib(n):"),)
    assert not is_exact(snapshot)


async def test_tool_calls_are_part_of_the_snapshot(tmp_path: Path) -> None:
    call = CallPiece(0, "call-1", "weather", '{"city": "Paris"}')
    script = Script(("Let me look.", call), finish=Finish.TOOL_CALLS)
    async with rated_chat(tmp_path, script) as chat:
        written = await completion(chat, (ChatMessage(Role.USER, "Hi"),))
        await chat.ratings.rate_completion(LOCAL, written.id, UP)
        snapshot = await chat.store.feedback.ratings.snapshot_of(LOCAL.id, written.id)
        assert snapshot
        assert snapshot.answer == (
            'Let me look.\n<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n'
            "</tool_call>"
        )


async def test_an_unremembered_or_foreign_completion_is_not_found(
    chat: RatedChat,
) -> None:
    await completion(chat, (ChatMessage(Role.USER, "Hi"),), remembered=False)
    with pytest.raises(NotFound):
        await chat.ratings.rate_completion(LOCAL, "cmpl-1", UP)
    await completion(chat, (ChatMessage(Role.USER, "Hi"),))
    with pytest.raises(NotFound):
        await chat.ratings.rate_completion(STRANGER, "cmpl-1", UP)
    assert await chat.frozen() == 0
