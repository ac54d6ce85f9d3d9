"""Schemas from strangers are compiled in a process that may die of it."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import psutil
import pytest

from chat.serving.errors import BadSchema, EngineNotReady
from engine.grammar.compiler import Compiler
from engine.grammar.job import job_of
from tests.grammar import Json, Maker, shape

ROOT = Path(__file__).parents[3]
SLOW = {"type": "string", "pattern": "^" + "(a|b|c|d)" * 10_000 + "$"}
GOOD = {"type": "integer"}


def job(schema: Json) -> str:
    return job_of(shape(schema)) or ""


@pytest.fixture
async def new_compiler() -> AsyncGenerator[Callable[[float], Compiler]]:
    maker = Maker()
    made: list[Compiler] = []

    def make(limit_s: float) -> Compiler:
        made.append(Compiler(maker.tokenizer, [maker.end_id], limit_s=limit_s))
        return made[-1]

    yield make
    for compiler in made:
        await compiler.close()


def children() -> set[int]:
    mine = psutil.Process().children()
    return {child.pid for child in mine if "engine.grammar.child" in child.cmdline()}


async def test_a_hostile_schema_is_refused_and_the_next_good_one_is_served(
    new_compiler: Callable[[float], Compiler],
) -> None:
    compiler = new_compiler(1)
    refused: list[str] = []
    for schema in ("[" * 20_000, {"$ref": "#"}, {"$ref": "http://127.0.0.1:9/x"}, SLOW, SLOW):
        with pytest.raises(BadSchema) as refusal:
            await compiler.compile(job(schema))
        refused.append(str(refusal.value.values["why"]))
    for why in refused[3:]:  # by time or by memory: which is first depends on the machine
        assert "1 s" in why or "too large" in why
    assert await compiler.compile(job(GOOD)) is await compiler.compile(job(GOOD))


async def test_who_leaves_leaves_the_others_served(
    new_compiler: Callable[[float], Compiler],
) -> None:
    compiler = new_compiler(10)
    waiting = [asyncio.create_task(compiler.compile(job(GOOD))) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    _, second, third = await asyncio.gather(*waiting, return_exceptions=True)
    assert not isinstance(second, BaseException)
    assert second is third


async def test_closing_fails_who_waits_and_ends_the_process(
    new_compiler: Callable[[float], Compiler],
) -> None:
    compiler = new_compiler(60)
    before = children()
    await compiler.compile(job(GOOD))
    assert len(children() - before) == 1
    waiting = asyncio.create_task(compiler.compile(job(SLOW)))
    await asyncio.sleep(0)
    await compiler.close()
    await compiler.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert children() <= before
    with pytest.raises(EngineNotReady):
        await compiler.compile(job({"const": 1}))


async def test_a_process_that_was_killed_is_replaced(
    new_compiler: Callable[[float], Compiler],
) -> None:
    compiler = new_compiler(10)
    before = children()
    await compiler.compile(job(GOOD))
    for pid in children() - before:
        psutil.Process(pid).send_signal(signal.SIGKILL)
        psutil.Process(pid).wait(10)
    assert await compiler.compile(job({"const": 1}))


def test_the_process_ends_when_nobody_is_on_the_other_side() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "engine.grammar.child", "10"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    out, _ = child.communicate(timeout=120)
    assert out == b""
    assert child.returncode == 0


def test_schemas_of_the_same_words_are_one_job() -> None:
    assert job(GOOD) == job(json.dumps(GOOD))
    assert job(GOOD) != job({"type": "null"})
