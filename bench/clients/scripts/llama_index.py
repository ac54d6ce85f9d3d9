"""LlamaIndex's OpenAILike."""

from typing import Literal

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel, Field

from bench.clients.scripts.steps import BASE_URL, KEY, MAX_TOKENS, MODEL, TIMEOUT_S, run

llm = OpenAILike(
    model=MODEL,
    api_base=BASE_URL,
    api_key=KEY,
    is_chat_model=True,
    is_function_calling_model=True,
    should_use_structured_outputs=True,
    context_window=2048,
    max_tokens=MAX_TOKENS,
    max_retries=0,
    timeout=TIMEOUT_S,
)
QUESTION = "What is the weather in Paris?"


class Profile(BaseModel):
    name: Literal["Ann", "Bob"]
    age: int = Field(ge=0, le=150)


def weather(city: Literal["Paris", "Rome"]) -> str:
    """The weather of a city."""
    return f"17 degrees in {city}"


def chat() -> None:
    first = llm.chat([ChatMessage(role="user", content="Hi")])
    assert first.message.content
    again = [ChatMessage(role="user", content="Hi"), first.message]
    assert llm.chat([*again, ChatMessage(role="user", content="And now?")])


def streaming() -> None:
    pieces = list(llm.stream_chat([ChatMessage(role="user", content="Hi")]))
    assert pieces[-1].message.content


def tools() -> None:
    tool = FunctionTool.from_defaults(weather)
    called = llm.chat_with_tools([tool], user_msg=QUESTION, tool_required=True)
    calls = llm.get_tool_calls_from_response(called)
    assert calls
    results = [
        ChatMessage(
            role="tool",
            content=str(tool.call(**call.tool_kwargs)),
            additional_kwargs={"tool_call_id": call.tool_id, "name": call.tool_name},
        )
        for call in calls
    ]
    history = [ChatMessage(role="user", content=QUESTION), called.message, *results]
    llm.chat_with_tools([tool], chat_history=history)


def structured() -> None:
    shaped = llm.as_structured_llm(Profile)
    answer = shaped.complete("Ann is 30.")
    assert isinstance(answer.raw, Profile)


def text() -> None:
    bare = OpenAILike(
        model=MODEL,
        api_base=BASE_URL,
        api_key=KEY,
        is_chat_model=False,
        max_tokens=8,
        max_retries=0,
    )
    assert bare.complete("def add(a, b):").text is not None


if __name__ == "__main__":
    run(
        {
            "chat, two turns": chat,
            "streaming": streaming,
            "tools": tools,
            "structured output": structured,
            "text completions": text,
        }
    )
