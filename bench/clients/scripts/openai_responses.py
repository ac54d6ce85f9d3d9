"""OpenAI's Python client: responses, with the conversation kept by the program."""

import json
from typing import Any, Literal

from openai import OpenAI
from pydantic import BaseModel, Field

from bench.clients.scripts.steps import MAX_TOKENS, MODEL, TIMEOUT_S, run

QUESTION: Any = [{"role": "user", "content": "What is the weather in Paris?"}]
WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
client = OpenAI(max_retries=0, timeout=TIMEOUT_S)


class Profile(BaseModel):
    name: Literal["Ann", "Bob"]
    age: int = Field(ge=0, le=150)


def response() -> None:
    answer = client.responses.create(
        model=MODEL, input="Hi", instructions="Be brief.", max_output_tokens=MAX_TOKENS
    )
    assert answer.output_text
    assert answer.usage


def streaming() -> None:
    events = list(
        client.responses.create(
            model=MODEL, input=QUESTION, max_output_tokens=MAX_TOKENS, stream=True
        )
    )
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created"
    assert "response.output_text.delta" in kinds
    assert kinds[-1] in ("response.completed", "response.incomplete")


def second_turn() -> None:
    first = client.responses.create(
        model=MODEL, input=QUESTION, store=False, max_output_tokens=MAX_TOKENS
    )
    again: Any = [*QUESTION, *first.output, {"role": "user", "content": "And in Rome?"}]
    client.responses.create(model=MODEL, input=again, store=False, max_output_tokens=MAX_TOKENS)


def tools() -> None:
    called = client.responses.create(
        model=MODEL,
        input=QUESTION,
        tools=[WEATHER],
        tool_choice="required",
        parallel_tool_calls=False,
    )
    items: Any = [*QUESTION, *called.output]
    calls = [item for item in called.output if item.type == "function_call"]
    assert calls
    for call in calls:
        assert json.loads(call.arguments).keys() == {"city"}
        items.append(
            {"type": "function_call_output", "call_id": call.call_id, "output": "17 degrees"}
        )
    client.responses.create(model=MODEL, input=items, tools=[WEATHER], max_output_tokens=MAX_TOKENS)


def streamed_tools() -> None:
    with client.responses.stream(
        model=MODEL,
        input=QUESTION,
        tools=[WEATHER],
        tool_choice="required",
        parallel_tool_calls=False,
    ) as stream:
        kinds = [event.type for event in stream]
    assert "response.function_call_arguments.done" in kinds


def structured() -> None:
    answer = client.responses.parse(
        model=MODEL, input="Ann is 30.", text_format=Profile, max_output_tokens=MAX_TOKENS
    )
    assert isinstance(answer.output_parsed, Profile)


if __name__ == "__main__":
    run(
        {
            "response": response,
            "streaming": streaming,
            "second turn": second_turn,
            "tools": tools,
            "tools, streamed": streamed_tools,
            "structured output": structured,
        }
    )
