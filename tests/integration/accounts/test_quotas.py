"""Quotas on the road of a question: what is refused leaves nothing, what is used is added up."""

import asyncio
from collections import Counter

import pytest

from chat.accounts.errors import (
    GuestMessagesUsedUp,
    GuestTokensUsedUp,
    TokensUsedUp,
    TooManyRequests,
)
from chat.accounts.models import AccountUsage
from chat.conversations.jobs import Job
from chat.conversations.models import Question
from chat.errors import EmptyMessage
from chat.models import ChatOptions, Status
from chat.serving.errors import Busy, EngineFailed, TooManyWaiting
from tests.chat import Chat, finished, make_chat, until_text
from tests.fakes import Script
from tests.users import LINK, Town, make_town


@pytest.fixture
async def town() -> Town:
    return await make_town()


async def test_an_answer_costs_prompt_and_completion_tokens(town: Town) -> None:
    chat = make_chat(Script(pieces=["Hel", "lo"]), quotas=town.quotas())
    await finished(await chat.ask("Hi!", user_id="ann"))
    assert await town.users.used("ann") == AccountUsage(messages=1, tokens=3 + 5)
    assert await town.users.used("ann", town.now.date()) == AccountUsage(messages=1, tokens=8)
    assert await town.users.used("bob") == AccountUsage()


async def test_retries_and_continuations_cost_too(town: Town) -> None:
    chat = make_chat(Script(pieces=["Hello"]), quotas=town.quotas())
    job = await chat.ask("Hi!", user_id="ann")
    await finished(job)
    place = {"conversation_id": job.conversation_id, "message_id": job.message_id}
    await finished(await chat.answers.retry("ann", **place))
    await finished(await chat.answers.go_on("ann", **place))
    assert await town.users.used("ann") == AccountUsage(messages=3, tokens=8 + 8 + (8 + 5))


async def test_a_stopped_answer_costs_its_tokens_so_far(town: Town) -> None:
    chat = make_chat(Script(pieces=["par", "tial"], hangs=True), quotas=town.quotas())
    job = await chat.ask("Hi!", user_id="ann")
    await until_text(job)
    await asyncio.sleep(0.01)
    job.cancel()
    await finished(job)
    assert await town.users.used("ann") == AccountUsage(messages=1, tokens=3 + 7)


async def test_a_failed_answer_costs_its_tokens_so_far(town: Town) -> None:
    chat = make_chat(Script(pieces=["par"], error=EngineFailed()), quotas=town.quotas())
    await finished(await chat.ask("Hi!", user_id="ann"))
    assert await town.users.used("ann") == AccountUsage(messages=1, tokens=3 + 3)


async def test_a_question_that_never_got_a_place_is_free(town: Town) -> None:
    chat = make_chat(Script(hangs=True), quotas=town.quotas(), max_running=1)
    await until_text(await chat.ask("one", user_id="bob"))
    waiting = await chat.ask("two", user_id="gus")
    waiting.cancel()
    assert (await finished(waiting)).status is Status.STOPPED
    assert await town.users.used("gus") == AccountUsage()
    for number in range(2):  # nor is it among what a guest has open
        await chat.ask(f"again {number}", user_id="gus")
    await chat.jobs.close(0)


async def refused(chat: Chat, user_id: str, error: type[Exception]) -> None:
    """A question of that user is refused, and neither stored nor answered."""
    stored, requests = await chat.store.conversations(user_id), len(chat.engine.prompts)
    with pytest.raises(error):
        await chat.ask("too much", user_id=user_id)
    assert await chat.store.conversations(user_id) == stored
    assert len(chat.engine.prompts) == requests


async def test_over_a_limit_nothing_is_written(town: Town) -> None:
    chat = make_chat(Script(pieces=["x" * 20]), quotas=town.quotas())
    await chat.ask_and_wait("Hi" * 15, user_id="ann")
    await refused(chat, "ann", TokensUsedUp)
    for number in range(LINK.max_messages):
        await chat.ask_and_wait(f"{number}", user_id="gus")
    await refused(chat, "gus", GuestMessagesUsedUp)
    for number in range(5):
        await chat.ask_and_wait(f"{number}", user_id="root")
    await refused(chat, "root", TooManyRequests)
    await refused(chat, "ann", TokensUsedUp)


async def test_the_limit_applies_to_retries_and_continuations(town: Town) -> None:
    chat = make_chat(Script(pieces=["x" * 50]), quotas=town.quotas())
    job = await chat.ask_and_wait("Hi", user_id="ann")
    place = {"conversation_id": job.conversation_id, "message_id": job.message_id}
    for again in (chat.answers.retry, chat.answers.go_on):
        with pytest.raises(TokensUsedUp):
            await again("ann", **place)
    assert len(await chat.messages(job)) == 2


async def test_more_than_may_run_and_wait_of_one_user_is_refused_while_others_are_served(
    town: Town,
) -> None:
    chat = make_chat(Script(hangs=True), quotas=town.quotas(), max_running=3, max_waiting=9)
    for number in range(4):
        await chat.ask(f"{number}", user_id="root")
    await refused(chat, "root", TooManyWaiting)
    other = await chat.ask("me too", user_id="ann")
    await until_text(other)
    assert chat.engine.running == 3
    await chat.jobs.close(0)


async def test_a_refusal_by_a_full_server_does_not_count_for_a_guest(town: Town) -> None:
    chat = make_chat(Script(hangs=True), quotas=town.quotas(), max_running=1, max_waiting=0)
    running = await chat.ask("one", user_id="bob")
    for _ in range(LINK.max_messages + 1):
        await refused(chat, "gus", Busy)
    running.cancel()
    await finished(running)
    await until_text(await chat.ask("at last", user_id="gus"))
    await chat.jobs.close(0)


async def test_a_question_that_is_refused_for_any_reason_leaves_the_minute_as_it_was(
    town: Town,
) -> None:
    chat = make_chat(
        Script(hangs=True), quotas=town.quotas(per_address=2), max_running=1, max_waiting=0
    )

    async def ask(user_id: str) -> Job:
        question = Question("Hi", f"request of {user_id}")
        return await chat.answers.send(
            user_id,
            conversation_id=None,
            question=question,
            options=ChatOptions(),
            address="192.0.2.1",
        )

    running = await ask("bob")
    counted = Counter({"user bob": 1, "address 192.0.2.1": 1})
    assert town.rates.hits == counted
    with pytest.raises(Busy):
        await ask("root")
    assert +town.rates.hits == counted
    town.rates.hits["address 192.0.2.1"] = 2
    with pytest.raises(TooManyRequests):
        await ask("root")
    assert town.rates.hits["user root"] == 0
    running.cancel()
    await finished(running)
    town.rates.hits.clear()
    await town.users.spend("ann", town.now.date(), AccountUsage(1, 50))
    with pytest.raises(TokensUsedUp):
        await ask("ann")
    assert not +town.rates.hits


async def test_an_invalid_question_is_not_counted(town: Town) -> None:
    chat = make_chat(quotas=town.quotas())
    with pytest.raises(EmptyMessage):
        await chat.ask(" ", user_id="ann")
    assert not town.rates.hits


async def test_a_repeated_request_is_counted_once(town: Town) -> None:
    chat = make_chat(Script(hangs=True), quotas=town.quotas())
    jobs = [await chat.ask("Hi", user_id="ann") for _ in range(3)]
    assert len({job.message_id for job in jobs}) == 1
    assert town.rates.hits["user ann"] == 1
    await chat.jobs.close(0)


async def test_questions_are_counted_for_the_address_they_come_from(town: Town) -> None:
    chat = make_chat(quotas=town.quotas(per_address=1))

    async def ask(user_id: str, address: str) -> Job:
        question = Question("Hi", f"request of {user_id}")
        return await chat.answers.send(
            user_id, conversation_id=None, question=question, options=ChatOptions(), address=address
        )

    await finished(await ask("ann", "192.0.2.1"))
    with pytest.raises(TooManyRequests):
        await ask("bob", "192.0.2.1")
    await finished(await ask("bob", "192.0.2.2"))


async def test_without_accounts_there_are_no_limits() -> None:
    chat = make_chat(max_waiting=99)
    jobs = [await chat.ask(f"{number}") for number in range(60)]
    assert {(await finished(job)).status for job in jobs} == {Status.DONE}


@pytest.mark.parametrize(("share", "salts"), [(False, ["ann", "bob", "ann"]), (True, ["", "", ""])])
async def test_each_user_has_a_salt_unless_prefixes_are_shared(
    share: bool, salts: list[str]
) -> None:
    chat = make_chat(share_prefixes=share)
    for number, user in enumerate(("ann", "bob", "ann")):
        await chat.ask_and_wait(f"Hi {number}", user_id=user)
    assert chat.engine.salts == salts


async def test_the_last_answer_of_a_quota_is_completed(town: Town) -> None:
    """An answer that passes the limit is written to its end; only the next one is refused."""
    chat = make_chat(Script(pieces="x" * 200), quotas=town.quotas())
    assert len((await finished(await chat.ask("Hi", user_id="gus"))).text) == 200
    await refused(chat, "gus", GuestTokensUsedUp)
