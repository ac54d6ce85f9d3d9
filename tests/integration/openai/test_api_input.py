"""Invalid input is refused by name, in OpenAI's format, never repeated, never with a 5xx."""

import json
from typing import Any

import pytest

from tests.house import House, client_of
from tests.programs import CHAT, HI, RESPONSES, TEXT, Programs, fault

JSON = {"content-type": "application/json"}
TOOL = {"type": "function", "function": {"name": "time"}}
SHAPE = {"type": "json_object"}


@pytest.fixture(scope="module")
def closed() -> Programs:
    """One app for all refused requests, which never reach the engine."""
    return Programs(api_strict=True)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        # bounds
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "1"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
        ({"top_k": -2}, "top_k"),
        ({"top_k": 1.5}, "top_k"),
        ({"repetition_penalty": 0}, "repetition_penalty"),
        ({"presence_penalty": 2.1}, "presence_penalty"),
        ({"frequency_penalty": -2.1}, "frequency_penalty"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 10**6}, "max_completion_tokens"),
        ({"min_tokens": -1}, "min_tokens"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"top_logprobs": 21, "logprobs": True}, "top_logprobs"),
        ({"user": "x" * 600}, "user"),
        ({"metadata": {str(n): "x" for n in range(17)}}, "metadata"),
        # lists and texts
        ({"messages": []}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": [{"role": "user", "content": "Hi"}] * 2001}, "messages"),
        ({"messages": [{"role": "robot", "content": "Hi"}]}, "messages[0]"),
        ({"messages": [{"content": "Hi"}]}, "messages[0]"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "x", "mood": "good"}]}, "messages[0].mood"),
        ({"stop": ""}, "stop"),
        ({"stop": "x" * 2**20}, "stop"),
        # tools and shapes
        ({"tools": [TOOL] * 4_000}, "tools"),
        ({"tools": [{"type": "retrieval"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": "名"}}]}, "tools[0].function.name"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "x"}}},
            "tool_choice",
        ),
        ({"response_format": {"type": "xml"}}, "response_format"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
            "response_format.json_schema.schema",
        ),
        # inconsistent parameters
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens"),
        ({"max_tokens": 5, "min_tokens": 6}, "min_tokens"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        # parameters of other servers
        ({"n": 9}, "n"),
        ({"functions": []}, "functions"),
        ({"function_call": "auto"}, "function_call"),
        ({"audio": {"voice": "x"}}, "audio"),
        ({"modalities": ["audio"]}, "modalities[0]"),
        ({"best_of": 2}, "best_of"),
        ({"api_base": "http://evil.example"}, "api_base"),
        ({"base_url": "http://evil.example"}, "base_url"),
        ({"chat_template": "{{ 7 * 7 }}"}, "chat_template"),
        ({"chat_template_kwargs": {}}, "chat_template_kwargs"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"名": 1}, "?"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_unsupported_chat_parameters_are_refused_by_name(
    closed: Programs, more: dict[str, Any], param: str
) -> None:
    answer = await closed.chat(**more)
    assert answer.status_code == 422
    assert fault(answer)["param"] == param
    assert fault(answer)["code"] == "invalid_request"
    assert fault(answer)["type"] == "invalid_request_error"
    assert param in fault(answer)["message"]
    assert not closed.engine.samplings


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"best_of": 2}, "best_of"),
        ({"n": 9}, "n"),
        ({"logprobs": 6}, "logprobs"),
        ({"messages": []}, "messages"),
    ],
    ids=str,
)
async def test_unsupported_completion_parameters_are_refused_by_name(
    closed: Programs, more: dict[str, Any], param: str
) -> None:
    answer = await closed.text(**{"prompt": "Once", **more})
    assert answer.status_code == 422
    assert fault(answer)["param"] == param


async def test_images_are_refused_with_the_supported_content() -> None:
    picture = {"type": "image_url", "image_url": {"url": "http://evil.example/x.png"}}
    answer = await Programs().chat(messages=[{"role": "user", "content": [picture]}])
    assert answer.status_code == 422
    assert "only text is read" in fault(answer)["message"]
    assert "evil" not in answer.text


@pytest.mark.parametrize("api_strict", [False, True])
async def test_parameters_that_clients_send_by_default_have_no_effect(api_strict: bool) -> None:
    programs = Programs(api_strict=api_strict)
    answer = await programs.chat(
        n=1,
        logit_bias={},
        store=False,
        metadata={"run": "7"},
        service_tier="auto",
        modalities=["text"],
        prompt_cache_key="k",
        safety_identifier="s",
        user="u",
        stream=False,
        stream_options=None,
        parallel_tool_calls=True,
        tool_choice="auto",
        reasoning_effort="none",
        verbosity="medium",
        response_format={"type": "text"},
    )
    assert answer.status_code == 200
    assert (await programs.text(echo=False, best_of=1, suffix=None, n=1)).status_code == 200


@pytest.mark.parametrize("path", [CHAT, TEXT, RESPONSES, "/v1/tokenize"])
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"7",
        b"null",
        b'"secret"',
        b'{"model": "default", "messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"model": "default", "prompt": "\\u0000"}',
        b'{"model": "default", "temperature": NaN}',
        b'{"model": "default", "temperature": 1e999}',
        b'{"model": "default", "seed": ' + b"9" * 5000 + b"}",
        b'{"model": "default", "model": "secret"}',
        b'{"a":' * 70 + b"1" + b"}" * 70,
        b"[" * 200_000,
        b"\xff",
        b"",
    ],
    ids=lambda body: repr(body[:40]),
)
async def test_an_unusable_body_is_refused_without_being_repeated(
    closed: Programs, path: str, body: bytes
) -> None:
    answer = await closed.client.post(path, content=body, headers=JSON)
    assert answer.status_code in (400, 422)
    assert fault(answer)["code"] in ("invalid_json", "invalid_request")
    assert "secret" not in answer.text


async def test_json_output_is_allowed_with_tool_choice_none() -> None:
    answer = await Programs().chat(tools=[TOOL], tool_choice="none", response_format=SHAPE)
    assert answer.status_code == 200


async def test_two_tools_of_one_name_are_refused() -> None:
    answer = await Programs().chat(tools=[TOOL, TOOL])
    assert answer.status_code == 400


async def test_a_continued_answer_takes_no_tools_and_no_response_format() -> None:
    begun = [*HI["messages"], {"role": "assistant", "content": "Hel"}]
    for more in ({"tools": [TOOL]}, {"response_format": SHAPE}):
        answer = await Programs().chat(messages=begun, **more)
        assert answer.status_code == 400


async def test_unicode_names_and_odd_schemas_are_no_server_error() -> None:
    programs = Programs()
    for schema in ({}, {"type": "名"}, {"$ref": "http://evil.example"}, {"名": [{"": None}] * 50}):
        shape = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
        answer = await programs.chat(response_format=shape)
        assert answer.status_code < 500


async def test_a_body_over_the_limit_is_refused() -> None:
    content = json.dumps({**HI, "user": "x" * 9_000_000}).encode()
    answer = await Programs().client.post(CHAT, content=content, headers=JSON)
    assert answer.status_code == 413


async def test_unknown_routes_are_answered_in_openais_error_format() -> None:
    """The page is mounted behind the API, and would answer unknown routes in its own format."""
    client = client_of(House(sign_in_needed=False).site())
    for method, path in (
        ("POST", "/v1/images/generations"),
        ("GET", f"{CHAT}/more"),
        ("PATCH", "/v1/files"),
    ):
        answer = await client.request(method, path)
        assert answer.status_code == 404
        assert fault(answer)["code"] == "not_found"
