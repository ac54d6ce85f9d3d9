"""The local engine with real weights: it answers, and reuses cached prefixes.

No test checks exact words: in bf16 they differ between processors.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from chat.models import ChatMessage, Role, Sampling
from chat.serving.models import Delta
from engine.local import EngineOptions, LocalEngine, Report
from engine.plan import Quantization
from tests.fakes import generate

pytestmark = pytest.mark.model

OPTIONS = EngineOptions(device="cpu", context_length=2048, max_concurrent=4, kv_cache_gib=0.2)
GREEDY = Sampling(temperature=0.0, max_new_tokens=60)


def engine_for(folder: Path, options: EngineOptions = OPTIONS) -> LocalEngine:
    async def fetch(report: Report) -> Path:
        return folder

    return LocalEngine(options, fetch)


@pytest.fixture
async def engine(starter_model: Path) -> AsyncGenerator[LocalEngine]:
    built = engine_for(starter_model)
    await built.start()
    yield built
    await built.stop()


async def ask(engine: LocalEngine, messages: Sequence[ChatMessage]) -> tuple[str, Delta]:
    deltas = [delta async for delta in generate(engine, messages, GREEDY)]
    return "".join(delta.text for delta in deltas), deltas[-1]


async def test_a_chinese_question_and_one_that_refers_to_it_are_answered(
    engine: LocalEngine,
) -> None:
    first = [
        ChatMessage(Role.SYSTEM, "你是一个认真的助手，用中文简短地回答。" * 6),
        ChatMessage(Role.USER, "中国的首都是哪里？"),
    ]
    answer, last = await ask(engine, first)
    assert answer.strip()
    assert last.timing
    assert last.timing.reused_prompt_tokens == 0

    second = [
        *first,
        ChatMessage(Role.ASSISTANT, answer),
        ChatMessage(Role.USER, "它在中国的北方还是南方？"),
    ]
    answer, last = await ask(engine, second)
    assert answer.strip()
    assert last.timing
    assert last.usage
    assert last.timing.reused_prompt_tokens >= last.usage.prompt_tokens // 2


async def test_a_begun_answer_is_continued_at_its_end(engine: LocalEngine) -> None:
    """Equality of the tokens is tested elsewhere in float32."""
    question = [
        ChatMessage(Role.SYSTEM, "You are a careful assistant who answers briefly. " * 6),
        ChatMessage(Role.USER, "List the days of the week, beginning with Monday."),
    ]
    await ask(engine, question)
    begun = ChatMessage(Role.ASSISTANT, "The days are: Monday, Tuesday,", partial=True)
    rest, last = await ask(engine, [*question, begun])
    assert rest
    assert not rest.startswith("The days are")
    assert last.timing
    assert last.usage
    assert last.timing.reused_prompt_tokens >= last.usage.prompt_tokens // 2


@pytest.mark.long
@pytest.mark.parametrize("quantization", ["int8", "nf4"])
async def test_quantized_weights_work_on_the_cpu(
    starter_model: Path, quantization: Quantization
) -> None:
    built = engine_for(starter_model, replace(OPTIONS, quantization=quantization))
    await built.start()
    assert built.info
    assert built.info.quantization == quantization
    answer, _ = await ask(built, [ChatMessage(Role.USER, "中国的首都是哪里？")])
    assert answer.strip()
    await built.stop()
