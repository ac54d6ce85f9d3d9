"""The cost of structured output: a mask for each token, compared with unconstrained answers."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from tokenizers import Tokenizer

from bench.engine import ANSWER_TOKENS, GREEDY, load, prompt_of
from bench.measurements import Measurement
from chat.models import ChatMessage
from chat.serving.models import Delta
from chat.serving.ports import Engine
from chat.tools import NO_EXTRAS, Extras, JsonShape, Tool, ToolRules
from engine.grammar.mask import Mask, Vocabulary

ROWS = 8
MASKED_ROWS = 16
ROUNDS = 3
CITY = {
    "type": "object",
    "properties": {
        "城市": {"type": "string"},
        "inhabitants": {"type": "integer", "minimum": 0, "maximum": 99_999_999},
        "kind": {"enum": ["old", "new", "large"]},
    },
    "required": ["城市", "inhabitants", "kind"],
}
SCHEMA = {"type": "array", "items": CITY, "minItems": 200}
"""Longer than any answer here, so that all answers have the same length."""
EXAMPLE = ", ".join(
    json.dumps(
        {"城市": f"北京 the {n}th", "inhabitants": 7 * n, "kind": "large"}, ensure_ascii=False
    )
    for n in range(40)
)
SHAPED = Extras(shape=JsonShape(json.dumps(SCHEMA)))
OPTIONAL = Extras(
    shape=JsonShape(json.dumps({"properties": {f"p{n}": {"type": "string"} for n in range(20)}}))
)
TOOLS = Extras(
    tools=tuple(Tool(f"tool_{n}", "", json.dumps(CITY)) for n in range(16)),
    rules=ToolRules(required=True),
)


async def measure(folder: Path) -> tuple[str, list[Measurement]]:
    """The device, and all measurements of structured output."""
    core_measurements = _core_measurements(Tokenizer.from_file(str(folder / "tokenizer.json")))
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
        *core_measurements,
        Measurement(f"{ROWS} free answers at once, together", max(free), "tokens/s"),
        Measurement(f"{ROWS} shaped answers at once, together", max(shaped), "tokens/s"),
        Measurement("shaped / free", max(shaped) / max(free), "×", "least", 0.8),
    ]


def _core_measurements(tokenizer: Tokenizer) -> list[Measurement]:
    """The cost of masks without a model, in one thread as in the engine."""
    end = tokenizer.token_to_id("<|im_end|>")
    assert end is not None
    begin = time.perf_counter()
    vocabulary = Vocabulary(tokenizer, [end])
    reading = time.perf_counter() - begin
    mask_ms, applied = _steps(vocabulary, tokenizer)
    return [
        Measurement("vocabulary read, once", reading, "s"),
        Measurement("schema to first mask: three members", _first(vocabulary, SHAPED), "ms"),
        Measurement(
            "schema to first mask: 20 optional members", _first(vocabulary, OPTIONAL), "ms"
        ),
        Measurement("schemas to first mask: 16 tools", _first(vocabulary, TOOLS), "ms"),
        Measurement(f"mask of a row, {MASKED_ROWS} rows in turn: made", mask_ms, "ms"),
        Measurement(f"mask of a row, {MASKED_ROWS} rows in turn: applied", applied, "ms"),
        Measurement("mask of one token, made and applied", mask_ms + applied, "ms", "most", 5.0),
    ]


def _first(vocabulary: Vocabulary, extras: Extras) -> float:
    """Milliseconds to the first mask of an answer."""
    seconds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        vocabulary.mask(extras)
        seconds.append(time.perf_counter() - begin)
    return min(seconds) * 1000


def _steps(vocabulary: Vocabulary, tokenizer: Tokenizer) -> tuple[float, float]:
    """Milliseconds per row and token to make a mask, and to apply it to scores."""
    token_ids: list[int] = tokenizer.encode(f"[{EXAMPLE}").ids
    scores = torch.zeros(MASKED_ROWS, tokenizer.get_vocab_size(with_added_tokens=True))
    masks = [mask for _ in range(MASKED_ROWS) if isinstance(mask := vocabulary.mask(SHAPED), Mask)]
    mask_ms = applied = 0.0
    for length in range(len(token_ids)):
        begin = time.perf_counter()
        for mask in masks:
            mask.allowed(token_ids[:length])
        middle = time.perf_counter()
        for row, mask in zip(scores, masks, strict=True):
            mask.apply(row, token_ids[:length])  # reuses the mask computed above
        mask_ms += middle - begin
        applied += time.perf_counter() - middle
    count = len(token_ids) * MASKED_ROWS
    return mask_ms / count * 1000, applied / count * 1000


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
