"""POST /v1/chat/completions: the engine's input, and responses, whole and streamed."""

import json
from dataclasses import replace
from typing import Any

import pytest

from api.openai.request_models import ChatRequest
from chat.models import ChatMessage, Finish, Role, Sampling
from chat.serving.errors import OutOfMemory
from chat.tools import CallPiece, Extras, JsonShape, Tool, ToolCall, ToolRules
from tests.fakes import REUSED, Script
from tests.programs import HI, Programs, deltas, events, fault

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
TIME = {"type": "function", "function": {"name": "time"}}
SCHEMA = {"type": "object", "properties": {"名": {"type": "string"}}}
CALLING = (
    CallPiece(0, "call_a", "weather", ""),
    CallPiece(0, arguments='{"city": '),
    CallPiece(0, arguments='"Paris"}'),
    CallPiece(1, "call_b", "time", "{}"),
)


async def test_a_conversation_is_answered() -> None:
    programs = Programs()
    answer = await programs.chat()
    body = answer.json()
    assert answer.status_code == 200
    assert body.pop("id").startswith("chatcmpl-")
    assert body.pop("created") > 0
    assert body.pop("system_fingerprint").startswith("fp_")
    assert body == {
        "object": "chat.completion",
        "model": "Scripted-1B-Instruct",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 2,
            "completion_tokens": 5,
            "total_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
    }


async def test_a_stream_equals_openais_format_byte_for_byte() -> None:
    answer = await Programs().chat(stream=True)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    chunk = events(answer)[0]
    head = (
        f'data: {{"id":"{chunk["id"]}","object":"chat.completion.chunk",'
        f'"created":{chunk["created"]},"model":"Scripted-1B-Instruct",'
        f'"system_fingerprint":"{chunk["system_fingerprint"]}","choices":['
    )
    tail = '"logprobs":null,"finish_reason":null}]}\n\n'
    assert answer.text == (
        f'{head}{{"index":0,"delta":{{"role":"assistant","content":"","refusal":null}},{tail}'
        f'{head}{{"index":0,"delta":{{"content":"Hel"}},{tail}'
        f'{head}{{"index":0,"delta":{{"content":"lo"}},{tail}'
        f'{head}{{"index":0,"delta":{{}},"logprobs":null,"finish_reason":"stop"}}]}}\n\n'
        "data: [DONE]\n\n"
    )


async def test_the_usage_is_the_last_chunk_if_requested() -> None:
    answer = await Programs().chat(stream=True, stream_options={"include_usage": True})
    *chunks, last, done = events(answer)
    assert done == "[DONE]"
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 7


async def test_only_tokens_that_the_same_user_sent_before_count_as_cached() -> None:
    programs = Programs()
    counts = [
        (await programs.chat()).json()["usage"]["prompt_tokens_details"]["cached_tokens"]
        for _ in range(2)
    ]
    assert counts == [0, REUSED]


async def test_every_setting_reaches_the_engine() -> None:
    programs = Programs()
    await programs.chat(
        temperature=0.5,
        top_p=0.9,
        top_k=7,
        repetition_penalty=1.2,
        presence_penalty=0.3,
        frequency_penalty=-0.4,
        max_completion_tokens=20,
        min_tokens=3,
        seed=11,
        stop=["END", "停"],
    )
    (sampling,) = programs.engine.samplings
    assert (sampling.temperature, sampling.top_p, sampling.top_k) == (0.5, 0.9, 7)
    assert (sampling.repetition_penalty, sampling.seed) == (1.2, 11)
    assert (sampling.presence_penalty, sampling.frequency_penalty) == (0.3, -0.4)
    assert (sampling.max_new_tokens, sampling.min_new_tokens) == (20, 3)
    assert sampling.stop == ("END", "停")


async def test_stop_may_be_one_string_and_both_length_limits_may_agree() -> None:
    programs = Programs()
    await programs.chat(stop="END", max_tokens=9, max_completion_tokens=9)
    assert programs.engine.samplings[0].stop == ("END",)
    assert programs.engine.samplings[0].max_new_tokens == 9


async def test_null_means_absent() -> None:
    programs = Programs()
    optional = [name for name, field in ChatRequest.model_fields.items() if not field.is_required()]
    answer = await programs.chat(**dict.fromkeys(optional))
    assert answer.status_code == 200
    (sampling,) = programs.engine.samplings
    assert replace(sampling, seed=None) == Sampling()


async def test_the_turns_reach_the_engine_as_domain_messages() -> None:
    programs = Programs()
    await programs.chat(
        messages=[
            {"role": "developer", "content": "be brief"},
            {
                "role": "system",
                "content": [{"type": "text", "text": "in "}, {"type": "text", "text": "French"}],
            },
            {"role": "user", "content": "你好", "name": "ann"},
            {"role": "assistant", "content": "Bonjour", "refusal": None, "annotations": []},
            {"role": "user", "content": "And now?"},
        ]
    )
    assert programs.engine.prompts == [
        (
            ChatMessage(Role.SYSTEM, "be brief"),
            ChatMessage(Role.SYSTEM, "in French"),
            ChatMessage(Role.USER, "你好"),
            ChatMessage(Role.ASSISTANT, "Bonjour"),
            ChatMessage(Role.USER, "And now?"),
        )
    ]


async def test_a_trailing_assistant_message_is_continued_without_being_repeated() -> None:
    programs = Programs(Script(["lo"]))
    answer = await programs.chat(
        messages=[*HI["messages"], {"role": "assistant", "content": "Hel"}]
    )
    assert answer.json()["choices"][0]["message"]["content"] == "lo"
    assert programs.engine.prompts[0][-1] == ChatMessage(Role.ASSISTANT, "Hel", partial=True)


async def test_a_truncated_answer_has_finish_reason_length() -> None:
    answer = await Programs(Script(finish=Finish.LENGTH)).chat()
    assert answer.json()["choices"][0]["finish_reason"] == "length"


# Tools


async def test_tools_and_tool_choice_reach_the_engine() -> None:
    programs = Programs()
    choices: list[Any] = [
        None,
        "auto",
        "required",
        {"type": "function", "function": {"name": "time"}},
        "none",
    ]
    for choice in choices:
        await programs.chat(tools=[WEATHER, TIME], tool_choice=choice, parallel_tool_calls=False)
    tools = (
        Tool(
            "weather",
            "The weather of a city",
            json.dumps({"type": "object", "properties": {"city": {"type": "string"}}}),
        ),
        Tool("time"),
    )
    rules = [
        ToolRules(parallel=False),
        ToolRules(parallel=False),
        ToolRules(required=True, parallel=False),
        ToolRules(required=True, names=("time",), parallel=False),
        ToolRules(parallel=False),
    ]
    assert [extras.rules for extras in programs.engine.extras] == rules
    assert [extras.tools for extras in programs.engine.extras] == [tools] * 4 + [()]


async def test_tool_calls_are_returned_whole() -> None:
    programs = Programs(Script(["Let me see.", *CALLING], finish=Finish.TOOL_CALLS))
    (choice,) = (await programs.chat(tools=[WEATHER, TIME])).json()["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"] == {
        "role": "assistant",
        "content": "Let me see.",
        "refusal": None,
        "tool_calls": [
            {
                "id": "call_a",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "Paris"}'},
            },
            {"id": "call_b", "type": "function", "function": {"name": "time", "arguments": "{}"}},
        ],
    }


async def test_an_answer_with_calls_only_has_null_content() -> None:
    programs = Programs(Script(CALLING, finish=Finish.TOOL_CALLS))
    (choice,) = (await programs.chat(tools=[WEATHER, TIME])).json()["choices"]
    assert choice["message"]["content"] is None


async def test_tool_calls_are_streamed_with_index_and_argument_pieces() -> None:
    programs = Programs(Script(CALLING, finish=Finish.TOOL_CALLS))
    answer = await programs.chat(tools=[WEATHER, TIME], stream=True)
    calls = [delta["tool_calls"] for delta in deltas(answer) if "tool_calls" in delta]
    assert calls == [
        [
            {
                "index": 0,
                "id": "call_a",
                "type": "function",
                "function": {"name": "weather", "arguments": ""},
            }
        ],
        [{"index": 0, "function": {"arguments": '{"city": '}}],
        [{"index": 0, "function": {"arguments": '"Paris"}'}}],
        [
            {
                "index": 1,
                "id": "call_b",
                "type": "function",
                "function": {"name": "time", "arguments": "{}"},
            }
        ],
    ]
    assert events(answer)[-2]["choices"][0]["finish_reason"] == "tool_calls"


async def test_an_unreadable_call_is_returned_as_text() -> None:
    broken = CallPiece(0, "call_a", arguments='{"nam: 3', broken=True)
    for stream in (False, True):
        answer = await Programs(Script(["Hm. ", broken])).chat(tools=[TIME], stream=stream)
        if stream:
            text = "".join(delta.get("content") or "" for delta in deltas(answer))
        else:
            text = answer.json()["choices"][0]["message"]["content"]
        assert text == 'Hm. <tool_call>{"nam: 3</tool_call>'


async def test_a_call_and_its_result_are_sent_back_and_only_the_result_is_uncached() -> None:
    programs = Programs(Script([CallPiece(0, "a", "time", "{}")], finish=Finish.TOOL_CALLS))
    (choice,) = (await programs.chat(tools=[TIME])).json()["choices"]
    turns = [*HI["messages"], choice["message"], RESULT]
    answer = await programs.chat(tools=[TIME], messages=turns)
    assert answer.status_code == 200
    assert answer.json()["usage"]["prompt_tokens_details"]["cached_tokens"] == len("Hi")


async def test_tool_results_are_put_in_the_order_of_the_calls() -> None:
    """The model's template has no call ids: only the order assigns results to calls."""
    programs = Programs()
    calls = [
        {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
        {"id": "b", "type": "function", "function": {"name": "time", "arguments": "{}"}},
    ]
    answer = await programs.chat(
        tools=[WEATHER, TIME],
        messages=[
            *HI["messages"],
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "b", "content": "noon"},
            {"role": "tool", "tool_call_id": "a", "content": "rain"},
        ],
    )
    assert answer.status_code == 200
    assert programs.engine.prompts[0][1:] == (
        ChatMessage(
            Role.ASSISTANT, "", (ToolCall("a", "weather", "{}"), ToolCall("b", "time", "{}"))
        ),
        ChatMessage(Role.TOOL, "rain"),
        ChatMessage(Role.TOOL, "noon"),
    )


CALL = {"id": "a", "type": "function", "function": {"name": "time", "arguments": "{}"}}
CALL_TURN = {"role": "assistant", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "noon"}


@pytest.mark.parametrize(
    "turns",
    [
        [RESULT],
        [CALL_TURN, {**RESULT, "tool_call_id": "b"}],
        [CALL_TURN, RESULT, RESULT],
        [CALL_TURN, {"role": "user", "content": "Well?"}, RESULT],
        [CALL_TURN],
        [{"role": "assistant"}],
        [{"role": "assistant", "content": ""}],
    ],
    ids=str,
)
async def test_inconsistent_turns_are_refused(turns: list[Any]) -> None:
    programs = Programs()
    answer = await programs.chat(messages=[*HI["messages"], *turns])
    assert answer.status_code == 400
    assert fault(answer)["type"] == "invalid_request_error"
    assert not programs.engine.samplings


# Structured output


async def test_the_response_format_reaches_the_engine() -> None:
    programs = Programs()
    shape = {
        "type": "json_schema",
        "json_schema": {"name": "who", "schema": SCHEMA, "strict": True},
    }
    for response_format in ({"type": "text"}, {"type": "json_object"}, shape):
        await programs.chat(response_format=response_format)
    assert [extras.shape for extras in programs.engine.extras] == [
        None,
        JsonShape(),
        JsonShape(json.dumps(SCHEMA, ensure_ascii=False)),
    ]


async def test_a_plain_request_sets_no_extras() -> None:
    programs = Programs()
    await programs.chat()
    assert programs.engine.extras == [Extras()]


async def test_an_engine_failure_mid_stream_ends_the_stream_with_an_error() -> None:
    programs = Programs(Script(["Hel"], error=OutOfMemory()))
    received = events(await programs.chat(stream=True))
    assert received[-2]["choices"][0]["delta"] == {"content": "Hel"}
    assert received[-1]["error"]["code"] == "out_of_memory"
    assert received[-1]["error"]["type"] == "server_error"
