"""What it costs to hold answers to a shape: a mask for each token, beside answers that are free."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from tokenizers import Tokenizer

from bench.engine import ANSWER_TOKENS, GREEDY, load, prompt_of
from bench.figures import Figure
from chat.models import ChatMessage
from chat.serving.models import Delta
from chat.serving.ports import Engine
from chat.tools import NO_EXTRAS, Extras, JsonShape
from engine.grammar.compiler import Compiler
from engine.grammar.job import job_of
from engine.grammar.mask import Mask

ROWS = 8
ROUNDS = 3
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "城市": {"type": "string"},
            "inhabitants": {"type": "integer", "minimum": 0, "maximum": 99_999_999},
            "kind": {"enum": ["old", "new", "large"]},
        },
        "required": ["城市", "inhabitants", "kind"],
    },
    "minItems": 200,
}
"""Longer than any answer here: what is compared is of the same length."""
EXAMPLE = ", ".join(
    json.dumps(
        {"城市": f"北京 the {n}th", "inhabitants": 7 * n, "kind": "large"}, ensure_ascii=False
    )
    for n in range(40)
)
SHAPED = Extras(shape=JsonShape(json.dumps(SCHEMA)))


async def measure(folder: Path) -> tuple[str, list[Figure]]:
    """The device, and every figure of shaped answers."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    compiling, mask_s = await _alone(tokenizer)
    engine = await load(folder)
    assert engine.info
    device = engine.info.device
    await _rate(engine, SHAPED, "warm")
    free, shaped = [], []
    for number in range(ROUNDS):
        free.append(await _rate(engine, NO_EXTRAS, f"free-{number}"))
        shaped.append(await _rate(engine, SHAPED, f"shaped-{number}"))
    await engine.stop()
    return device, [
        Figure("a schema of three members compiled, the compiler being warm", compiling, "s"),
        Figure("mask of one token, made and applied", mask_s * 1000, "ms", "most", 5.0),
        Figure(f"{ROWS} free answers at once, together", max(free), "tokens/s"),
        Figure(f"{ROWS} shaped answers at once, together", max(shaped), "tokens/s"),
        Figure("shaped / free", max(shaped) / max(free), "×", "least", 0.8),
    ]


async def _alone(tokenizer: Tokenizer) -> tuple[float, float]:
    """Seconds to compile the schema, and for the mask of one token: without a model."""
    end = tokenizer.token_to_id("<|im_end|>")
    assert end is not None
    compiler = Compiler(tokenizer, [end])
    await compiler.mask(Extras(shape=JsonShape()))
    begin = time.perf_counter()
    grammar = await compiler.compile(job_of(SHAPED) or "")
    compiling = time.perf_counter() - begin
    await compiler.close()
    token_ids: list[int] = tokenizer.encode(f"[{EXAMPLE}").ids
    scores = torch.zeros(tokenizer.get_vocab_size(with_added_tokens=True))
    seconds = []
    for _ in range(ROUNDS):
        mask = Mask(grammar)
        begin = time.perf_counter()
        for length in range(len(token_ids)):
            mask.apply(scores, token_ids[:length])
        seconds.append((time.perf_counter() - begin) / len(token_ids))
    return compiling, min(seconds)


async def _rate(engine: Engine, extras: Extras, name: str) -> float:
    """Tokens per second of answers written at once, all of the same length."""
    prompts = [await prompt_of(engine, 50, f"{name}-{number}") for number in range(ROWS)]
    sampling = replace(GREEDY, min_new_tokens=ANSWER_TOKENS)

    async def last(prompt: Sequence[ChatMessage]) -> Delta:
        end = Delta()
        async for delta in engine.generate(await engine.prepare(prompt), sampling, extras=extras):
            end = delta
        return end

    begin = time.perf_counter()
    ends = await asyncio.gather(*map(last, prompts))
    seconds = time.perf_counter() - begin
    return sum(end.completion_tokens for end in ends) / seconds
