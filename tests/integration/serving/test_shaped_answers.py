"""Answers of a given shape, with real weights and at full temperature: each that ends is valid."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator

from chat.models import ChatMessage, Finish, Role, Sampling
from chat.serving.models import Delta
from chat.tools import Extras, JsonShape, Tool, ToolRules
from engine.local import EngineOptions, LocalEngine, Report
from tests.fakes import generate
from tests.schemas import SCHEMA_CHECKS, SchemaCheck

pytestmark = [pytest.mark.model, pytest.mark.asyncio(loop_scope="module")]

OPTIONS = EngineOptions(device="cpu", context_length=1024, max_concurrent=20, kv_cache_gib=0.25)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(starter_model: Path) -> AsyncGenerator[LocalEngine]:
    async def fetch(report: Report) -> Path:
        return starter_model

    built = LocalEngine(OPTIONS, fetch)
    await built.start()
    yield built
    await built.stop()


async def ask(
    engine: LocalEngine, question: str, extras: Extras, seed: int, longest: int = 300
) -> list[Delta]:
    messages = (ChatMessage(Role.USER, question),)
    sampling = Sampling(temperature=1.0, top_p=1.0, top_k=50, max_new_tokens=longest, seed=seed)
    return [delta async for delta in generate(engine, messages, sampling, extras=extras)]


async def check(engine: LocalEngine, asked: Sequence[tuple[int, SchemaCheck]]) -> None:
    """Ask all at once; every answer ends by itself and is valid."""
    shapes = [Extras(shape=JsonShape(json.dumps(schema))) for _, (_, schema) in asked]
    answers = await asyncio.gather(
        *(
            ask(engine, question, shape, seed)
            for (seed, (question, _)), shape in zip(asked, shapes, strict=True)
        )
    )
    for (_, (_, schema)), deltas in zip(asked, answers, strict=True):
        text = "".join(delta.text for delta in deltas)
        assert deltas[-1].finish is Finish.STOP, text
        Draft202012Validator(schema).validate(json.loads(text))


async def test_twenty_answers_of_eight_shapes_are_all_valid(engine: LocalEngine) -> None:
    await check(engine, [(seed, SCHEMA_CHECKS[seed % 8]) for seed in range(20)])


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_two_hundred_answers_of_twenty_shapes_are_all_valid(engine: LocalEngine) -> None:
    for begin in range(0, 200, 20):
        await check(engine, [(begin + place, asked) for place, asked in enumerate(SCHEMA_CHECKS)])


async def test_any_object_and_a_free_answer_and_a_call_go_side_by_side(
    engine: LocalEngine,
) -> None:
    tool = Tool("roll", "Roll a die", json.dumps({"properties": {"sides": {"enum": [6, 20]}}}))
    any_object, free, called = await asyncio.gather(
        ask(engine, "Facts about tea as JSON, very short.", Extras(shape=JsonShape()), 4, 40),
        ask(engine, "Say hello.", Extras(), 2, 12),
        ask(engine, "Hello!", Extras(tools=(tool,), rules=ToolRules(True, parallel=False)), 3),
    )
    text = "".join(delta.text for delta in any_object)
    if any_object[-1].finish is Finish.STOP:
        assert isinstance(json.loads(text), dict)
    assert text.startswith("{")
    assert "".join(delta.text for delta in free)
    assert called[-1].finish is Finish.TOOL_CALLS
    pieces = [piece for delta in called for piece in delta.calls]
    assert {piece.name for piece in pieces} == {"roll", ""}
    assert not any(piece.broken for piece in pieces)
