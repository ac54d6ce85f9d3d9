"""OpenAI's own Python client on /v1/responses, against the app on real weights."""

import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.clients.server import Server
from tests.clients.test_python import MODEL, NO_CACHE, Profile, client_of

pytestmark = pytest.mark.model

WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


@pytest.fixture
def client(server: Server) -> OpenAI:
    return client_of(server, server.key)


def test_a_streamed_response_has_the_text_of_its_deltas_and_usage(client: OpenAI) -> None:
    with client.responses.stream(
        model=MODEL,
        input="Count from 1 to 100.",
        max_output_tokens=8,
        extra_body={"min_tokens": 8},
        extra_headers=NO_CACHE,
    ) as stream:
        events = list(stream)
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    last = events[-1]
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details
    assert last.response.incomplete_details.reason == "max_output_tokens"
    assert last.response.output_text == "".join(deltas)
    assert len(deltas) > 3
    assert last.response.usage
    assert last.response.usage.output_tokens == 8


def test_a_call_and_its_result_make_a_round_trip_of_items(client: OpenAI) -> None:
    items: Any = [{"role": "user", "content": "What is the weather in Paris?"}]
    with client.responses.stream(
        model=MODEL,
        input=items,
        tools=[WEATHER],
        tool_choice="required",
        parallel_tool_calls=False,
        temperature=0,
    ) as stream:
        kinds = [event.type for event in stream]
        called = stream.get_final_response()
    assert "response.function_call_arguments.done" in kinds
    (call,) = called.output
    assert call.type == "function_call"
    assert json.loads(call.arguments).keys() == {"city"}
    items += called.output
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "17 degrees"})
    items.append({"role": "user", "content": "Tell me in one sentence."})
    answered = client.responses.create(model=MODEL, input=items, max_output_tokens=8)
    assert answered.output[0].type == "message"
    assert answered.usage
    assert called.usage
    assert answered.usage.input_tokens > 20


def test_a_response_is_parsed_into_a_pydantic_model(client: OpenAI) -> None:
    response = client.responses.parse(
        model=MODEL,
        input="Ann is 30 and speaks English (en). Write her as JSON.",
        text_format=Profile,
        temperature=0,
    )
    assert response.status == "completed"
    assert isinstance(response.output_parsed, Profile)


def test_state_and_what_is_missing_are_the_clients_matching_errors(client: OpenAI) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match="send the earlier items"):
        client.responses.create(model=MODEL, input="Hi", previous_response_id="resp_1")
    with pytest.raises(openai.NotFoundError, match="not stored here"):
        client.responses.retrieve("resp_1")
    with pytest.raises(openai.NotFoundError, match="no embedding model"):
        client.embeddings.create(model=MODEL, input="Hi")
