"""/v1/completions, /v1/models and /v1/tokenize, and log-probabilities in both formats."""

import json
import math
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from chat.models import Finish, Sampling, Usage
from chat.serving.models import Delta, PreparedPrompt
from chat.tools import NO_EXTRAS, Extras, TokenScore
from tests.fakes import Script, ScriptedEngine
from tests.programs import HI, Programs, events, fault

HEL = TokenScore("Hel", b"Hel", -0.1, (TokenScore("Hel", b"", -0.1), TokenScore("Oh", b"", -2.5)))
HALF = TokenScore("\ufffd", b"\xe4\xbd", -math.inf)


async def test_text_is_continued() -> None:
    programs = Programs()
    answer = await programs.text("Once upon", max_tokens=5, user="ann")
    body = answer.json()
    assert body["id"].startswith("cmpl-")
    assert body["object"] == "text_completion"
    assert body["choices"] == [
        {"index": 0, "text": "Hello", "logprobs": None, "finish_reason": "stop"}
    ]
    assert body["usage"]["prompt_tokens"] == len("Once upon")
    assert programs.engine.samplings[0].max_new_tokens == 5


async def test_a_list_of_one_prompt_is_accepted_and_the_default_length_is_sixteen() -> None:
    programs = Programs()
    assert (await programs.text(["Once"])).json()["usage"]["prompt_tokens"] == 4
    assert programs.engine.samplings[0].max_new_tokens == 16


async def test_a_text_stream_has_chunks_a_finish_reason_and_usage() -> None:
    answer = await Programs().text(stream=True, stream_options={"include_usage": True})
    *chunks, last, done = events(answer)
    assert [(c["choices"][0]["text"], c["choices"][0]["finish_reason"]) for c in chunks] == [
        ("Hel", None),
        ("lo", None),
        ("", "stop"),
    ]
    assert (last["choices"], last["usage"]["completion_tokens"], done) == ([], 5, "[DONE]")


# Probabilities


class ScoringEngine(ScriptedEngine):
    """An engine with a partial character, and with a log-probability of minus infinity."""

    async def generate(
        self,
        prompt: PreparedPrompt,
        sampling: Sampling,
        *,
        salt: str = "",
        extras: Extras = NO_EXTRAS,
    ) -> AsyncGenerator[Delta, None]:
        self.extras.append(extras)
        yield Delta("Hel", 1, scores=(HEL,))
        yield Delta("", 2, scores=(HALF,))
        yield Delta(completion_tokens=2, finish=Finish.LENGTH, usage=Usage(1, 2))


CHAT_SCORES = [
    {
        "token": "Hel",
        "logprob": -0.1,
        "bytes": [72, 101, 108],
        "top_logprobs": [
            {"token": "Hel", "logprob": -0.1, "bytes": [72, 101, 108]},
            {"token": "Oh", "logprob": -2.5, "bytes": [79, 104]},
        ],
    },
    {"token": "\ufffd", "logprob": -9999.0, "bytes": [0xE4, 0xBD], "top_logprobs": []},
]


async def test_chat_log_probabilities_are_returned() -> None:
    programs = Programs(engine=ScoringEngine())
    (choice,) = (await programs.chat(logprobs=True, top_logprobs=2)).json()["choices"]
    assert choice["logprobs"] == {"content": CHAT_SCORES, "refusal": None}
    answer = await programs.chat(logprobs=True, stream=True)
    logprobs = [event["choices"][0]["logprobs"] for event in events(answer) if event != "[DONE]"]
    assert [part["content"] for part in logprobs if part] == [[item] for item in CHAT_SCORES]
    assert [extras.top_logprobs for extras in programs.engine.extras] == [2, 0]


async def test_text_log_probabilities_have_the_legacy_format() -> None:
    programs = Programs(engine=ScoringEngine())
    (choice,) = (await programs.text(logprobs=2)).json()["choices"]
    assert choice["logprobs"] == {
        "tokens": ["Hel", "\ufffd"],
        "token_logprobs": [-0.1, -9999.0],
        "top_logprobs": [{"Hel": -0.1, "Oh": -2.5}, {}],
        "text_offset": [0, 3],
    }
    received = events(await programs.text(logprobs=0, stream=True))
    assert [event["choices"][0]["logprobs"]["text_offset"] for event in received[:2]] == [[0], [3]]
    assert [extras.top_logprobs for extras in programs.engine.extras] == [2, 0]


# The model


async def test_the_model_is_listed_and_described() -> None:
    programs = Programs()
    (model,) = (await programs.client.get("/v1/models")).json()["data"]
    assert model.pop("created") > 0
    assert model == {
        "id": "Scripted-1B-Instruct",
        "object": "model",
        "owned_by": "qwen-chat",
        "max_model_len": 1000,
    }
    for name in ("Scripted-1B-Instruct", "qwen/scripted-1b-instruct", "default"):
        described = await programs.client.get(f"/v1/models/{name}")
        assert described.json()["id"] == "Scripted-1B-Instruct"
        assert (await programs.chat(model=name)).status_code == 200


@pytest.mark.parametrize("name", ["gpt-4o", "http://evil.example", "../default", "名", "x/y/z"])
async def test_another_model_is_not_found(name: str) -> None:
    programs = Programs()
    for answer in (
        await programs.client.get(f"/v1/models/{name}"),
        await programs.chat(model=name),
        await programs.client.post("/v1/tokenize", json={"model": name, "prompt": "x"}),
    ):
        assert answer.status_code == 404
        assert fault(answer)["code"] in ("model_not_found", "not_found")
    assert not programs.engine.samplings


# Tokens


async def test_tokens_of_text_and_of_conversations_are_counted() -> None:
    programs = Programs()
    bodies: list[Any] = [{"prompt": "Hi"}, {"messages": HI["messages"], "model": "default"}]
    for body in bodies:
        answer = await programs.client.post("/v1/tokenize", json=body)
        assert answer.json() == {"count": 2, "max_model_len": 1000, "tokens": [72, 105]}


@pytest.mark.parametrize(
    "body", [{}, {"prompt": "x", "messages": HI["messages"]}, {"prompt": ""}, {"prompt": "\ud800"}]
)
async def test_tokenize_refuses_a_request_without_a_prompt(body: dict[str, Any]) -> None:
    programs = Programs()
    answer = await programs.client.post("/v1/tokenize", content=_ascii(body), headers=JSON)
    assert answer.status_code in (400, 422)


async def test_tokenize_refuses_a_prompt_over_the_limit() -> None:
    programs = Programs(Script())
    parts = [{"type": "text", "text": "x" * 150_000}] * 2
    for path, more in (("/v1/tokenize", {}), ("/v1/chat/completions", {"model": "default"})):
        body = {"messages": [{"role": "user", "content": parts}], **more}
        answer = await programs.client.post(path, json=body)
        assert answer.status_code == 400
        assert fault(answer)["code"] == "context_length_exceeded"
        # Clients look for these words.
        assert "maximum context length is 1000 tokens" in fault(answer)["message"]


JSON = {"content-type": "application/json"}


def _ascii(value: Any) -> bytes:
    return json.dumps(value).encode("ascii")
