"""Opens a model folder: tokenizer, weights, runner with its KV cache.

Runs in the engine's thread, so it may import torch and transformers at the top.
"""

import ctypes
import dataclasses
import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from transformers.utils import logging as transformers_logging

from chat.errors import StartupError
from chat.models import Sampling
from chat.serving.models import EngineInfo, EngineState, LoadStage, Phase
from engine import plan
from engine.batching import ContinuousBatch, Layout, page_size
from engine.end_tokens import end_tokens, end_tokens_in
from engine.grammar.compiler import Compiler, MaskMaker
from engine.linear import has_bfloat16, use_float32_blocks
from engine.loader import LoadedModel, check_folder, load_model
from engine.memory import is_out_of_memory
from engine.options import EngineOptions
from engine.plain import PlainRunner
from engine.prompt import ChatPrompt, load_tokenizer
from engine.weights.card import read_card
from engine.worker import Runner

log = logging.getLogger(__name__)

MAX_CHUNK = {"cpu": 256, "cuda": 1024}
"""Largest token budget of a step; `engine.schedule.next_chunk` adapts it to the measured speed."""
PLAIN_CHUNK = {"cpu": 96, "cuda": 512}
"""Prompt tokens of a step of the plain runner, which does not adapt."""


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """The parts of a loaded model. `masks` makes the masks of structured answers."""

    runner: Runner
    prompt: ChatPrompt
    info: EngineInfo
    end_ids: frozenset[int]
    masks: MaskMaker


def open_model(
    folder: Path, options: EngineOptions, report: Callable[[EngineState], None]
) -> OpenedModel:
    """Load the model in `folder` and lay out its cache. Raises StartupError."""
    _quiet_libraries()
    check_folder(folder)
    prompt = ChatPrompt(load_tokenizer(folder))
    prompt.check()
    end_ids = end_tokens([*end_tokens_in(folder), list(prompt.end_ids)], prompt.vocabulary)
    if not prompt.takes_system:
        log.info("the chat template takes no system message: it is joined to the first question")
    loaded = load_model(
        folder,
        options,
        lambda share: report(EngineState(Phase.LOADING, LoadStage.LOAD, progress=share)),
    )
    runner = make_runner(loaded, options)
    _return_freed_memory()
    return OpenedModel(
        runner=runner,
        prompt=prompt,
        info=_describe(folder, loaded, runner, options),
        end_ids=end_ids,
        masks=Compiler(prompt.backend, end_ids),
    )


def _quiet_libraries() -> None:
    transformers_logging.set_verbosity_error()
    for name in ("ContinuousBatchingLogger", "bitsandbytes", "accelerate"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _return_freed_memory() -> None:
    """Return freed heap pages to the system: loading leaves about 100 MB that glibc keeps."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only
    if trim:
        trim(0)


def make_runner(loaded: LoadedModel, options: EngineOptions) -> Runner:
    """The runner for the model, with its KV cache. Raises StartupError if memory is too small."""
    page = page_size(loaded.device)
    cache = plan.choose_cache_tokens(
        loaded.shape,
        target=loaded.cache_target,
        free=int(_free_memory(loaded) * options.memory_share),
        device=loaded.device,
        page=page,
    )
    log.info("KV cache: %d tokens (%s)", cache.value, cache.reason)
    if loaded.is_spread:
        log.warning("the model is spread over several devices: one answer at a time")
        chunk = PLAIN_CHUNK[loaded.device]
        return PlainRunner(loaded.model, cache_tokens=cache.value, chunk=chunk)
    if loaded.device == "cpu" and not has_bfloat16() and use_float32_blocks(loaded.model):
        log.info("linear layers: float32 in blocks (the processor has no bfloat16 instructions)")
    layout = Layout(page, cache.value // page, options.max_concurrent, MAX_CHUNK[loaded.device])
    try:
        return ContinuousBatch(loaded.model, layout)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise StartupError(
            "There is no memory left for the KV cache. Lower --kv-cache-gib or --max-concurrent."
        ) from None


def _free_memory(loaded: LoadedModel) -> int:
    if loaded.device == "cpu":
        return psutil.virtual_memory().available
    free: int = torch.cuda.mem_get_info(loaded.model.device)[0]
    return free


def _describe(
    folder: Path, loaded: LoadedModel, runner: Runner, options: EngineOptions
) -> EngineInfo:
    card = read_card(folder)
    context = min(options.context_length, loaded.shape.max_context, runner.cache_tokens)
    flags = {"starter-model": card.is_starter, "one-at-a-time": loaded.is_spread}
    return EngineInfo(
        engine="local",
        model=card.name,
        revision=card.revision,
        quantization=loaded.quantization,
        dtype=loaded.dtype,
        device=loaded.device_name,
        context_length=context,
        max_concurrent=runner.max_rows,
        defaults=_defaults(loaded, options.max_new_tokens or context // 4),
        licence=card.licence,
        notes=tuple(note for note, holds in flags.items() if holds),
    )


def _defaults(loaded: LoadedModel, max_new_tokens: int) -> Sampling:
    """The sampling defaults of generation_config.json, with every setting stated."""
    config = loaded.model.generation_config
    stated = Sampling(
        temperature=config.temperature if config.do_sample else 0.0,
        top_p=config.top_p,
        top_k=config.top_k,
        repetition_penalty=config.repetition_penalty,
        max_new_tokens=max_new_tokens,
    )
    neutral = Sampling(temperature=1.0, top_p=1.0, top_k=0, repetition_penalty=1.0)
    return dataclasses.replace(stated.over(neutral), max_new_tokens=max_new_tokens)
