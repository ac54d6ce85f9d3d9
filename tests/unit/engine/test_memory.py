"""Out-of-memory errors are recognised from every source and become one sentence."""

from typing import Any

import pytest
import torch
from transformers import Qwen2ForCausalLM

from chat.errors import StartupError
from engine.loader import LoadedModel
from engine.memory import is_out_of_memory
from engine.options import EngineOptions
from engine.plan import Shape
from engine.startup import make_runner
from tests.tiny import tiny_config

FULL = [
    MemoryError("Memory footprint 2 is more than available memory 1"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
]


@pytest.mark.parametrize("error", FULL)
def test_out_of_memory_errors_are_recognised(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", [RuntimeError("CUDA error"), ValueError("can't allocate")])
def test_other_errors_are_not_out_of_memory(error: Exception) -> None:
    assert not is_out_of_memory(error)


class ModelWithoutRoom(Qwen2ForCausalLM):
    """A model whose KV cache cannot be allocated."""

    error: Exception

    def init_continuous_batching(self, *settings: Any) -> Any:
        raise self.error


def loaded(error: Exception) -> LoadedModel:
    model = ModelWithoutRoom(tiny_config())
    model.error = error
    shape = Shape(weights=1, kv_per_token=256, scratch_per_token=64, max_context=4096)
    return LoadedModel(model, shape, "cpu", "CPU", "float32", "none", cache_target=1024 * 256)


@pytest.mark.parametrize("error", FULL)
def test_no_memory_for_the_cache_is_one_sentence(error: Exception) -> None:
    with pytest.raises(StartupError, match="--kv-cache-gib"):
        make_runner(loaded(error), EngineOptions())


def test_other_errors_of_the_cache_are_raised_unchanged() -> None:
    with pytest.raises(RuntimeError, match="illegal"):
        make_runner(loaded(RuntimeError("illegal memory access")), EngineOptions())
