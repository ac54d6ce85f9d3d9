"""A local engine whose model fails: other requests continue, the state changes, none hangs."""

import asyncio
import threading
from contextlib import aclosing
from dataclasses import replace

import pytest
import torch

from chat.models import ChatMessage, Finish, Role, Sampling
from chat.serving.errors import EngineFailed, EngineStalled, OutOfMemory
from chat.serving.generation import unless_stalled
from chat.serving.models import Delta, EngineState, Phase
from engine.local import LocalEngine
from tests.fakes import generate
from tests.tiny import tiny_tokenizer
from tests.troubled import engine_with

GREEDY = Sampling(temperature=0.0, max_new_tokens=40)
STALL_S = 0.3
POISON = "☠"


def question(words: str) -> tuple[ChatMessage]:
    return (ChatMessage(Role.USER, words),)


async def answer(engine: LocalEngine, words: str, sampling: Sampling = GREEDY) -> list[Delta]:
    return [delta async for delta in generate(engine, question(words), sampling)]


def text(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


async def reach(engine: LocalEngine, phase: Phase) -> EngineState:
    """The engine's state once it is in `phase`."""
    async with asyncio.timeout(10):
        while (state := engine.state).phase is not phase:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)
    return state


class Once:
    """Raises at the given calls of the model only."""

    def __init__(self, *calls: int) -> None:
        self._calls = calls
        self.count = 0

    def __call__(self, ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        self.count += 1
        if self.count in self._calls:
            raise torch.OutOfMemoryError("CUDA out of memory (injected)")
        return logits


def poisoned(ids: torch.Tensor) -> torch.Tensor:
    """Which input tokens are the poison's first byte (not used by any other test text)."""
    return ids[0].eq(tiny_tokenizer().encode(POISON, add_special_tokens=False)[0])


SEEDED = replace(GREEDY, temperature=1.0, top_k=50, seed=11)


async def test_other_answers_are_unchanged_after_an_out_of_memory_error() -> None:
    words, samplings = ("a" * 60, "b" * 9, "c" * 200), (GREEDY, SEEDED, SEEDED)
    async with engine_with(lambda ids, logits: logits) as engine:
        calm = [text(await answer(engine, *pair)) for pair in zip(words, samplings, strict=True)]
    async with engine_with(Once(12, 13, 40)) as engine:
        stormy = await asyncio.gather(
            *(answer(engine, *pair) for pair in zip(words, samplings, strict=True))
        )
        assert engine.state.phase is Phase.READY
    assert [text(deltas) for deltas in stormy] == calm
    assert all(deltas[-1].finish is Finish.LENGTH for deltas in stormy)


async def test_a_request_that_always_runs_out_of_memory_does_not_fail_others() -> None:
    def trouble(ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        if poisoned(ids).any():
            raise torch.OutOfMemoryError("CUDA out of memory (injected)")
        return logits

    async with engine_with(trouble) as engine:
        outcomes = await asyncio.gather(
            *(answer(engine, words) for words in ("one", "two", POISON, "three")),
            return_exceptions=True,
        )
        assert isinstance(outcomes[2], OutOfMemory)
        assert all(isinstance(outcomes[place], list) for place in (0, 1, 3))
        assert engine.state.phase is Phase.READY
        assert (await answer(engine, "still there"))[-1].finish


async def test_nan_scores_fail_their_own_request_only() -> None:
    def trouble(ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        if ids.shape[1] > 1 and poisoned(ids).any():
            logits[:, -1] = torch.nan
        return logits

    async with engine_with(trouble) as engine:
        bad = asyncio.create_task(answer(engine, POISON))
        with pytest.raises(EngineFailed):
            await bad
        assert (await answer(engine, "still there"))[-1].finish


async def test_a_hung_step_makes_the_engine_degraded_until_it_ends() -> None:
    gate = threading.Event()
    gate.set()

    def trouble(ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        gate.wait(10)
        return logits

    async with engine_with(trouble, stall_timeout_s=STALL_S) as engine:
        async with aclosing(generate(engine, question("hang"), GREEDY)) as stream:
            await anext(stream)
            gate.clear()
            with pytest.raises(EngineStalled):
                async for _ in unless_stalled(stream, STALL_S):
                    pass
        assert (await reach(engine, Phase.DEGRADED)).error_code == EngineStalled.code
        with pytest.raises(EngineStalled):
            await answer(engine, "too early")
        gate.set()
        await reach(engine, Phase.READY)
        assert (await answer(engine, "better"))[-1].finish


async def test_a_recovering_engine_is_degraded_and_requests_wait() -> None:
    calls, gate = Once(3), threading.Event()

    def trouble(ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        if calls.count == 3:  # the step after the failed one
            gate.wait(10)
        return calls(ids, logits)

    async with engine_with(trouble) as engine:
        running = asyncio.create_task(answer(engine, "running"))
        state = await reach(engine, Phase.DEGRADED)
        assert state.error_code == OutOfMemory.code
        pending = asyncio.create_task(answer(engine, "meanwhile"))
        await asyncio.sleep(0.01)
        gate.set()
        assert (await running)[-1].finish
        assert (await pending)[-1].finish
        assert engine.state.phase is Phase.READY


async def test_an_engine_that_cannot_recover_is_dead_and_fails_all_requests() -> None:
    broken = threading.Event()

    def trouble(ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        if broken.is_set():
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        return logits

    async with engine_with(trouble) as engine:
        running = [asyncio.create_task(answer(engine, word * 3)) for word in "abcdef"]
        await asyncio.sleep(0)
        broken.set()
        outcomes = await asyncio.gather(*running, return_exceptions=True)
        assert all(isinstance(outcome, EngineFailed) for outcome in outcomes)
        assert (await reach(engine, Phase.DEAD)).error_code == EngineFailed.code


@pytest.mark.parametrize("way", ["close", "cancel"])
@pytest.mark.parametrize("moment", ["waiting", "reading", "writing"])
async def test_a_cancelled_stream_frees_its_resources(way: str, moment: str) -> None:
    """In every phase: queued, prefill and decoding."""
    steps = Once()
    async with engine_with(steps) as engine:
        crowd = [
            asyncio.create_task(answer(engine, word, replace(GREEDY, max_new_tokens=250)))
            for word in ("abcd" if moment == "waiting" else "")
        ]
        await asyncio.sleep(0)
        stream = generate(engine, question("x" * 900), replace(GREEDY, max_new_tokens=100))
        delta = await anext(stream)
        while moment == "writing" and not delta.completion_tokens:
            delta = await anext(stream)
        if way == "close":
            await stream.aclose()
        else:
            reading = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        await answer(engine, "next", replace(GREEDY, max_new_tokens=2))
        before = steps.count
        await asyncio.sleep(0.05)
        assert steps.count == before, "steps go on for somebody who has left"


class NativePanic(BaseException):
    """As Rust's panics arrive from a native module: not an `Exception`."""


async def test_a_panic_of_native_code_costs_no_answer() -> None:
    calls = 0

    def trouble(ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 9:
            raise NativePanic("injected")
        return logits

    async with engine_with(lambda ids, logits: logits) as engine:
        calm = text(await answer(engine, "one"))
    async with engine_with(trouble) as engine:
        assert text(await answer(engine, "one")) == calm
        assert engine.state.phase is Phase.READY


async def test_a_request_that_always_panics_does_not_fail_others() -> None:
    def trouble(ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        if poisoned(ids).any():
            raise NativePanic("injected")
        return logits

    async with engine_with(trouble) as engine:
        outcomes = await asyncio.gather(
            *(answer(engine, words) for words in ("one", POISON, "three")), return_exceptions=True
        )
        assert isinstance(outcomes[1], EngineFailed)
        assert all(isinstance(outcomes[place], list) for place in (0, 2))
        assert engine.state.phase is Phase.READY
        assert (await answer(engine, "still there"))[-1].finish


@pytest.mark.parametrize("panic", [NativePanic, SystemExit, KeyboardInterrupt])
async def test_a_panic_while_loading_gives_the_state_dead(panic: type[BaseException]) -> None:
    def trouble(ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        raise panic("injected")

    with pytest.raises(EngineFailed):
        async with engine_with(trouble):
            pass
