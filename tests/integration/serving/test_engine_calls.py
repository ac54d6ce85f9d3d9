"""A local engine whose model calls tools: the deltas and the finish reason."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from transformers import Qwen2ForCausalLM

from chat.models import ChatMessage, Finish, Role, Sampling
from chat.serving.models import Delta
from chat.tools import Extras, Tool, ToolRules
from engine.grammar.compiler import MaskMaker
from engine.worker import Runner
from tests.fakes import generate
from tests.grammar import NoMasks
from tests.tiny import END, tiny_tokenizer
from tests.troubled import batched, engine_with, plain

BACKEND = tiny_tokenizer().backend_tokenizer
END_IDS = frozenset(BACKEND.encode(END).ids)
GREEDY = Sampling(temperature=0.0, max_new_tokens=200)
QUESTION = (ChatMessage(Role.USER, "How warm is it?"),)
EXTRAS = Extras(tools=(Tool("weather"), Tool("time")))
ARGUMENTS = '{"city": "北京", "days": [1, 2]}'
CALL = f'<tool_call>\n{{"name": "weather", "arguments": {ARGUMENTS}}}\n</tool_call>'
OTHER = '<tool_call>\n{"name": "time", "arguments": {}}\n</tool_call>'
runners = pytest.mark.parametrize("runner", [batched, plain])


class Dictated:
    """Makes the model write this text after every prompt of more than one token, and then end."""

    def __init__(self, text: str) -> None:
        self._ids = [*BACKEND.encode(text).ids, *END_IDS]
        self._place = 0

    def __call__(self, ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        self._place = self._place + 1 if ids.shape[-1] == 1 else 0
        dictated = torch.full_like(logits, -10.0)
        dictated[..., self._ids[min(self._place, len(self._ids) - 1)]] = 10.0
        return dictated


async def answer(
    written: str,
    extras: Extras = EXTRAS,
    sampling: Sampling = GREEDY,
    runner: Callable[[Qwen2ForCausalLM], Runner] = batched,
    masks: MaskMaker | None = None,
) -> list[Delta]:
    """All deltas of an answer in which the model writes `written`."""
    trouble = Dictated(written)
    async with engine_with(trouble, runner=runner, end_ids=END_IDS, masks=masks) as engine:
        return [delta async for delta in generate(engine, QUESTION, sampling, extras=extras)]


def text(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


def names(deltas: list[Delta]) -> list[str]:
    return [piece.name for delta in deltas for piece in delta.calls if piece.name]


@runners
async def test_calls_are_separated_from_the_text_and_set_the_finish_reason(
    runner: Callable[[Qwen2ForCausalLM], Runner],
) -> None:
    deltas = await answer(f"Let me see.\n{CALL}\n{OTHER}", runner=runner)
    assert text(deltas) == "Let me see."
    assert names(deltas) == ["weather", "time"]
    pieces = [piece for delta in deltas for piece in delta.calls if piece.index == 0]
    assert "".join(piece.arguments for piece in pieces) == ARGUMENTS
    assert deltas[-1].finish is Finish.TOOL_CALLS
    assert len([piece for piece in pieces if piece.arguments]) >= len(ARGUMENTS)


async def test_without_tools_a_call_is_text() -> None:
    deltas = await answer(CALL, Extras())
    assert text(deltas) == CALL
    assert deltas[-1].finish is Finish.STOP


async def test_a_truncated_answer_has_finish_reason_length_even_with_calls() -> None:
    whole = len(BACKEND.encode(f"{CALL}\n").ids)
    for tokens in (whole - 20, whole):
        deltas = await answer(f"{CALL}\n{OTHER}", sampling=replace(GREEDY, max_new_tokens=tokens))
        assert deltas[-1].finish is Finish.LENGTH
        assert any(piece.broken for delta in deltas for piece in delta.calls) == (tokens < whole)


async def test_a_forced_call_that_was_cut_has_finish_reason_length() -> None:
    extras = replace(EXTRAS, rules=ToolRules(required=True, parallel=False))
    whole = len(BACKEND.encode(CALL).ids)
    for tokens in (whole - 20, whole - 1):
        sampling = replace(GREEDY, max_new_tokens=tokens)
        deltas = await answer(CALL, extras, sampling=sampling)
        assert deltas[-1].finish is Finish.LENGTH
    assert (await answer(CALL, extras))[-1].finish is Finish.TOOL_CALLS


async def test_an_answer_with_a_broken_call_ends_with_finish_reason_stop() -> None:
    broken = '<tool_call>{"name": "weather", "arguments": }</tool_call>'
    deltas = await answer(broken, masks=NoMasks())
    assert deltas[-1].finish is Finish.STOP
    assert [piece.broken for delta in deltas for piece in delta.calls] == [False, True]


async def test_without_parallel_calls_the_answer_ends_after_the_first() -> None:
    extras = replace(EXTRAS, rules=ToolRules(parallel=False))
    deltas = await answer(f"{CALL}\n{OTHER} and more", extras)
    assert names(deltas) == ["weather"]
    assert deltas[-1].finish is Finish.TOOL_CALLS
    assert deltas[-1].completion_tokens == len(BACKEND.encode(CALL).ids)


async def test_a_stop_string_is_ignored_inside_a_call() -> None:
    sampling = replace(GREEDY, stop=("\n", "days"))
    deltas = await answer(f"Yes {CALL}so\nand more", sampling=sampling)
    assert text(deltas) == "Yes so"
    assert names(deltas) == ["weather"]
    assert not any(piece.broken for delta in deltas for piece in delta.calls)
    assert deltas[-1].finish is Finish.TOOL_CALLS


async def test_the_tokens_of_a_call_are_counted_and_scored() -> None:
    deltas = await answer(CALL, replace(EXTRAS, top_logprobs=1))
    scores = [score for delta in deltas for score in delta.scores]
    assert b"".join(score.data for score in scores).decode() == CALL
    assert deltas[-1].usage
    assert deltas[-1].usage.completion_tokens == len(scores) + len(END_IDS)
