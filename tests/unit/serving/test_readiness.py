"""Readiness is proven by generated tokens, not by the engine's own state."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import pytest

from chat.models import ChatMessage, Role, Sampling
from chat.serving.errors import EngineFailed, EngineStalled, OutOfMemory
from chat.serving.models import Delta, EngineState, Phase, PreparedPrompt
from chat.serving.readiness import Readiness
from chat.tools import NO_EXTRAS, EngineLoad, Extras
from tests.fakes import Script, ScriptedEngine, generate

HANGING = Script(pieces=(), hangs=True)
SILENT = Script(prefill_s=60)
QUESTION = (ChatMessage(Role.USER, "Hi"),)


@dataclass
class BusyEngine(ScriptedEngine):
    """An engine with a given number of generated tokens and waiting requests."""

    written: int = 0
    waiting: int = 0

    @property
    def load(self) -> EngineLoad:
        return EngineLoad(self.running, self.waiting, generated_tokens=self.written)


def readiness_of(engine: ScriptedEngine, idle_s: float = 60.0, probe_s: float = 30.0) -> Readiness:
    """A probe ends by itself where the engine writes; the bound is generous for a busy machine."""
    return Readiness(engine, fresh_s=0.05, probe_s=probe_s, idle_s=idle_s)


def impatient(engine: ScriptedEngine) -> Readiness:
    """For an engine that hangs: the probe always takes its whole time."""
    return readiness_of(engine, probe_s=0.2)


async def until(engine: ScriptedEngine, running: int) -> None:
    async with asyncio.timeout(30):
        while engine.running != running:  # noqa: ASYNC110 - nobody tells it
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("phase", [Phase.LOADING, Phase.DEGRADED, Phase.DEAD])
async def test_an_engine_that_reports_not_ready_is_not_ready(phase: Phase) -> None:
    state = EngineState(phase, detail="why", error_code="out_of_memory")
    engine = ScriptedEngine(current_state=state, ready=False)
    assert await readiness_of(engine).look() == state
    assert engine.samplings == []


async def test_an_idle_engine_is_probed_with_one_token_and_cached() -> None:
    engine = ScriptedEngine([Script(["a", "b", "c"])])
    readiness = readiness_of(engine)
    for _ in range(3):
        assert (await readiness.look()).phase is Phase.READY
        await asyncio.sleep(0.06)
    assert [sampling.max_new_tokens for sampling in engine.samplings] == [1]
    assert engine.running == 0


async def test_after_a_long_idle_time_readiness_is_checked_again() -> None:
    engine = ScriptedEngine()
    readiness = readiness_of(engine, idle_s=0.01)
    await readiness.look()
    await asyncio.sleep(0.1)
    await readiness.look()
    assert len(engine.samplings) == 2


async def test_a_hanging_engine_is_not_ready_although_it_reports_so() -> None:
    engine = ScriptedEngine([HANGING])
    state = await impatient(engine).look()
    assert (state.phase, state.error_code) == (Phase.DEGRADED, EngineStalled.code)
    await until(engine, running=0)


@pytest.mark.parametrize("error", [EngineFailed(), OutOfMemory()])
async def test_a_failing_engine_is_not_ready_and_reports_the_cause(error: EngineFailed) -> None:
    engine = ScriptedEngine([Script(pieces=(), error=error)])
    state = await readiness_of(engine).look()
    assert (state.phase, state.error_code) == (Phase.DEGRADED, error.code)


async def test_an_engine_that_dies_meanwhile_reports_it() -> None:
    engine = ScriptedEngine([HANGING])
    looking = asyncio.create_task(impatient(engine).look())
    await until(engine, running=1)
    engine.current_state = EngineState(Phase.DEAD, detail="gone")
    assert await looking == engine.current_state


async def test_an_engine_that_generates_again_is_ready_again() -> None:
    engine = ScriptedEngine([HANGING, Script()])
    readiness = readiness_of(engine, probe_s=1.0)
    assert (await readiness.look()).phase is Phase.DEGRADED
    await asyncio.sleep(0.1)
    assert (await readiness.look()).phase is Phase.READY


async def test_concurrent_checks_generate_one_token() -> None:
    engine = ScriptedEngine([Script(step_s=0.02)])
    readiness = readiness_of(engine)
    states = await asyncio.gather(*(readiness.look() for _ in range(50)))
    assert {state.phase for state in states} == {Phase.READY}
    assert len(engine.samplings) == 1


async def test_a_cancelled_check_does_not_cancel_the_shared_one() -> None:
    engine = ScriptedEngine([Script(step_s=0.02)])
    readiness = readiness_of(engine)
    cancelled, staying = [asyncio.create_task(readiness.look()) for _ in range(2)]
    await until(engine, running=1)
    cancelled.cancel()
    assert (await staying).phase is Phase.READY


async def test_tokens_of_other_requests_prove_readiness() -> None:
    engine = BusyEngine([HANGING])
    async with aclosing(generate(engine, QUESTION, Sampling())) as others:
        await anext(others)

        async def write() -> None:
            while True:
                engine.written += 1
                await asyncio.sleep(0.01)

        writing = asyncio.create_task(write())
        readiness = readiness_of(engine)
        for _ in range(3):
            assert (await readiness.look()).phase is Phase.READY
            await asyncio.sleep(0.06)
        writing.cancel()
    assert len(engine.prompts) == 1


async def test_while_others_wait_for_a_step_a_keep_alive_proves_readiness() -> None:
    class Reading(BusyEngine):
        """Reads a long prompt: there are signs of life, but no token."""

        async def generate(
            self,
            prompt: PreparedPrompt,
            sampling: Sampling,
            *,
            salt: str = "",
            extras: Extras = NO_EXTRAS,
        ) -> AsyncGenerator[Delta, None]:
            while True:
                await asyncio.sleep(0.02)
                yield Delta()

    assert (await readiness_of(Reading(running=2)).look()).phase is Phase.READY
    assert (await readiness_of(Reading(running=1, waiting=1)).look()).phase is Phase.READY
    state = await impatient(Reading(running=1)).look()
    assert state.error_code == EngineStalled.code


async def test_an_engine_that_hangs_during_other_requests_is_not_ready() -> None:
    engine = BusyEngine([Script(["a"], hangs=True), SILENT], written=100)
    async with aclosing(generate(engine, QUESTION, Sampling())) as others:
        await anext(others)
        state = await impatient(engine).look()
    assert (state.phase, state.error_code) == (Phase.DEGRADED, EngineStalled.code)
