"""Pydantic AI's agents, over chat completions and over responses."""

from contextlib import suppress
from typing import Literal

from pydantic import BaseModel, Field
from pydantic_ai import Agent, ModelSettings
from pydantic_ai.exceptions import UnexpectedModelBehavior
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.output import NativeOutput
from pydantic_ai.providers.openai import OpenAIProvider

from bench.clients.scripts.steps import BASE_URL, KEY, MAX_TOKENS, MODEL, TIMEOUT_S, run

provider = OpenAIProvider(base_url=BASE_URL, api_key=KEY)
SETTINGS = ModelSettings(max_tokens=MAX_TOKENS, timeout=TIMEOUT_S)
chat_model = OpenAIChatModel(MODEL, provider=provider, settings=SETTINGS)
responses_model = OpenAIResponsesModel(MODEL, provider=provider, settings=SETTINGS)
QUESTION = "What is the weather in Paris?"


class Profile(BaseModel):
    name: Literal["Ann", "Bob"]
    age: int = Field(ge=0, le=150)


def weather(city: Literal["Paris", "Rome"]) -> str:
    """The weather of a city."""
    return f"17 degrees in {city}"


async def chat() -> None:
    agent = Agent(chat_model, instructions="Be brief.")
    first = await agent.run("Hi")
    assert (await agent.run("And now?", message_history=first.all_messages())).output


async def streaming() -> None:
    async with Agent(chat_model).run_stream("Hi") as result:
        assert "".join([piece async for piece in result.stream_text(delta=True)])


async def tools() -> None:
    with suppress(UnexpectedModelBehavior):  # calls that the model wrote wrongly
        await Agent(chat_model, tools=[weather]).run(QUESTION)


async def tool_output() -> None:
    answer = await Agent(chat_model, output_type=Profile).run("Ann is 30.")
    assert isinstance(answer.output, Profile)


async def native_output() -> None:
    agent = Agent(chat_model, output_type=NativeOutput(Profile), tools=[weather])
    with suppress(UnexpectedModelBehavior):  # a call that was cut
        answer = await agent.run("Ann is 30.")
        assert isinstance(answer.output, Profile)


async def responses() -> None:
    async with Agent(responses_model).run_stream("Hi") as result:
        assert await result.get_output()


if __name__ == "__main__":
    run(
        {
            "chat, two turns": chat,
            "streaming": streaming,
            "tools": tools,
            "structured output as a call": tool_output,
            "structured output with tools": native_output,
            "responses": responses,
        }
    )
