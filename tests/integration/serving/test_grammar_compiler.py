"""Hostile schemas are refused or served, without affecting other requests."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from chat.serving.errors import BadSchema, EngineNotReady
from chat.tools import Extras, Tool
from engine.grammar.compiler import Compiler
from engine.grammar.mask import Mask
from tests.grammar import Json, Maker, shape

GOOD = {"type": "integer"}


def chain(length: int) -> dict[str, Any]:
    """Nested objects and lists, which recursion follows four levels per step."""
    links = {
        f"a{number}": {
            "properties": {
                "next": {
                    "anyOf": [
                        {"type": "array", "items": {"$ref": f"#/$defs/a{number + 1}"}},
                        {"type": "null"},
                    ]
                }
            }
        }
        for number in range(length)
    }
    return {"$ref": "#/$defs/a0", "$defs": {**links, f"a{length}": {"type": "null"}}}


HOSTILE: dict[str, Json] = {
    "no end of brackets": "[" * 20_000,
    "itself": {"$ref": "#"},
    "elsewhere": {"$ref": "http://127.0.0.1:9/x"},
    "parts without end": {"prefixItems": [{"items": {}}] * 4_000},
    "all patterns against all": {
        "patternProperties": {f"^x{number}_": {} for number in range(600)}
    },
    "each choice written down": {
        "properties": {f"p{number}": {} for number in range(1200)},
        "minProperties": 1,
    },
    "parts that multiply": {
        "allOf": [
            {"anyOf": [{"required": [f"{place}{number}"]} for number in range(6)]}
            for place in range(6)
        ]
    },
    "parts that unfold each other": {
        "allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}],
        "$defs": {
            name: {"type": "object", "properties": {"c": {"$ref": f"#/$defs/{name}"}}}
            for name in "ab"
        },
    },
    "every remainder": {"multipleOf": 999_983},
    "alternatives against all": {"oneOf": [{"const": number} for number in range(999)]},
    "patterns that are much together": {"pattern": "a.{30}b.{30}c", "minLength": 100},
}


@pytest.fixture
async def compiler() -> AsyncGenerator[Compiler]:
    maker = Maker()
    new_compiler = Compiler(maker.tokenizer, [maker.end_id])
    yield new_compiler
    await new_compiler.close()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_schema_is_refused_and_the_next_valid_one_is_served(
    compiler: Compiler, name: str
) -> None:
    with pytest.raises(BadSchema) as refusal:
        await compiler.mask(shape(HOSTILE[name]))
    assert str(refusal.value.values["where"]).startswith("#")
    assert isinstance(await compiler.mask(shape(GOOD)), Mask)


async def test_a_long_chain_of_references_does_not_end_the_process(compiler: Compiler) -> None:
    assert await compiler.mask(shape(chain(600)))


async def test_a_refusal_names_the_tool_and_the_part(compiler: Compiler) -> None:
    impossible = '{"properties": {"a": {"allOf": [{"type": "null"}, {"type": "object"}]}}, '
    tools = (Tool("good"), Tool("bad", "", impossible + '"required": ["a"]}', strict=True))
    with pytest.raises(BadSchema) as refusal:
        await compiler.mask(Extras(tools=tools))
    assert refusal.value.values["where"] == "bad#"


async def test_a_cancelled_compilation_does_not_affect_others(compiler: Compiler) -> None:
    waiting = [asyncio.create_task(compiler.mask(shape(GOOD))) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    first, second, third = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(first, asyncio.CancelledError)
    assert isinstance(second, Mask)
    assert isinstance(third, Mask)


async def test_closing_refuses_waiting_and_new_requests(compiler: Compiler) -> None:
    assert await compiler.mask(Extras()) is None
    waiting = [asyncio.create_task(compiler.mask(shape(chain(300)))) for _ in range(5)]
    await asyncio.sleep(0)
    await compiler.close()
    await compiler.close()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(answers[-1], EngineNotReady)
    with pytest.raises(EngineNotReady):
        await compiler.mask(shape(GOOD))
