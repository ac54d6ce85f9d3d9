"""Qwen-Agent's Assistant, with its own template for calls ("nous") and with the server's."""

from typing import Any

from qwen_agent.agents import Assistant
from qwen_agent.llm import get_chat_model
from qwen_agent.tools.base import BaseTool, register_tool

from bench.clients.scripts.steps import BASE_URL, KEY, MAX_TOKENS, MODEL, TIMEOUT_S, run

FUNCTIONS: Any = [
    {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    }
]
QUESTION: Any = [{"role": "user", "content": "What is the weather in Paris?"}]


class Weather(BaseTool):  # type: ignore[misc]  # the package has no types
    description = "The weather of a city"
    parameters = FUNCTIONS[0]["parameters"]

    def call(self, params: str | dict[str, Any], **kwargs: Any) -> str:
        return "17 degrees"


register_tool("weather")(Weather)


def settings(**more: Any) -> dict[str, Any]:
    generating = {"max_tokens": MAX_TOKENS, "request_timeout": TIMEOUT_S, **more}
    return {
        "model": MODEL,
        "model_type": "oai",
        "model_server": BASE_URL,
        "api_key": KEY,
        "generate_cfg": generating,
    }


def chat() -> None:
    model = get_chat_model(settings())
    assert model.chat(messages=QUESTION, stream=False)[-1]["content"]


def streaming() -> None:
    *_, last = get_chat_model(settings()).chat(messages=QUESTION, stream=True)
    assert last[-1]["content"]


def agent(template: str) -> None:
    assistant = Assistant(llm=settings(fncall_prompt_type=template), function_list=["weather"])
    *_, last = assistant.run(messages=QUESTION)
    assert last


def nous() -> None:
    agent("nous")


def qwen() -> None:
    # Whole, not as a stream: with this template the client fails at a first piece without text.
    model = get_chat_model(settings(fncall_prompt_type="qwen"))
    assert isinstance(model.chat(messages=QUESTION, functions=FUNCTIONS, stream=False), list)


def raw_api() -> None:
    *_, last = get_chat_model(settings(use_raw_api=True)).chat(
        messages=QUESTION, functions=FUNCTIONS, stream=True
    )
    assert last


def sent_back() -> None:
    calls = {"name": "weather", "arguments": '{"city": "Paris"}'}
    messages = [
        *QUESTION,
        {"role": "assistant", "content": "", "function_call": calls},
        {"role": "function", "name": "weather", "content": "17 degrees"},
    ]
    model = get_chat_model(settings(use_raw_api=True))
    *_, last = model.chat(messages=messages, functions=FUNCTIONS, stream=True)
    assert last


if __name__ == "__main__":
    run(
        {
            "chat": chat,
            "streaming": streaming,
            "agent, template nous": nous,
            "calls, template qwen": qwen,
            "calls by the server's tools": raw_api,
            "calls sent back to the server's tools": sent_back,
        }
    )
