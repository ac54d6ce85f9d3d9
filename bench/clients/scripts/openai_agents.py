"""OpenAI's Agents SDK, over responses (its default) and over chat completions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from agents.exceptions import MaxTurnsExceeded, ModelBehaviorError
from openai import AsyncOpenAI
from pydantic import BaseModel, Field

from bench.clients.scripts.steps import MAX_TOKENS, MODEL, TIMEOUT_S, run

set_tracing_disabled(True)
called: list[str] = []
"""The cities that the tool was called with."""


class Profile(BaseModel):
    name: Literal["Ann", "Bob"]
    age: int = Field(ge=0, le=150)


def weather(city: Literal["Paris", "Rome"]) -> str:
    """The weather of a city."""
    called.append(city)
    return f"17 degrees in {city}"


@contextmanager
def cut_answers_allowed() -> Iterator[None]:
    """A cut answer and a model that never stops calling are errors to the client, not to us."""
    try:
        yield
    except MaxTurnsExceeded:
        assert called
    except ModelBehaviorError as error:
        if "response.incomplete" not in str(error):
            raise


def agent_of(kind: Any, *, tool_choice: str | None = None, **more: Any) -> Any:
    settings = ModelSettings(
        max_tokens=MAX_TOKENS, tool_choice=tool_choice, parallel_tool_calls=False
    )
    client = AsyncOpenAI(max_retries=0, timeout=TIMEOUT_S)
    model = kind(model=MODEL, openai_client=client)
    return Agent(
        name="Helper", instructions="Be brief.", model=model, model_settings=settings, **more
    )


async def responses() -> None:
    with cut_answers_allowed():
        assert (await Runner.run(agent_of(OpenAIResponsesModel), "Hi")).final_output


async def responses_tools() -> None:
    agent = agent_of(OpenAIResponsesModel, tool_choice="required", tools=[function_tool(weather)])
    called.clear()
    with cut_answers_allowed():
        result = Runner.run_streamed(agent, "What is the weather in Paris?", max_turns=4)
        async for _ in result.stream_events():
            pass
    assert called


async def responses_structured() -> None:
    result = await Runner.run(agent_of(OpenAIResponsesModel, output_type=Profile), "Ann is 30.")
    assert isinstance(result.final_output, Profile)


async def chat() -> None:
    first = await Runner.run(agent_of(OpenAIChatCompletionsModel), "Hi")
    again = [*first.to_input_list(), {"role": "user", "content": "And now?"}]
    assert (await Runner.run(agent_of(OpenAIChatCompletionsModel), again)).final_output


async def chat_tools() -> None:
    tools = [function_tool(weather)]
    agent = agent_of(OpenAIChatCompletionsModel, tool_choice="required", tools=tools)
    called.clear()
    result = Runner.run_streamed(agent, "What is the weather in Paris?", max_turns=4)
    async for _ in result.stream_events():
        pass
    assert called


async def chat_structured_with_tools() -> None:
    tools = [function_tool(weather)]
    agent = agent_of(OpenAIChatCompletionsModel, output_type=Profile, tools=tools)
    called.clear()
    with cut_answers_allowed():
        result = await Runner.run(agent, "Ann is 30.", max_turns=4)
        assert isinstance(result.final_output, Profile)


if __name__ == "__main__":
    run(
        {
            "responses": responses,
            "responses with tools, streamed": responses_tools,
            "responses with structured output": responses_structured,
            "chat, two turns": chat,
            "chat with tools, streamed": chat_tools,
            "chat with tools and structured output": chat_structured_with_tools,
        }
    )
