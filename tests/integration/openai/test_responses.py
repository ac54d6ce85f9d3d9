"""POST /v1/responses: what is read and refused, responses and the events of their streams.

OpenAI's own types of its Python client validate every response and every event.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from chat.models import ChatMessage, Finish
from chat.serving.errors import OutOfMemory
from chat.tools import CallPiece, JsonShape, ToolRules
from tests.fakes import Script
from tests.programs import RESPONSES, Programs, RatingPrograms, fault

CORPORA = Path(__file__).parents[2] / "corpora"
TIME = {"type": "function", "name": "time"}
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string", "default": None}}},
    "strict": True,
}
SCHEMA = {"type": "object", "properties": {"名": {"type": "string"}}}
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
CALLING = (
    "Let me see.",
    CallPiece(0, "call_a", "weather", ""),
    CallPiece(0, arguments='{"city": '),
    CallPiece(0, arguments='"Paris"}'),
    CallPiece(1, "call_b", "time", "{}"),
    "Done.",
)


def cases(name: str) -> list[Any]:
    lines = (CORPORA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return [pytest.param(case, id=case["name"]) for case in found]


def as_list(message: ChatMessage) -> list[Any]:
    calls = [[call.id, call.name, call.arguments] for call in message.calls]
    return [message.role.value, message.content, *([calls] if calls else [])]


async def respond(programs: Programs, **more: Any) -> httpx.Response:
    return await programs.client.post(RESPONSES, json={"model": "default", "input": "Hi", **more})


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    """The events of a stream, each valid in OpenAI's types and named as its data says."""
    found = []
    for block in answer.text.split("\n\n")[:-1]:
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        EVENT.validate_python(event)
        found.append(event)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    return found


def without_ids(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in item.items() if name != "id"} for item in items]


@pytest.fixture(scope="module")
def opened() -> Programs:
    return Programs()


@pytest.fixture(scope="module")
def closed() -> Programs:
    """One app for all refused requests, which never reach the engine."""
    return Programs()


@pytest.mark.parametrize("case", cases("responses_read"))
async def test_input_becomes_the_prompt_that_the_corpus_says(
    opened: Programs, case: Mapping[str, Any]
) -> None:
    answer = await opened.client.post(RESPONSES, json={"model": "default", **case["body"]})
    assert answer.status_code == 200, answer.text
    assert answer.headers.get("x-ignored-parameters") == case.get("ignored")
    assert list(map(as_list, opened.engine.prompts[-1])) == case["prompt"]


@pytest.mark.parametrize("case", cases("responses_refused"))
async def test_what_cannot_be_done_is_refused_by_name(
    closed: Programs, case: Mapping[str, Any]
) -> None:
    answer = await closed.client.post(RESPONSES, json={"model": "default", **case["body"]})
    assert answer.status_code == case["status"]
    assert fault(answer)["param"] == case["param"]
    assert case["says"] in fault(answer)["message"]
    assert "secret" not in answer.text
    assert not closed.engine.samplings


async def test_a_response_has_every_field_of_openais() -> None:
    answer = await respond(Programs(), temperature=0.5, metadata={"a": "b"}, user="u")
    body = answer.json()
    Response.model_validate(body, strict=False)
    assert body.pop("id").startswith("resp_")
    assert body.pop("created_at") > 0
    (message,) = body.pop("output")
    assert message.pop("id").startswith("msg_")
    assert message == {
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}],
    }
    assert body.pop("top_p") is not None
    assert body == {
        "object": "response",
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {"a": "b"},
        "model": "Scripted-1B-Instruct",
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": False,
        "temperature": 0.5,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": 2,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 7,
        },
        "user": "u",
    }


async def test_a_stream_has_openais_events_in_openais_order() -> None:
    found = events(await respond(Programs(), stream=True))
    assert [event["type"] for event in found] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert found[0]["response"]["status"] == found[1]["response"]["status"] == "in_progress"
    assert found[0]["response"]["usage"] is None
    assert found[2]["item"]["content"] == []
    assert [event["delta"] for event in found[4:6]] == ["Hel", "lo"]
    assert found[6]["text"] == found[7]["part"]["text"] == "Hello"
    assert found[9]["response"]["output"] == [found[8]["item"]]
    assert found[9]["response"]["usage"]["total_tokens"] == 7


async def test_text_and_calls_are_items_of_their_own_whole_and_in_a_stream() -> None:
    script = Script(CALLING, finish=Finish.TOOL_CALLS)
    tools = [WEATHER, TIME]
    whole = (await respond(Programs(script), tools=tools)).json()
    Response.model_validate(whole)
    assert [(item["type"], item["status"]) for item in whole["output"]] == [
        ("message", "completed"),
        ("function_call", "completed"),
        ("function_call", "completed"),
        ("message", "completed"),
    ]
    text, weather, time, more = whole["output"]
    assert (text["content"][0]["text"], more["content"][0]["text"]) == ("Let me see.", "Done.")
    assert (weather["name"], weather["arguments"]) == ("weather", '{"city": "Paris"}')
    assert (weather["call_id"], time["call_id"]) == ("call_a", "call_b")
    assert whole["tools"][0] == WEATHER
    assert whole["tools"][1] == TIME | {"description": None, "parameters": None, "strict": False}
    found = events(await respond(Programs(script), tools=tools, stream=True))
    assert without_ids(found[-1]["response"]["output"]) == without_ids(whole["output"])
    ended = [event for event in found if event["type"] == "response.output_item.done"]
    assert [event["item"] for event in ended] == found[-1]["response"]["output"]
    assert [event["output_index"] for event in ended] == [0, 1, 2, 3]


async def test_arguments_of_a_call_stream_as_they_are_written() -> None:
    script = Script(CALLING[1:4], finish=Finish.TOOL_CALLS)
    found = events(await respond(Programs(script), tools=[WEATHER], stream=True))
    assert [event["type"] for event in found[2:-1]] == [
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
    ]
    assert found[2]["item"]["arguments"] == ""
    assert found[5]["arguments"] == '{"city": "Paris"}'


async def test_an_answer_that_is_cut_is_incomplete() -> None:
    script = Script(finish=Finish.LENGTH)
    body = (await respond(Programs(script), max_output_tokens=5)).json()
    Response.model_validate(body)
    assert body["status"] == body["output"][0]["status"] == "incomplete"
    assert body["incomplete_details"] == {"reason": "max_output_tokens"}
    found = events(await respond(Programs(script), max_output_tokens=5, stream=True))
    assert found[-1]["type"] == "response.incomplete"
    assert found[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


async def test_a_call_that_is_cut_is_incomplete_as_far_as_it_came() -> None:
    pieces = (CallPiece(0, "call_a", "weather", '{"ci'), CallPiece(0, arguments="", broken=True))
    script = Script(pieces, finish=Finish.LENGTH)
    body = (await respond(Programs(script), tools=[WEATHER])).json()
    (call,) = body["output"]
    assert (call["status"], call["arguments"]) == ("incomplete", '{"ci')


async def test_a_call_without_a_name_is_text() -> None:
    script = Script((CallPiece(0, "call_a", "", "{?", broken=True),))
    body = (await respond(Programs(script), tools=[WEATHER])).json()
    (message,) = body["output"]
    assert message["content"][0]["text"] == "<tool_call>{?</tool_call>"


async def test_an_empty_answer_is_an_empty_message() -> None:
    body = await respond(Programs(Script(())))
    (message,) = body.json()["output"]
    assert message["content"][0]["text"] == ""


async def test_an_error_before_the_first_token_has_its_own_status() -> None:
    answer = await respond(Programs(Script((), error=OutOfMemory())), stream=True)
    assert answer.status_code == 500
    assert fault(answer)["code"] == "out_of_memory"


async def test_an_error_in_a_stream_is_its_last_event() -> None:
    found = events(await respond(Programs(Script(["Hel"], error=OutOfMemory())), stream=True))
    response = found[-1]["response"]
    assert found[-1]["type"] == "response.failed"
    assert response["status"] == "failed"
    assert response["error"]["code"] == "server_error"
    assert response["error"]["type"] == "out_of_memory"
    assert response["error"]["message"]
    assert response["output"][0]["content"][0]["text"] == "Hel"
    assert response["output"][0]["status"] == "incomplete"


async def test_log_probabilities_come_with_the_text_if_they_are_included() -> None:
    asked = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}
    body = (await respond(Programs(), **asked)).json()
    Response.model_validate(body)
    scores = body["output"][0]["content"][0]["logprobs"]
    assert "".join(score["token"] for score in scores) == "Hello"
    assert [len(score["top_logprobs"]) for score in scores] == [2] * 5
    found = events(await respond(Programs(), stream=True, **asked))
    deltas = [event for event in found if event["type"] == "response.output_text.delta"]
    assert [len(event["logprobs"]) for event in deltas] == [3, 2]


async def test_settings_reach_the_engine() -> None:
    programs = Programs()
    await respond(
        programs,
        temperature=0.5,
        top_p=0.9,
        max_output_tokens=20,
        top_k=7,
        min_tokens=3,
        seed=11,
        stop="END",
        repetition_penalty=1.2,
        presence_penalty=0.3,
        frequency_penalty=-0.4,
    )
    (sampling,) = programs.engine.samplings
    assert (sampling.temperature, sampling.top_p, sampling.top_k) == (0.5, 0.9, 7)
    assert (sampling.max_new_tokens, sampling.min_new_tokens) == (20, 3)
    assert (sampling.seed, sampling.stop) == (11, ("END",))
    assert (sampling.repetition_penalty, sampling.presence_penalty) == (1.2, 0.3)
    assert sampling.frequency_penalty == -0.4


@pytest.mark.parametrize(
    ("choice", "rules", "names"),
    [
        ("auto", ToolRules(), ["weather", "time"]),
        ("none", ToolRules(), []),
        ("required", ToolRules(required=True), ["weather", "time"]),
        ({"type": "function", "name": "time"}, ToolRules(True, ("time",)), ["time"]),
        (
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "time"}],
            },
            ToolRules(False, ("time",)),
            ["time"],
        ),
    ],
    ids=str,
)
async def test_a_tool_choice_limits_the_tools(
    choice: object, rules: ToolRules, names: list[str]
) -> None:
    programs = Programs()
    answer = await respond(programs, tools=[WEATHER, TIME], tool_choice=choice)
    assert answer.json()["tool_choice"] == choice
    (extras,) = programs.engine.extras
    assert extras.rules == rules
    assert [tool.name for tool in extras.tools] == names


async def test_a_text_format_is_the_shape_of_the_answer() -> None:
    programs = Programs()
    shape = {"type": "json_schema", "name": "x", "schema": SCHEMA, "strict": True}
    answer = await respond(programs, text={"format": shape})
    assert answer.json()["text"] == {"format": shape, "verbosity": "medium"}
    await respond(programs, text={"format": {"type": "json_object"}})
    assert [extras.shape for extras in programs.engine.extras] == [
        JsonShape(json.dumps(SCHEMA, ensure_ascii=False)),
        JsonShape(),
    ]


async def test_an_answer_that_is_given_again_says_so() -> None:
    programs = Programs(cache_bytes=10**6)
    first, second = [await respond(programs, temperature=0) for _ in range(2)]
    assert second.headers["x-response-cache"] == "hit"
    assert second.json()["usage"]["from_cache"]
    assert without_ids(second.json()["output"]) == without_ids(first.json()["output"])
    assert second.json()["id"] != first.json()["id"]


async def test_a_response_can_be_rated_unless_it_is_not_to_be_stored(tmp_path: Path) -> None:
    programs = RatingPrograms(tmp_path)
    await programs.store.open()
    for store, status in ((None, 200), (True, 200), (False, 404)):
        answer = await respond(programs, store=store)
        assert (await programs.rate(answer.json()["id"], verdict="up")).status_code == status
    await programs.store.close()


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
async def test_stored_responses_are_refused_with_what_to_do(method: str) -> None:
    answer = await Programs().client.request(method, f"{RESPONSES}/resp_1")
    assert answer.status_code == 404
    assert "send it in `input`" in fault(answer)["message"]
