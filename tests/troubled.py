"""A local engine over the tiny model in float32, whose scores a test can change at will."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import Qwen2ForCausalLM

from chat.models import Sampling
from chat.serving.models import EngineInfo
from engine.batching import ContinuousBatch, Layout
from engine.grammar.compiler import MaskMaker
from engine.local import EngineOptions, LocalEngine, Opener, Report
from engine.plain import PlainRunner
from engine.prompt import ChatPrompt
from engine.startup import OpenedModel
from engine.worker import Runner
from tests.grammar import InProcess, Maker
from tests.tiny import tiny_config, tiny_model, tiny_tokenizer

Trouble = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class TroubledModel(Qwen2ForCausalLM):
    """A model whose logits `trouble` can change; in float32, always the same weights."""

    trouble: Trouble = staticmethod(lambda ids, logits: logits)

    def forward(self, input_ids: torch.Tensor, **settings: Any) -> Any:
        output = super().forward(input_ids=input_ids, **settings)
        output.logits = self.trouble(input_ids, output.logits)
        return output


def batched(model: Qwen2ForCausalLM) -> Runner:
    return ContinuousBatch(model, Layout(32, 256, 4, 128))


def plain(model: Qwen2ForCausalLM) -> Runner:
    return PlainRunner(model, cache_tokens=1024, chunk=96)


def _troubled_model(trouble: Trouble) -> TroubledModel:
    model = TroubledModel(tiny_config())
    model.load_state_dict(tiny_model().state_dict())
    model.trouble = trouble
    model.train(False)
    return model


def troubled_opener(
    trouble: Trouble,
    runner: Callable[[Qwen2ForCausalLM], Runner] = batched,
    *,
    end_ids: frozenset[int] = frozenset(),
    masks: MaskMaker | None = None,
) -> Opener:
    """An opener for LocalEngine that ignores the folder. Only `end_ids` end an answer."""
    tokenizer = tiny_tokenizer()
    info = EngineInfo(
        engine="local",
        model="troubled",
        revision="",
        quantization="none",
        dtype="float32",
        device="cpu",
        context_length=1024,
        max_concurrent=4,
        defaults=Sampling(1.0, 1.0, 0, 1.0, 256),
    )

    def opener(folder: Path, options: EngineOptions, report: Report) -> OpenedModel:
        prompt = ChatPrompt(tokenizer)
        in_process = masks or InProcess(Maker(end_ids))
        return OpenedModel(runner(_troubled_model(trouble)), prompt, info, end_ids, in_process)

    return opener


@asynccontextmanager
async def engine_with(
    trouble: Trouble,
    *,
    stall_timeout_s: float = 60.0,
    runner: Callable[[Qwen2ForCausalLM], Runner] = batched,
    end_ids: frozenset[int] = frozenset(),
    masks: MaskMaker | None = None,
) -> AsyncGenerator[LocalEngine]:
    """An engine that serves, and is stopped at the end. Only `end_ids` end an answer."""
    opener = troubled_opener(trouble, runner, end_ids=end_ids, masks=masks)

    async def fetch(report: Report) -> Path:
        return Path()

    engine = LocalEngine(EngineOptions(stall_timeout_s=stall_timeout_s), fetch, opener)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()
