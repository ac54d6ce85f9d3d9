"""The life cycle of an API request: queue, disconnect, quota, end."""

import asyncio
import logging
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from api.event_stream import COMMENT
from api.openai.encoding import ChatEncoder, Encoder, TextEncoder
from api.openai.stream import EventStream, events_of
from chat.accounts.api_keys import KeyLimits
from chat.accounts.errors import BadKey, TokensUsedUp, TooManyRequests
from chat.accounts.models import LOCAL, AccountRole, AccountUsage, ApiKey, Principal, User
from chat.errors import AppError, NotFound
from chat.models import ChatMessage, Role, Usage
from chat.serving.completion import Completion
from chat.serving.completions import CompletionInput
from chat.serving.errors import BadSchema, EngineFailed, OutOfMemory, QueueTimeout, TooManyWaiting
from chat.serving.generation import Timeouts
from chat.serving.models import EngineState, Phase
from chat.serving.observer import Source
from chat.tools import CallPiece, ToolCall
from tests.chat import finished, make_chat
from tests.fakes import Script
from tests.programs import CHAT, HI, TEXT, ApiConnection, Programs, Seen, fault, until
from tests.users import CREATED, NOON, CountedRates, make_town

HANGING = Script(["Hel"], hangs=True)
SILENT = Script([], hangs=True)
INPUT = CompletionInput("chatcmpl-1", (ChatMessage(Role.USER, "Hi"),))


async def idle(programs: Programs) -> None:
    """Return when no request is running or waiting."""
    await until(lambda: programs.idle)


# Disconnects


@pytest.mark.parametrize("path", [CHAT, TEXT])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("script", [HANGING, SILENT, Script(prefill_s=60)], ids=repr)
async def test_a_disconnect_cancels_the_answer_in_every_phase(
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
async def test_a_disconnect_leaves_the_queue(stream: bool) -> None:
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


# Errors before and after the headers


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (BadSchema(where="#/type", why="unknown"), 400, "bad_schema"),
        (OutOfMemory(), 500, "out_of_memory"),
        (EngineFailed(), 500, "engine_failed"),
    ],
)
async def test_an_error_before_the_first_token_has_its_own_status(
    stream: bool, error: Any, status: int, code: str
) -> None:
    answer = await Programs(Script([], error=error)).chat(stream=stream)
    assert (answer.status_code, fault(answer)["code"]) == (status, code)


async def test_a_refused_schema_is_reported_with_its_invalid_part() -> None:
    refusal = BadSchema(where="#/properties/x", why="no such type")
    answer = await Programs(Script([], error=refusal)).chat()
    assert "#/properties/x" in fault(answer)["message"]
    assert "no such type" in fault(answer)["message"]


async def test_an_engine_that_is_not_ready_is_503_with_retry_after() -> None:
    programs = Programs()
    programs.engine.current_state = EngineState(Phase.LOADING)
    for answer in (await programs.chat(), await programs.client.get("/v1/models")):
        assert (answer.status_code, fault(answer)["code"]) == (503, "engine_not_ready")
        assert answer.headers["retry-after"]


async def test_a_queued_stream_gets_its_headers_while_it_waits() -> None:
    programs = Programs(HANGING, max_running=1)
    first = ApiConnection(programs.app, CHAT, {**HI, "stream": True})
    await first.until(b"Hel")
    second = ApiConnection(programs.app, CHAT, {**HI, "stream": True})
    await second.until(b'"role":"assistant"')  # the headers are sent while the request is queued
    assert second.sent[0]["status"] == 200
    for program in (first, second):
        program.hang_up()
    await idle(programs)


WITHHELD = CallPiece(0, "call_1", "time", "{}")
"""A piece that the format of /v1/completions has no place for, so that no byte comes of it."""


@pytest.mark.parametrize(
    ("encoder", "scripts"),
    [
        (ChatEncoder, [Script(["Hel"], prefill_s=0.1)]),
        (TextEncoder, [Script(["Hel"], prefill_s=0.1)]),
        (ChatEncoder, [Script(["Hel"], step_s=0.1)]),
        (TextEncoder, [Script([*[WITHHELD] * 40, "Hel"], step_s=0.005)]),
        (ChatEncoder, [Script(["Hel"], step_s=0.1), Script(["lo"])]),
    ],
    ids=["reading a chat", "reading a text", "writing", "held back", "queued"],
)
async def test_comments_keep_a_silent_connection_open(
    encoder: type[Encoder], scripts: list[Script]
) -> None:
    programs = Programs(*scripts, max_running=1)
    for number in range(len(scripts)):
        completion = await programs.completions.begin_choices(
            Principal(LOCAL), [replace(INPUT, id=f"chatcmpl-{number}")]
        )
    info = programs.engine.info
    assert info
    wire = encoder(completion, info, logprobs=False, with_usage=True)
    events = events_of(completion, wire, with_usage=True)
    answer = EventStream(completion, events, {}, keep_alive_s=0.01)
    received = [event async for event in answer.body_iterator]
    assert COMMENT in received
    assert b"" not in received
    assert received[-1] == b"data: [DONE]\n\n"


async def test_an_answer_over_the_time_limit_ends_with_an_error() -> None:
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


# Overload and quotas


async def test_two_hundred_simultaneous_requests_get_an_answer_or_retry_after() -> None:
    programs = Programs(Script(["Hi"], step_s=0.01), max_running=8, max_waiting=8)
    answers = await asyncio.gather(*(programs.chat(stream=n % 2 == 0) for n in range(200)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 8 + 6  # programs fill three quarters of the queue
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {fault(answer)["code"] for answer in refused} == {"server_overloaded"}
    assert all(answer.headers["retry-after"] for answer in refused)
    assert programs.seen.refusals == [(Source.API, "server_overloaded")] * len(refused)
    await idle(programs)


def principal(name: str, **limits: Any) -> Principal:
    """A member with a key."""
    user = User(name, name, AccountRole.MEMBER, NOON)
    return Principal(user, ApiKey(f"key of {name}", name, "mine", "sk-", NOON, **limits))


def named(answer_id: str) -> CompletionInput:
    return replace(INPUT, id=answer_id)


async def written(
    programs: Programs, principal: Principal, completion_input: CompletionInput = INPUT
) -> Completion:
    completion = await programs.completions.begin(principal, completion_input)
    await completion.record()
    return completion


async def test_an_answer_is_charged_to_its_user_and_its_key() -> None:
    town = await make_town()
    ann = principal("ann")
    assert ann.key
    await town.users.add_key("digest", ann.key, CREATED)
    limits = KeyLimits(town.users, town.rates, clock=lambda: town.now)
    programs = Programs(quotas=town.quotas(), key_limits=limits)
    await written(programs, ann)
    assert await town.users.used("ann") == AccountUsage(messages=1, tokens=2 + 5)
    assert await town.users.used_by_key(ann.key.id, town.now.date()) == AccountUsage(1, 2 + 5)


async def test_the_cache_salt_depends_on_the_user_and_not_on_the_key() -> None:
    programs = Programs()
    for number, name in enumerate(("ann", "bob", "ann")):
        await written(programs, principal(name), named(str(number)))
    assert programs.engine.salts == ["ann", "bob", "ann"]


async def test_tokens_written_before_a_disconnect_are_charged() -> None:
    town = await make_town()
    programs = Programs(HANGING, quotas=town.quotas())
    completion = await programs.completions.begin(principal("ann"), INPUT)
    await completion.begun(5)
    completion.cancel()
    assert (await completion.record()).finish is None
    assert await town.users.used("ann") == AccountUsage(messages=1, tokens=2 + 3)


async def refusal(programs: Programs, principal: Principal) -> str:
    with pytest.raises(AppError) as raised:
        await programs.completions.begin(principal, INPUT)
    return raised.value.code


async def test_limits_of_users_and_keys_apply_and_reset() -> None:
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


async def test_a_refused_request_costs_nothing_of_any_limit() -> None:
    town = await make_town()
    limits = KeyLimits(town.users, town.rates, clock=lambda: town.now)
    bad = Script([], error=BadSchema(where="#/type", why="unknown"))
    programs = Programs(
        bad,
        HANGING,
        quotas=town.quotas(per_address=99),
        key_limits=limits,
        max_running=1,
        max_waiting=1,
        timeouts=Timeouts(queue_s=0.05, stall_s=5, request_s=5),
    )
    ann = principal("ann", requests_per_minute=9, tokens_per_day=1)
    refused = await programs.completions.begin(ann, INPUT, address="192.0.2.1")
    with pytest.raises(BadSchema):
        await refused.record()
    assert not +town.rates.hits
    assert await town.users.used("ann") == AccountUsage()

    bob = principal("bob", requests_per_minute=9)
    running = await programs.completions.begin(bob, named("1"), address="192.0.2.1")
    counted = Counter({"user bob": 1, "address 192.0.2.1": 1, "key key of bob": 1})
    assert +town.rates.hits == counted
    waiting = await programs.completions.begin(bob, named("2"), address="192.0.2.1")
    assert await refusal(programs, ann) == "server_overloaded"
    with pytest.raises(QueueTimeout):
        await waiting.record()
    assert +town.rates.hits == counted
    running.cancel()
    await idle(programs)
    assert +town.rates.hits == counted  # what was written stays counted


class Refusing:
    """Key limits that refuse every request."""

    def __init__(self, error: AppError) -> None:
        self.error = error

    async def check(self, principal: Principal, refunds: ExitStack) -> None:
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
async def test_every_exceeded_limit_is_a_rate_limit_error(
    error: AppError,
) -> None:
    answer = await Programs(key_limits=Refusing(error)).chat()
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "12"
    assert fault(answer)["code"] == "rate_limit_exceeded"
    assert fault(answer)["type"] == "rate_limit_error"


# Shutdown and revocation


async def test_the_server_lets_answers_finish_before_shutdown() -> None:
    programs = Programs(Script(["Hel", "lo"], step_s=0.05))
    program = ApiConnection(programs.app, CHAT, {**HI, "stream": True})
    await program.until(b"Hel")
    await programs.completions.close(5)
    await asyncio.wait_for(program.answered, 30)
    assert program.got.endswith(b"data: [DONE]\n\n")
    answer = await programs.chat()
    assert (answer.status_code, fault(answer)["code"]) == (503, "shutting_down")


async def test_an_answer_that_does_not_finish_in_time_ends_with_an_error() -> None:
    programs = Programs(HANGING)
    program = ApiConnection(programs.app, CHAT, {**HI, "stream": True})
    whole = ApiConnection(programs.app, CHAT, HI)
    await program.until(b"Hel")
    await programs.completions.close(0.05)
    await asyncio.wait_for(asyncio.gather(program.answered, whole.answered), 30)
    assert b'"code":"shutting_down"' in program.got
    assert not program.got.endswith(b"data: [DONE]\n\n")
    assert whole.sent[0]["status"] == 503


async def test_a_revoked_principal_is_rejected_mid_stream() -> None:
    programs = Programs(HANGING)
    bob, ann = principal("bob"), principal("ann")
    answers = [
        await programs.completions.begin(principal, named(principal.id)) for principal in (bob, ann)
    ]
    for answer in answers:
        await answer.begun(5)
    assert programs.completions.principals() == {bob, ann}
    programs.completions.stop_requests_of(bob.id)
    with pytest.raises(BadKey):
        await answers[0].record()
    assert programs.completions.principals() == {ann}
    answers[1].cancel()
    await idle(programs)


# Logging, metrics and storage


async def test_an_answer_is_one_log_line_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    programs = Programs(Script(["secret"]))
    with caplog.at_level(logging.INFO, "qwen_chat.requests"):
        await written(programs, principal("ann"))
    (line,) = [record for record in caplog.records if record.getMessage() == "request"]
    fields = vars(line)
    assert (fields["door"], fields["user"], fields["key"]) == ("api", "ann", "key of ann")
    assert (fields["id"], fields["finish"], fields["completion_tokens"]) == (
        "chatcmpl-1",
        "stop",
        6,
    )
    assert "secret" not in str(fields)


async def test_the_observer_counts_page_and_programs_separately() -> None:
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


async def test_refusals_of_the_page_are_counted_as_source_page() -> None:
    seen, town = Seen(), await make_town()
    chat = make_chat(Script(hangs=True), observer=seen, quotas=town.quotas())
    jobs = [await chat.ask(f"{number}", user_id="ann") for number in range(4)]
    with pytest.raises(TooManyWaiting):
        await chat.ask("5", user_id="ann")
    jobs[-1].cancel()
    await finished(jobs[-1])
    await chat.ask("6", user_id="ann")
    with pytest.raises(TooManyRequests):
        await chat.ask("7", user_id="ann")
    assert seen.refusals == [(Source.PAGE, "too_many_waiting"), (Source.PAGE, "too_many_requests")]
    for job in jobs:
        job.cancel()
    await chat.jobs.close(5)


async def test_a_cached_response_is_found_only_by_its_own_user() -> None:
    programs = Programs(Script(["Hel", CallPiece(0, "call_a", "time", "{}")]))
    await written(programs, principal("ann"))
    record = programs.completions.find("ann", "chatcmpl-1")
    assert (record.prompt, record.text) == (INPUT.prompt, "Hel")
    assert record.calls == (ToolCall("call_a", "time", "{}"),)
    assert record.provenance
    assert record.provenance.sampling.seed is not None
    assert record.timing
    for user_id, answer_id in (("bob", "chatcmpl-1"), ("ann", "chatcmpl-2")):
        with pytest.raises(NotFound):
            programs.completions.find(user_id, answer_id)


async def test_an_answer_with_store_false_is_not_remembered() -> None:
    programs = Programs()
    forgotten = (await programs.chat(store=False)).json()["id"]
    answer_id = (await programs.chat(store=True)).json()["id"]
    assert programs.completions.find(LOCAL.id, answer_id).text == "Hello"
    with pytest.raises(NotFound):
        programs.completions.find(LOCAL.id, forgotten)


async def test_api_answers_are_not_stored() -> None:
    programs = Programs()
    await programs.chat()
    assert await programs.house.store.conversations(LOCAL.id) == []
