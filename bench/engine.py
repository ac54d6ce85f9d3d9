"""Speed and memory of the engine, compared with a plain `generate` loop in the same run."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from transformers import AutoModelForCausalLM, AutoTokenizer

from bench.measurements import Measurement
from chat.models import ChatMessage, Role, Sampling
from chat.serving.models import Delta
from chat.serving.ports import Engine
from engine.loader import read_shape
from engine.local import EngineOptions, LocalEngine, Report
from engine.plan import cache_target

ANSWER_TOKENS = 64
ROUNDS = 3
MIB = 1024**2

# Greedy and without penalty, so that both sides choose the same tokens.
GREEDY = Sampling(temperature=0.0, repetition_penalty=1.0, max_new_tokens=ANSWER_TOKENS, seed=1)


def ask(text: str) -> list[ChatMessage]:
    return [ChatMessage(Role.USER, text)]


async def prompt_of(engine: Engine, tokens: int, name: str) -> list[ChatMessage]:
    """A prompt of about `tokens` tokens that shares no prefix with one of another name."""
    text = f"{name}: count on, {name}, and write a long story about the sea."
    while (await engine.prepare(ask(text))).tokens < tokens:
        text += f" {name} sails on, and the wind turns."
    return ask(text)


async def answer(engine: Engine, messages: Sequence[ChatMessage]) -> Delta:
    """The last delta of one answer: its usage and timing."""
    last = Delta()
    async for delta in engine.generate(await engine.prepare(messages), GREEDY):
        last = delta
    return last


async def rate_of(engine: Engine, streams: int, round_name: str) -> float:
    """Tokens per second of `streams` answers written at once, prefill included."""
    prompts = [
        await prompt_of(engine, 50, f"{round_name}-{streams}-{number}") for number in range(streams)
    ]
    started = time.perf_counter()
    ends = await asyncio.gather(*(answer(engine, prompt) for prompt in prompts))
    seconds = time.perf_counter() - started
    return sum(end.usage.completion_tokens for end in ends if end.usage) / seconds


def plain_rate(folder: Path, prompts: Sequence[Sequence[ChatMessage]], device: str) -> float:
    """Tokens per second of transformers' own `generate`, one answer after the other."""
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model: Any = AutoModelForCausalLM.from_pretrained(
        folder, dtype="auto", device_map=device, local_files_only=True
    )
    rates: list[float] = []
    for messages in prompts:
        turns = [{"role": message.role.value, "content": message.content} for message in messages]
        prompt = tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_dict=True, return_tensors="pt"
        ).to(model.device)
        started = time.perf_counter()
        written = model.generate(
            **prompt, max_new_tokens=ANSWER_TOKENS, do_sample=False, repetition_penalty=1.0
        )
        tokens = written.shape[1] - prompt["input_ids"].shape[1]
        rates.append(tokens / (time.perf_counter() - started))
    return max(rates)


async def second_turn(engine: Engine, round_name: str) -> tuple[float, float]:
    """Seconds to the first token of a 1,000-token conversation: uncached, and in its next turn."""
    first = await prompt_of(engine, 1000, round_name)
    text = ""
    cold = 0.0
    async for delta in engine.generate(await engine.prepare(first), GREEDY):
        text += delta.text
        cold = delta.timing.ttft_s if delta.timing else cold
    next_turn = [*first, ChatMessage(Role.ASSISTANT, text), *ask("Go on.")]
    warm = (await answer(engine, next_turn)).timing
    assert warm
    return cold, warm.ttft_s


async def load(folder: Path) -> Engine:
    """The engine as the app builds it by default."""

    async def fetch(_: Report) -> Path:
        return folder

    engine = LocalEngine(EngineOptions(), fetch)
    await engine.start()
    return engine


def resident_mib() -> float:
    return psutil.Process().memory_info().rss / MIB


def kv_budget_mib(folder: Path) -> float:
    """The app's default KV cache in MiB on a machine with enough memory."""
    options = EngineOptions()
    cache_bytes = cache_target(
        read_shape(folder),
        context_length=options.context_length,
        max_concurrent=options.max_concurrent,
        cache_gib=options.kv_cache_gib,
    )
    return cache_bytes / MIB


async def measure(folder: Path) -> tuple[str, list[Measurement]]:
    """The device, and all measurements of the engine. Takes a few minutes on two cores."""
    engine = await load(folder)
    assert engine.info
    device = engine.info.device
    short = [await first_token(engine, f"short-{number}") for number in range(ROUNDS)]
    one = max([await rate_of(engine, 1, f"one-{number}") for number in range(ROUNDS)])
    four = max([await rate_of(engine, 4, f"four-{number}") for number in range(ROUNDS)])
    eight = max([await rate_of(engine, 8, f"eight-{number}") for number in range(ROUNDS)])
    turns = [await second_turn(engine, f"turn-{number}") for number in range(ROUNDS)]
    cold, warm = min(cold for cold, _ in turns), min(warm for _, warm in turns)
    resident = resident_mib()
    prompts = [await prompt_of(engine, 50, f"plain-{number}") for number in range(ROUNDS)]
    await engine.stop()
    del engine
    plain = plain_rate(folder, prompts, "cuda" if "NVIDIA" in device else "cpu")
    return device, [
        Measurement("first token, 50-token prompt", min(short), "s", "most", 1.0),
        Measurement("plain generate loop, one answer", plain, "tokens/s"),
        Measurement("one answer", one, "tokens/s"),
        Measurement("one answer / plain loop", one / plain, "×", "least", 0.95),
        Measurement("4 answers at once, together", four, "tokens/s"),
        Measurement("8 answers at once, together", eight, "tokens/s"),
        Measurement("4 answers / one", four / one, "×", "least", 2.5),
        Measurement("first token, 1,000-token conversation, cold", cold, "s"),
        Measurement("first token, its second turn", warm, "s"),
        Measurement("second turn / cold", warm / cold, "×", "most", 0.25),
        Measurement("resident memory of the engine after 8 answers at once", resident, "MiB"),
    ]


async def first_token(engine: Engine, name: str) -> float:
    """Seconds to the first token of a 50-token prompt that was never seen before."""
    timing = (await answer(engine, await prompt_of(engine, 50, name))).timing
    assert timing
    return timing.ttft_s
