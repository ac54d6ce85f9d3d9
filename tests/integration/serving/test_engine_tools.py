"""Tools with real weights: the model calls a tool and uses its result."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from chat.models import ChatMessage, Finish, Role, Sampling
from chat.serving.models import Delta
from chat.tools import Extras, Tool, ToolCall, ToolRules
from engine.local import EngineOptions, LocalEngine, Report
from tests.fakes import generate

pytestmark = pytest.mark.model

OPTIONS = EngineOptions(device="cpu", context_length=2048, max_concurrent=4, kv_cache_gib=0.2)
GREEDY = Sampling(temperature=0.0, repetition_penalty=1.0, max_new_tokens=60)
WEATHER = Tool(
    "get_weather",
    "The current weather in a city",
    json.dumps(
        {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        }
    ),
)
BEFORE = (
    ChatMessage(Role.USER, "What is the weather in London?"),
    ChatMessage(Role.ASSISTANT, "", (ToolCall("a", WEATHER.name, '{"city": "London"}'),)),
    ChatMessage(Role.TOOL, '{"temperature": 12, "sky": "cloudy"}'),
    ChatMessage(Role.ASSISTANT, "In London it is 12 °C and cloudy."),
    ChatMessage(Role.USER, "And in Paris?"),
)


@pytest.fixture
async def engine(starter_model: Path) -> AsyncGenerator[LocalEngine]:
    async def fetch(report: Report) -> Path:
        return starter_model

    built = LocalEngine(OPTIONS, fetch)
    await built.start()
    yield built
    await built.stop()


async def ask(
    engine: LocalEngine, messages: tuple[ChatMessage, ...], rules: ToolRules
) -> list[Delta]:
    extras = Extras(tools=(WEATHER,), rules=rules, top_logprobs=0)
    return [delta async for delta in generate(engine, messages, GREEDY, extras=extras)]


async def test_a_tool_is_called_and_its_result_is_used(engine: LocalEngine) -> None:
    """The starter model writes calls without tags unless the grammar requires them."""
    deltas = await ask(engine, BEFORE, ToolRules(required=True))
    pieces = [piece for delta in deltas for piece in delta.calls]
    assert deltas[-1].finish is Finish.TOOL_CALLS
    assert {piece.index for piece in pieces} == {0}
    assert not any(piece.broken for piece in pieces)
    assert "".join(piece.name for piece in pieces) == WEATHER.name
    arguments = [piece.arguments for piece in pieces if piece.arguments]
    assert json.loads("".join(arguments)).keys() == {"city"}
    assert len(arguments) > 1, "they come as they are written"

    call = ToolCall(pieces[0].id, WEATHER.name, "".join(arguments))
    prompt = (
        *BEFORE,
        ChatMessage(Role.ASSISTANT, "", (call,)),
        ChatMessage(Role.TOOL, '{"temperature": 18, "sky": "clear"}'),
    )
    deltas = await ask(engine, prompt, ToolRules())
    assert deltas[-1].finish in (Finish.STOP, Finish.LENGTH)
    assert deltas[-1].usage
    assert deltas[-1].usage.prompt_tokens == (await engine.prepare(prompt, [WEATHER])).tokens
    data = b"".join(score.data for delta in deltas for score in delta.scores)
    assert data.decode() == "".join(delta.text for delta in deltas)
