"""LangChain's ChatOpenAI against the app on real weights."""

from typing import Literal

import openai
import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field, SecretStr

from tests.clients.server import Server

pytestmark = pytest.mark.model

TIMEOUT_S = 240


class Profile(BaseModel):
    name: Literal["Ann", "Bob"]
    age: int = Field(ge=0, le=150)


@tool
def weather(city: Literal["Paris", "Rome"]) -> str:
    """The weather of a city."""
    return f"17 degrees and rain in {city}"


@pytest.fixture
def chat(server: Server) -> ChatOpenAI:
    return ChatOpenAI(
        model="default",
        base_url=server.base_url,
        api_key=SecretStr(server.key),
        temperature=0,
        stream_usage=True,  # off by default where the address is not OpenAI's
        max_retries=0,
        timeout=TIMEOUT_S,
    )


def test_an_answer_is_returned_whole(chat: ChatOpenAI) -> None:
    answer = chat.invoke([("system", "Be brief."), ("human", "What is the capital of France?")])
    assert answer.text
    assert answer.usage_metadata
    assert answer.usage_metadata["output_tokens"] > 0


async def test_an_answer_is_streamed_with_its_usage(chat: ChatOpenAI) -> None:
    whole = AIMessageChunk(content="")
    pieces = 0
    counting = chat.bind(max_tokens=8, extra_body={"min_tokens": 8})
    async for piece in counting.astream("Count from 1 to 100."):
        assert isinstance(piece, AIMessageChunk)
        whole += piece
        pieces += 1
    assert pieces > 5
    assert whole.text
    assert whole.usage_metadata
    assert whole.usage_metadata["output_tokens"] == 8


def test_a_tool_is_called_and_its_result_is_used(chat: ChatOpenAI) -> None:
    asker = chat.bind_tools([weather], tool_choice="required", parallel_tool_calls=False)
    question = HumanMessage("What is the weather in Paris?")
    called = asker.invoke([question])
    assert isinstance(called, AIMessage)
    (call,) = called.tool_calls
    result = weather.invoke(call)
    assert isinstance(result, ToolMessage)
    answered = chat.bind_tools([weather]).bind(max_tokens=8).invoke([question, called, result])
    assert isinstance(answered, AIMessage)


def test_structured_output_returns_pydantic_objects(chat: ChatOpenAI) -> None:
    profile = chat.with_structured_output(Profile).invoke("Ann is 30. Write her as JSON.")
    assert isinstance(profile, Profile)


def test_a_refusal_is_the_clients_error(chat: ChatOpenAI) -> None:
    with pytest.raises(openai.UnprocessableEntityError):
        chat.bind(n=9).invoke("Hi")
