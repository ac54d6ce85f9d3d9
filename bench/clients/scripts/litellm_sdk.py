"""LiteLLM's Python SDK, over its provider "openai"."""

import json
from typing import Any, Literal

import litellm
from pydantic import BaseModel, Field

from bench.clients.scripts.steps import BASE_URL, KEY, MAX_TOKENS, MODEL, TIMEOUT_S, run

COMMON: Any = {
    "model": f"openai/{MODEL}",
    "api_base": BASE_URL,
    "api_key": KEY,
    "max_tokens": MAX_TOKENS,
    "num_retries": 0,
    "timeout": TIMEOUT_S,
}
QUESTION: Any = [{"role": "user", "content": "What is the weather in Paris?"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 20}},
            "required": ["city"],
        },
    },
}


class Profile(BaseModel):
    name: Literal["Ann", "Bob"]
    age: int = Field(ge=0, le=150)


def chat() -> None:
    answer = litellm.completion(messages=QUESTION, user="ann", metadata={"run": "1"}, **COMMON)
    assert answer.choices[0].message.content


def streaming() -> None:
    pieces = litellm.completion(
        messages=QUESTION, stream=True, stream_options={"include_usage": True}, **COMMON
    )
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)


def tools() -> None:
    called = litellm.completion(
        messages=QUESTION,
        tools=[WEATHER],
        tool_choice="required",
        parallel_tool_calls=False,
        **COMMON,
    )
    message = called.choices[0].message
    assert message.tool_calls
    messages = [*QUESTION, message.model_dump()]
    for call in message.tool_calls:
        assert json.loads(call.function.arguments).keys() == {"city"}
        result = {"role": "tool", "name": "weather", "content": "17 degrees"}
        messages.append({**result, "tool_call_id": call.id})
    litellm.completion(messages=messages, tools=[WEATHER], **COMMON)


def structured() -> None:
    answer = litellm.completion(messages=QUESTION, response_format=Profile, **COMMON)
    Profile.model_validate_json(answer.choices[0].message.content)


def responses() -> None:
    settings = {**COMMON, "max_output_tokens": COMMON["max_tokens"]}
    del settings["max_tokens"]
    assert litellm.responses(input="Hi", **settings).output


def text() -> None:
    settings = {**COMMON, "model": f"text-completion-openai/{MODEL}"}
    assert litellm.text_completion(prompt="def add(a, b):", **settings).choices


if __name__ == "__main__":
    run(
        {
            "chat": chat,
            "streaming": streaming,
            "tools": tools,
            "structured output": structured,
            "responses": responses,
            "text completions": text,
        }
    )
