"""LangChain's ChatOpenAI."""

from typing import Literal

from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI
from pydantic import BaseModel, Field

from bench.clients.scripts.steps import MAX_TOKENS, MODEL, TIMEOUT_S, run

chat_model = ChatOpenAI(
    model=MODEL,
    max_completion_tokens=MAX_TOKENS,
    stream_usage=True,
    max_retries=0,
    timeout=TIMEOUT_S,
)


class Profile(BaseModel):
    name: Literal["Ann", "Bob"]
    age: int = Field(ge=0, le=150)


@tool
def weather(city: Literal["Paris", "Rome"]) -> str:
    """The weather of a city."""
    return f"17 degrees in {city}"


def chat() -> None:
    answer = chat_model.invoke([("system", "Be brief."), ("human", "Hi")])
    assert answer.text
    again = [HumanMessage("Hi"), answer, HumanMessage("And now?")]
    assert isinstance(chat_model.invoke(again), AIMessage)


async def streaming() -> None:
    whole = AIMessageChunk(content="")
    async for piece in chat_model.astream("Hi"):
        assert isinstance(piece, AIMessageChunk)
        whole += piece
    assert whole.text
    assert whole.usage_metadata


def tools() -> None:
    question = HumanMessage("What is the weather in Paris?")
    called = chat_model.bind_tools([weather], tool_choice="any", parallel_tool_calls=False).invoke(
        [question]
    )
    assert isinstance(called, AIMessage)
    assert called.tool_calls
    results = [weather.invoke(call) for call in called.tool_calls]
    chat_model.bind_tools([weather]).invoke([question, called, *results])


def structured() -> None:
    for method in ("json_schema", "function_calling"):
        shaped = chat_model.with_structured_output(Profile, method=method)
        assert isinstance(shaped.invoke("Ann is 30."), Profile)


def responses() -> None:
    answering = ChatOpenAI(
        model=MODEL, use_responses_api=True, max_retries=0, max_completion_tokens=MAX_TOKENS
    )
    assert answering.invoke("Hi").text


def text() -> None:
    assert OpenAI(model=MODEL, max_tokens=8, max_retries=0).invoke("def add(a, b):") is not None


if __name__ == "__main__":
    run(
        {
            "chat, two turns": chat,
            "streaming": streaming,
            "tools": tools,
            "structured output": structured,
            "responses": responses,
            "text completions": text,
        }
    )
