"""OpenAI's own Python client against the app on real weights."""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any, Literal

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel, Field

from tests.clients.server import Server

pytestmark = pytest.mark.model

MODEL = "default"
TIMEOUT_S = 240
CAPITAL: Any = [{"role": "user", "content": "What is the capital of France? One word."}]
COUNT: Any = [{"role": "user", "content": "Count from 1 to 100, separated by spaces."}]
LONG: Any = {"max_tokens": 60, "extra_body": {"min_tokens": 60}}
"""Forces 60 tokens, whatever the model would write."""

NO_CACHE = {"Cache-Control": "no-cache"}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 20}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
FORCED: Any = {
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "parallel_tool_calls": False,
}


class Profile(BaseModel):
    """Bounded, so that every answer ends within the token limit of the test."""

    name: Literal["Ann", "Bob"]
    age: int = Field(ge=0, le=150)
    languages: list[Literal["en", "zh"]] = Field(max_length=2)


@pytest.fixture
def client(server: Server) -> OpenAI:
    return client_of(server, server.key)


def client_of(server: Server, key: str) -> OpenAI:
    return OpenAI(base_url=server.base_url, api_key=key, max_retries=0, timeout=TIMEOUT_S)


def test_an_answer_has_text_finish_reason_usage_and_fingerprint(client: OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=CAPITAL, max_tokens=8)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.system_fingerprint
    assert answer.usage
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.prompt_tokens_details
    body = {"messages": CAPITAL}
    counted: Any = client.post("/tokenize", body=body, cast_to=object)
    assert counted["count"] == answer.usage.prompt_tokens


def test_a_stream_has_several_chunks_and_ends_with_the_usage(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model=MODEL,
            messages=COUNT,
            max_tokens=12,
            stream=True,
            stream_options={"include_usage": True},
            extra_headers=NO_CACHE,
            extra_body={"min_tokens": 12},
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    assert len(chunks) > 6
    assert chunks[-2].choices[0].finish_reason == "length"
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens == 12


def test_a_tool_call_and_its_result_make_a_round_trip(client: OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "What is the weather in Paris?"}]
    called = client.chat.completions.create(
        model=MODEL, messages=messages, tools=[WEATHER], temperature=0, **FORCED
    )
    assert called.choices[0].finish_reason == "tool_calls"
    message = called.choices[0].message
    messages.append(message)
    for call in message.tool_calls or ():
        assert call.type == "function"
        assert call.function.name == "weather"
        assert json.loads(call.function.arguments).keys() == {"city"}
        result = {"role": "tool", "tool_call_id": call.id, "content": "17 degrees, rain"}
        messages.append(result)
    messages.append({"role": "user", "content": "Tell me in one sentence."})
    answered = client.chat.completions.create(
        model=MODEL, messages=messages, tools=[WEATHER], temperature=0
    )
    assert answered.choices[0].message.role == "assistant"
    assert answered.usage
    assert called.usage
    assert answered.usage.prompt_tokens > called.usage.prompt_tokens


def test_a_tool_call_is_assembled_from_a_stream(client: OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "What is the weather in Rome?"}]
    with client.chat.completions.stream(
        model=MODEL, messages=messages, tools=[WEATHER], temperature=0, **FORCED
    ) as stream:
        kinds = [event.type for event in stream]
        answer = stream.get_final_completion()
    assert kinds.count("tool_calls.function.arguments.delta") > 1
    assert "tool_calls.function.arguments.done" in kinds
    assert answer.choices[0].finish_reason == "tool_calls"
    calls = answer.choices[0].message.tool_calls
    assert calls
    assert json.loads(calls[0].function.arguments).keys() == {"city"}


def test_an_answer_is_parsed_into_a_pydantic_model(client: OpenAI) -> None:
    messages: Any = [
        {"role": "user", "content": "Ann is 30 and speaks English (en). Write her as JSON."}
    ]
    answer = client.chat.completions.parse(
        model=MODEL, messages=messages, response_format=Profile, temperature=0
    )
    assert answer.choices[0].finish_reason == "stop"
    assert isinstance(answer.choices[0].message.parsed, Profile)


@pytest.mark.parametrize(
    ("wrong", "error", "code"),
    [
        (
            {"messages": [{"role": "user", "content": "word " * 9000}]},
            400,
            "context_length_exceeded",
        ),
        ({"model": "gpt-4o"}, 404, "model_not_found"),
        ({"temperature": 3}, 422, "invalid_request"),
        ({"extra_body": {"best_of": 3}}, 422, "invalid_request"),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": {"$ref": "#/no"}},
                }
            },
            400,
            "bad_schema",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_refusal_is_the_clients_matching_error(
    client: OpenAI, wrong: dict[str, Any], error: int, code: str
) -> None:
    kinds = {
        400: openai.BadRequestError,
        404: openai.NotFoundError,
        422: openai.UnprocessableEntityError,
    }
    with pytest.raises(kinds[error]) as caught:
        client.chat.completions.create(**{"model": MODEL, "messages": CAPITAL, **wrong})
    assert caught.value.code == code
    assert caught.value.request_id


def test_a_wrong_key_and_a_key_without_the_scope_are_different_errors(server: Server) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        client_of(server, "sk-wrong").models.list()
    assert caught.value.code == "invalid_api_key"
    with pytest.raises(openai.PermissionDeniedError):
        client_of(server, server.metrics_key).models.list()


def test_a_limit_is_the_clients_rate_limit_error_with_retry_after(server: Server) -> None:
    completions = client_of(server, server.slow_key).chat.completions
    completions.create(model=MODEL, messages=CAPITAL, max_tokens=1)
    with pytest.raises(openai.RateLimitError) as caught:
        completions.create(model=MODEL, messages=CAPITAL, max_tokens=1)
    assert caught.value.code == "rate_limit_exceeded"
    assert 0 < int(caught.value.response.headers["retry-after"]) <= 60


def test_closing_a_stream_cancels_the_answer(client: OpenAI, server: Server) -> None:
    with client.chat.completions.create(model=MODEL, messages=COUNT, stream=True, **LONG) as stream:
        seen = [next(stream) for _ in range(5)]
    answered = server.log_fields(seen[0].id)
    assert answered["finish"] == "stopped"
    assert answered["completion_tokens"] < 60


def test_the_clients_own_timeout_is_raised(client: OpenAI) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.3).chat.completions.create(
            model=MODEL, messages=COUNT, **LONG
        )


def test_an_unreachable_server_is_a_connection_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="sk-any", max_retries=0)
    with pytest.raises(openai.APIConnectionError):
        client.models.list()


def test_the_model_is_found_by_its_name(client: OpenAI) -> None:
    (model,) = client.models.list()
    assert client.models.retrieve(model.id) == model
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


def test_bare_text_is_continued_whole_and_as_a_stream(client: OpenAI) -> None:
    settings: Any = {"model": MODEL, "prompt": "def add(a, b):", "max_tokens": 6}
    settings["extra_body"] = {"min_tokens": 6}
    whole = client.completions.create(**settings)
    assert whole.choices[0].text
    assert whole.choices[0].finish_reason == "length"
    assert whole.usage
    assert whole.usage.completion_tokens == 6
    pieces = list(client.completions.create(**settings, stream=True, extra_headers=NO_CACHE))
    assert "".join(piece.choices[0].text for piece in pieces)
    assert pieces[-1].choices[0].finish_reason == "length"


def test_log_probabilities_are_returned_with_the_tokens(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model=MODEL, messages=CAPITAL, max_tokens=3, temperature=0, logprobs=True, top_logprobs=2
    )
    scores = answer.choices[0].logprobs
    assert scores
    assert scores.content
    assert scores.content[0].token == scores.content[0].top_logprobs[0].token
    text = b"".join(bytes(token.bytes or ()) for token in scores.content).decode()
    assert text == answer.choices[0].message.content


async def test_concurrent_requests_are_all_answered(server: Server) -> None:
    client = AsyncOpenAI(base_url=server.base_url, api_key=server.key, timeout=TIMEOUT_S)
    async with client:
        answers = await asyncio.gather(
            *(
                client.chat.completions.create(
                    model=MODEL,
                    messages=[{"role": "user", "content": f"{number} + 1 = ?"}],
                    max_tokens=4,
                )
                for number in range(4)
            )
        )
    assert all(answer.choices[0].message.content for answer in answers)
    assert len({answer.id for answer in answers}) == 4


def test_unsupported_routes_are_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.moderations.create(input="Hi")


def test_the_log_contains_no_message_text_and_no_key(client: OpenAI, server: Server) -> None:
    messages: Any = [{"role": "user", "content": "Say serendipity."}]
    answer = client.chat.completions.create(model=MODEL, messages=messages, max_tokens=1)
    server.log_fields(answer.id)
    log = Path(server.log).read_text(encoding="utf-8")
    assert "serendipity" not in log
    assert not [key for key in (server.key, server.metrics_key, server.slow_key) if key in log]
