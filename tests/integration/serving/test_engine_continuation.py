"""A truncated answer and its continuation equal the answer written at once."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from transformers import Qwen2ForCausalLM

from chat.models import ChatMessage, Finish, Role, Sampling
from chat.serving.models import Delta
from engine.local import LocalEngine
from engine.worker import Runner
from tests.fakes import generate
from tests.tiny import tiny_tokenizer
from tests.troubled import batched, engine_with, plain

GREEDY = Sampling(temperature=0.0, max_new_tokens=48)
QUESTION = ChatMessage(Role.USER, "你好")
LETTERS = "".join(map(chr, range(ord(" "), ord("~") + 1)))
LETTER_IDS = tiny_tokenizer().encode(LETTERS, add_special_tokens=False)
runners = pytest.mark.parametrize("runner", [batched, plain])


def letters_only(ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Masks all other tokens: such text is tokenised to the same tokens wherever it is cut."""
    others = torch.ones(logits.shape[-1], dtype=torch.bool)
    others[LETTER_IDS] = False
    return logits.masked_fill(others, -torch.inf)


async def answer(
    engine: LocalEngine, begun: str | None = None, sampling: Sampling = GREEDY
) -> list[Delta]:
    beginning = () if begun is None else (ChatMessage(Role.ASSISTANT, begun, partial=True),)
    return [delta async for delta in generate(engine, (QUESTION, *beginning), sampling)]


def text(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


@runners
async def test_a_cut_answer_and_its_continuation_are_the_answer_written_at_once(
    runner: Callable[[Qwen2ForCausalLM], Runner],
) -> None:
    async with engine_with(letters_only, runner=runner) as engine:
        whole = text(await answer(engine))
        assert len(whole) == 48
        for cut in range(0, 48, 5):
            rest = replace(GREEDY, max_new_tokens=48 - cut)
            deltas = await answer(engine, whole[:cut], rest)
            assert text(deltas) == whole[cut:]
            assert deltas[-1].completion_tokens == 48 - cut


@runners
async def test_a_repetition_penalty_includes_the_continued_text(
    runner: Callable[[Qwen2ForCausalLM], Runner],
) -> None:
    penalised = replace(GREEDY, repetition_penalty=1.3)
    async with engine_with(letters_only, runner=runner) as engine:
        whole = text(await answer(engine, sampling=penalised))
        assert whole != text(await answer(engine))
        rest = replace(penalised, max_new_tokens=28)
        assert text(await answer(engine, whole[:20], rest)) == whole[20:]


@runners
async def test_a_continuation_keeps_the_space_it_begins_with(
    runner: Callable[[Qwen2ForCausalLM], Runner],
) -> None:
    def space_first(ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        return letters_only(ids, logits) if ids[0, -1] == LETTER_IDS[0] else spaces(logits)

    def spaces(logits: torch.Tensor) -> torch.Tensor:
        logits[..., LETTER_IDS[0]] = logits.amax() + 1
        return logits

    async with engine_with(space_first, runner=runner) as engine:
        assert text(await answer(engine, "hello")).startswith(" ")


@runners
async def test_a_stop_string_is_not_searched_in_the_continued_text(
    runner: Callable[[Qwen2ForCausalLM], Runner],
) -> None:
    """Neither within the continued text nor across its end."""
    begun = "one\n\ntwo\n"
    async with engine_with(letters_only, runner=runner) as engine:
        free = text(await answer(engine, begun))
        stops = ("\n\n", "\n" + free[0], "two")
        deltas = await answer(engine, begun, replace(GREEDY, stop=stops))
        assert text(deltas) == free
        assert deltas[-1].finish is Finish.LENGTH


async def test_a_continuation_prefills_only_uncached_tokens() -> None:
    async with engine_with(letters_only) as engine:
        first = await answer(engine, sampling=replace(GREEDY, max_new_tokens=100))
        last = (await answer(engine, text(first)))[-1]
        assert last.timing
        assert last.usage
        assert last.timing.reused_prompt_tokens > last.usage.prompt_tokens // 2
