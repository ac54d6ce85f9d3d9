"""The life of a program's request: its place, its hang-up, its bill, its end."""

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest

from api.openai.encoding import ChatEncoder
from api.openai.stream import events_of
from chat.accounts.api_keys import KeyLimits
from chat.accounts.errors import BadKey, TokensUsedUp, TooManyRequests
from chat.accounts.models import LOCAL, AccountRole, AccountUsage, ApiKey, Principal, User
from chat.errors import AppError, NotFound
from chat.models import ChatMessage, Role, Usage
from chat.serving.completion import Completion
from chat.serving.completions import CompletionInput
from chat.serving.errors import BadSchema, EngineFailed, OutOfMemory, TooManyWaiting
from chat.serving.generation import Timeouts
from chat.serving.models import EngineState, Phase
from chat.serving.observer import Source
from chat.tools import CallPiece, ToolCall
from tests.chat import make_chat
from tests.fakes import Script
from tests.programs import CHAT, HI, TEXT, ApiConnection, Programs, Seen, fault, until
from tests.users import CREATED, NOON, CountedRates, make_town

HANGING = Script(["Hel"], hangs=True)
SILENT = Script([], hangs=True)
ASKED = CompletionInput("chatcmpl-1", (ChatMessage(Role.USER, "Hi"),))


async def idle(programs: Programs) -> None:
    """Return when the engine writes for nobody and nobody waits."""
    await until(lambda: programs.idle)


# Hanging up


@pytest.mark.parametrize("path", [CHAT, TEXT])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("script", [HANGING, SILENT, Script(prefill_s=60)], ids=repr)
async def test_a_hang_up_ends_the_answer_wherever_it_is(
    path: str, stream: bool, script: Script
) -> None:
    programs = Programs(script)
    body = {**(HI if path == CHAT else {"model": "default", "prompt": "Hi"}), "stream": stream}
    program = ApiConnection(programs.app, path, body)
    await until(lambda: programs.engine.running)
    if stream and script is HANGING:
        await program.until(b"Hel")
    program.hang_up()
    await idle(programs)
    assert programs.engine.cancelled == 1
    await asyncio.wait_for(program.answered, 30)
    assert [summary.reason for summary in programs.seen.summaries] == ["stopped"]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_hang_up_leaves_the_queue(stream: bool) -> None:
    programs = Programs(HANGING, max_running=1)
    first = ApiConnection(programs.app, CHAT, {**HI, "stream": True})
    await first.until(b"Hel")
    second = ApiConnection(programs.app, CHAT, {**HI, "stream": stream})
    await until(lambda: programs.admission.waiting == 1)
    second.hang_up()
    await asyncio.wait_for(second.answered, 30)
    await until(lambda: programs.admission.waiting == 0)
    assert len(programs.engine.samplings) == 1
    first.hang_up()
    await idle(programs)


# Errors and their moments


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (BadSchema(where="#/type", why="unknown"), 400, "bad_schema"),
        (OutOfMemory(), 500, "out_of_memory"),
        (EngineFailed(), 500, "engine_failed"),
    ],
)
async def test_what_fails_before_the_first_token_has_its_own_status(
    stream: bool, error: Any, status: int, code: str
) -> None:
    answer = await Programs(Script([], error=error)).chat(stream=stream)
    assert (answer.status_code, fault(answer)["code"]) == (status, code)


async def test_a_schema_that_is_refused_is_told_with_the_part_that_is_wrong() -> None:
    refusal = BadSchema(where="#/properties/x", why="no such type")
    answer = await Programs(Script([], error=refusal)).chat()
    assert "#/properties/x" in fault(answer)["message"]
    assert "no such type" in fault(answer)["message"]


async def test_an_engine_that_is_not_ready_is_answered_with_503_and_when_to_come_again() -> None:
    programs = Programs()
    programs.engine.current_state = EngineState(Phase.LOADING)
    for answer in (await programs.chat(), await programs.client.get("/v1/models")):
        assert (answer.status_code, fault(answer)["code"]) == (503, "engine_not_ready")
        assert answer.headers["retry-after"]


async def test_a_queued_stream_gets_its_headers_before_it_has_a_place() -> None:
    programs = Programs(HANGING, max_running=1)
    first = ApiConnection(programs.app, CHAT, {**HI, "stream": True})
    await first.until(b"Hel")
    second = ApiConnection(programs.app, CHAT, {**HI, "stream": True})
    await second.until(b'"role":"assistant"')  # the headers are out, before there is a place
    assert second.sent[0]["status"] == 200
    for program in (first, second):
        program.hang_up()
    await idle(programs)


async def test_comments_keep_a_silent_connection_open() -> None:
    programs = Programs(Script(["Hel"], prefill_s=0.1))
    completion = await programs.completions.begin(Principal(LOCAL), ASKED)
    info = programs.engine.info
    assert info
    wire = ChatEncoder(completion, info, logprobs=False, with_usage=False)
    found = [
        event async for event in events_of(completion, wire, with_usage=False, keep_alive_s=0.01)
    ]
    assert found[1] == b": still waiting\n\n"
    assert found[-1] == b"data: [DONE]\n\n"


async def test_an_answer_that_takes_too_long_ends() -> None:
    for script, timeouts, code in (
        (SILENT, Timeouts(queue_s=5, stall_s=0.05, request_s=5), "engine_stalled"),
        (Script(["a"] * 99, step_s=0.02), Timeouts(5, 5, 0.1), "request_timeout"),
    ):
        programs = Programs(script, timeouts=timeouts)
        answer = await programs.chat()
        assert (answer.status_code, fault(answer)["code"]) == (504, code)
        await idle(programs)


async def test_a_request_that_waits_too_long_fails_with_queue_timeout() -> None:
    programs = Programs(HANGING, max_running=1, timeouts=Timeouts(0.05, 5, 5))
    first = ApiConnection(programs.app, CHAT, {**HI, "stream": True})
    await first.until(b"Hel")
    answer = await programs.chat()
    assert (answer.status_code, fault(answer)["code"]) == (503, "queue_timeout")
    first.hang_up()
    await idle(programs)


# Overload, quotas, bills


async def test_two_hundred_at_once_get_an_answer_or_a_refusal_that_says_when_to_come_again() -> (
    None
):
    programs = Programs(Script(["Hi"], step_s=0.01), max_running=8, max_waiting=8)
    answers = await asyncio.gather(*(programs.chat(stream=n % 2 == 0) for n in range(200)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 16
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {fault(answer)["code"] for answer in refused} == {"server_overloaded"}
    assert all(answer.headers["retry-after"] for answer in refused)
    assert programs.seen.refusals == [(Source.API, "server_overloaded")] * len(refused)
    await idle(programs)


def principal(name: str, **limits: Any) -> Principal:
    """A member with a key."""
    user = User(name, name, AccountRole.MEMBER, NOON)
    return Principal(user, ApiKey(f"key of {name}", name, "mine", "sk-", NOON, **limits))


def named(id: str) -> CompletionInput:
    return replace(ASKED, id=id)


async def written(programs: Programs, who: Principal, asked: CompletionInput = ASKED) -> Completion:
    completion = await programs.completions.begin(who, asked)
    await completion.record()
    return completion


async def test_an_answer_is_billed_to_its_person_and_to_its_key() -> None:
    town = await make_town()
    ann = principal("ann")
    assert ann.key
    await town.users.add_key("digest", ann.key, CREATED)
    limits = KeyLimits(town.users, town.rates, clock=lambda: town.now)
    programs = Programs(quotas=town.quotas(), key_limits=limits)
    await written(programs, ann)
    assert await town.users.used("ann") == AccountUsage(messages=1, tokens=2 + 5)
    assert await town.users.used_by_key(ann.key.id, town.now.date()) == AccountUsage(1, 2 + 5)


async def test_the_engine_is_asked_with_the_salt_of_the_person_whatever_the_key() -> None:
    programs = Programs()
    for number, name in enumerate(("ann", "bob", "ann")):
        await written(programs, principal(name), named(str(number)))
    assert programs.engine.salts == ["ann", "bob", "ann"]


async def test_what_was_written_before_a_hang_up_is_billed() -> None:
    town = await make_town()
    programs = Programs(HANGING, quotas=town.quotas())
    completion = await programs.completions.begin(principal("ann"), ASKED)
    await completion.begun(5)
    completion.cancel()
    assert (await completion.record()).finish is None
    assert await town.users.used("ann") == AccountUsage(messages=1, tokens=2 + 3)


async def refusal(programs: Programs, who: Principal) -> str:
    with pytest.raises(AppError) as found:
        await programs.completions.begin(who, ASKED)
    return found.value.code


async def test_the_limits_of_a_person_and_of_a_key_hold_and_open_again() -> None:
    town = await make_town()
    limits = KeyLimits(town.users, CountedRates(), clock=lambda: town.now)
    programs = Programs(quotas=town.quotas(), key_limits=limits)
    bob = principal("bob", requests_per_minute=1)
    await written(programs, bob)
    assert await refusal(programs, bob) == "too_many_requests"
    other = principal("ann", tokens_per_day=5)
    assert other.key
    await town.users.add_key("digest", other.key, CREATED)
    await written(programs, other)
    assert await refusal(programs, other) == "tokens_used_up"
    for _ in range(4):
        await written(programs, principal("ann"))
    assert await refusal(programs, principal("ann")) == "too_many_requests"
    assert [code for _, code in programs.seen.refusals] == [
        "too_many_requests",
        "tokens_used_up",
        "too_many_requests",
    ]


class Refusing:
    """Limits of keys that let nobody in."""

    def __init__(self, error: AppError) -> None:
        self.error = error

    async def check(self, principal: Principal) -> None:
        raise self.error

    async def spend(self, principal: Principal, tokens: int) -> None:
        raise AssertionError("nothing was written")


@pytest.mark.parametrize(
    "error",
    [
        TooManyRequests(limit=1, retry_after_s=12),
        TokensUsedUp(limit=9, retry_after_s=12, hours=1),
        TooManyWaiting(limit=4, retry_after_s=12),
    ],
    ids=lambda error: error.code,
)
async def test_whatever_limit_is_reached_is_a_rate_limit_to_openais_clients(
    error: AppError,
) -> None:
    answer = await Programs(key_limits=Refusing(error)).chat()
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "12"
    assert fault(answer)["code"] == "rate_limit_exceeded"
    assert fault(answer)["type"] == "rate_limit_error"


# The end of the server, and of who may be here


async def test_the_server_lets_answers_end_before_it_goes() -> None:
    programs = Programs(Script(["Hel", "lo"], step_s=0.05))
    program = ApiConnection(programs.app, CHAT, {**HI, "stream": True})
    await program.until(b"Hel")
    await programs.completions.close(5)
    await asyncio.wait_for(program.answered, 30)
    assert program.got.endswith(b"data: [DONE]\n\n")
    answer = await programs.chat()
    assert (answer.status_code, fault(answer)["code"]) == (503, "shutting_down")


async def test_what_does_not_end_in_time_is_ended_with_a_word_about_it() -> None:
    programs = Programs(HANGING)
    program = ApiConnection(programs.app, CHAT, {**HI, "stream": True})
    whole = ApiConnection(programs.app, CHAT, HI)
    await program.until(b"Hel")
    await programs.completions.close(0.05)
    await asyncio.wait_for(asyncio.gather(program.answered, whole.answered), 30)
    assert b'"code": "shutting_down"' in program.got
    assert not program.got.endswith(b"data: [DONE]\n\n")
    assert whole.sent[0]["status"] == 503


async def test_a_revoked_principal_is_rejected_mid_stream() -> None:
    programs = Programs(HANGING)
    bob, ann = principal("bob"), principal("ann")
    answers = [await programs.completions.begin(who, named(who.id)) for who in (bob, ann)]
    for answer in answers:
        await answer.begun(5)
    assert programs.completions.callers() == {bob, ann}
    programs.completions.stop_of(bob.id)
    with pytest.raises(BadKey):
        await answers[0].record()
    assert programs.completions.callers() == {ann}
    answers[1].cancel()
    await idle(programs)


# What is told and what is kept


async def test_an_answer_is_one_line_in_the_log_without_a_word_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    programs = Programs(Script(["secret"]))
    with caplog.at_level(logging.INFO, "qwen_chat.requests"):
        await written(programs, principal("ann"))
    (line,) = [record for record in caplog.records if record.getMessage() == "request"]
    told = vars(line)
    assert (told["door"], told["user"], told["key"]) == ("api", "ann", "key of ann")
    assert (told["id"], told["finish"], told["completion_tokens"]) == ("chatcmpl-1", "stop", 6)
    assert "secret" not in str(told)


async def test_the_observer_counts_page_and_programs_apart() -> None:
    seen = Seen()
    chat = make_chat(observer=seen)
    await chat.ask_and_wait("Hi")
    assert [(summary.source, summary.reason) for summary in seen.summaries] == [
        (Source.PAGE, "stop")
    ]
    programs = Programs()
    await programs.chat()
    (summary,) = programs.seen.summaries
    assert (summary.source, summary.reason, summary.from_cache) == (Source.API, "stop", False)
    assert summary.usage == Usage(2, 5)


async def test_refusals_of_the_page_are_counted_as_the_pages() -> None:
    seen, town = Seen(), await make_town()
    chat = make_chat(Script(hangs=True), observer=seen, quotas=town.quotas())
    jobs = [await chat.ask(f"{number}", user_id="ann") for number in range(4)]
    with pytest.raises(TooManyWaiting):
        await chat.ask("5", user_id="ann")
    with pytest.raises(TooManyRequests):
        await chat.ask("6", user_id="ann")
    assert seen.refusals == [(Source.PAGE, "too_many_waiting"), (Source.PAGE, "too_many_requests")]
    for job in jobs:
        job.cancel()
    await chat.jobs.close(5)


async def test_an_answer_can_be_found_again_by_who_asked_for_it_alone() -> None:
    programs = Programs(Script(["Hel", CallPiece(0, "call_a", "time", "{}")]))
    await written(programs, principal("ann"))
    found = programs.completions.find("ann", "chatcmpl-1")
    assert (found.prompt, found.text) == (ASKED.prompt, "Hel")
    assert found.calls == (ToolCall("call_a", "time", "{}"),)
    assert found.provenance
    assert found.provenance.sampling.seed is not None
    assert found.timing
    for user, id in (("bob", "chatcmpl-1"), ("ann", "chatcmpl-2")):
        with pytest.raises(NotFound):
            programs.completions.find(user, id)


async def test_an_answer_with_store_false_is_not_remembered() -> None:
    programs = Programs()
    forgotten = (await programs.chat(store=False)).json()["id"]
    kept = (await programs.chat(store=True)).json()["id"]
    assert programs.completions.find(LOCAL.id, kept).text == "Hello"
    with pytest.raises(NotFound):
        programs.completions.find(LOCAL.id, forgotten)


async def test_nothing_of_it_is_stored() -> None:
    programs = Programs()
    await programs.chat()
    assert await programs.house.store.conversations(LOCAL.id) == []
