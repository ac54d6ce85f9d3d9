"""smolagents' OpenAIModel, alone and in an agent."""

from smolagents import OpenAIModel, ToolCallingAgent, tool
from smolagents.models import ChatMessage, MessageRole

from bench.clients.scripts.steps import BASE_URL, KEY, MAX_TOKENS, MODEL, TIMEOUT_S, run

model = OpenAIModel(
    model_id=MODEL,
    api_base=BASE_URL,
    api_key=KEY,
    client_kwargs={"max_retries": 0, "timeout": TIMEOUT_S},
    max_tokens=MAX_TOKENS,
)
HI = [ChatMessage(role=MessageRole.USER, content=[{"type": "text", "text": "Hi"}])]


def weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: A city.
    """
    return "17 degrees"


def chat() -> None:
    assert model.generate(HI).content


def streaming() -> None:
    assert "".join(piece.content or "" for piece in model.generate_stream(HI))


def agent() -> None:
    helper = ToolCallingAgent(tools=[tool(weather)], model=model, max_steps=2, verbosity_level=0)
    helper.run("What is the weather in Paris?")
    failed = [step.error for step in helper.memory.steps if getattr(step, "error", None)]
    assert not [error for error in failed if "generating model output" in str(error)], failed


if __name__ == "__main__":
    run({"chat": chat, "streaming": streaming, "agent with tools": agent})
