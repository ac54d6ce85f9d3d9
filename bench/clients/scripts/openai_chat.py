"""OpenAI's Python client: chat completions, text completions and models."""

import json
from typing import Any, Literal

from openai import OpenAI
from pydantic import BaseModel, Field

from bench.clients.scripts.steps import MAX_TOKENS, MODEL, TIMEOUT_S, run

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
            "additionalProperties": False,
        },
    },
}
client = OpenAI(max_retries=0, timeout=TIMEOUT_S)


class Profile(BaseModel):
    name: Literal["Ann", "Bob"]
    age: int = Field(ge=0, le=150)


def models() -> None:
    (model,) = client.models.list()
    assert client.models.retrieve(model.id).id == model.id


def chat() -> None:
    answer = client.chat.completions.create(
        model=MODEL, messages=QUESTION, max_completion_tokens=MAX_TOKENS
    )
    assert answer.choices[0].message.content
    assert answer.usage


def streaming() -> None:
    # Not by `stream()`, which fails at an answer that its limit cuts.
    chunks = list(
        client.chat.completions.create(
            model=MODEL,
            messages=QUESTION,
            max_completion_tokens=MAX_TOKENS,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    assert chunks[-1].usage


def tools() -> None:
    messages = list(QUESTION)
    called = client.chat.completions.create(
        model=MODEL,
        messages=messages,
        tools=[WEATHER],
        tool_choice="required",
        parallel_tool_calls=False,
    )
    message = called.choices[0].message
    assert message.tool_calls
    messages.append(message)
    for call in message.tool_calls:
        assert call.type == "function"
        assert json.loads(call.function.arguments).keys() == {"city"}
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "17 degrees"})
    client.chat.completions.create(
        model=MODEL, messages=messages, tools=[WEATHER], max_completion_tokens=MAX_TOKENS
    )


def streamed_tools() -> None:
    with client.chat.completions.stream(
        model=MODEL,
        messages=QUESTION,
        tools=[WEATHER],
        tool_choice="required",
        parallel_tool_calls=False,
    ) as stream:
        answer = stream.get_final_completion()
    messages = [*QUESTION, answer.choices[0].message]
    for call in answer.choices[0].message.tool_calls or ():
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "17 degrees"})
    client.chat.completions.create(
        model=MODEL, messages=messages, tools=[WEATHER], max_completion_tokens=MAX_TOKENS
    )


def structured() -> None:
    answer = client.chat.completions.parse(
        model=MODEL,
        messages=[{"role": "user", "content": "Ann is 30."}],
        response_format=Profile,
        max_completion_tokens=MAX_TOKENS,
    )
    message = answer.choices[0].message
    assert isinstance(message.parsed, Profile)
    again: Any = [message, {"role": "user", "content": "And Bob, who is 40?"}]
    client.chat.completions.parse(
        model=MODEL, messages=again, response_format=Profile, max_completion_tokens=MAX_TOKENS
    )


def several_answers() -> None:
    answer = client.chat.completions.create(
        model=MODEL, messages=QUESTION, n=2, max_completion_tokens=8, logprobs=True, top_logprobs=2
    )
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert all(choice.logprobs for choice in answer.choices)


def text() -> None:
    answer = client.completions.create(
        model=MODEL, prompt=["def add(a, b):", "def sub(a, b):"], max_tokens=8
    )
    assert [choice.index for choice in answer.choices] == [0, 1]


if __name__ == "__main__":
    run(
        {
            "models": models,
            "chat": chat,
            "streaming": streaming,
            "tools": tools,
            "tools, streamed": streamed_tools,
            "structured output": structured,
            "n and log probabilities": several_answers,
            "text completions": text,
        }
    )
