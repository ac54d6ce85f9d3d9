"""Loads a model folder into memory and logs every decision of `engine.plan`.

No network access, no code from the folder, safetensors only. Knows nothing of batches and requests.
Import it in the engine's thread: it imports transformers.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from chat.errors import ModelUnavailable, StartupError
from engine import plan
from engine.options import EngineOptions
from engine.plan import Decision, Device, DeviceMap, Gpu, Hardware, Quantization, Shape
from engine.weights.kinds import fault_of_kind
from engine.weights.templates import check_templates
from engine.weights.verify import find_problems, find_weights

log = logging.getLogger(__name__)

T = TypeVar("T")
Progress = Callable[[float], None]
ITEM_SIZE = 2
"""Bytes of one bfloat16 or float16."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory, with the decisions it was loaded by. `cache_target` is in bytes."""

    model: PreTrainedModel
    shape: Shape
    device: Device
    device_name: str
    dtype: str
    quantization: str
    cache_target: int

    @property
    def is_spread(self) -> bool:
        """Whether the layers are on several devices, which excludes continuous batching."""
        return len(set(getattr(self.model, "hf_device_map", {"": 0}).values())) > 1


def inspect_hardware() -> Hardware:
    """The devices and their free memory now."""
    gpus = []
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, _ = torch.cuda.mem_get_info(index)
        # Before compute capability 8.0 PyTorch emulates bfloat16, slowly.
        bf16 = torch.cuda.get_device_capability(index) >= (8, 0)
        gpus.append(Gpu(index, torch.cuda.get_device_name(index), free, bf16))
    return Hardware(os.cpu_count() or 1, psutil.virtual_memory().available, gpus)


def _first_line(error: Exception) -> str:
    """The first line of a library's error message."""
    return str(error).strip().partition("\n")[0]


def check_folder(folder: Path) -> None:
    """Raises ModelUnavailable, which names what is missing or damaged."""
    if fault := fault_of_kind(folder):
        raise ModelUnavailable(fault)
    if problems := find_problems(folder):
        raise ModelUnavailable(
            f"The model in {folder} cannot be used: {'; '.join(map(str, problems[:3]))}. "
            "Run download_model.py again."
        )
    check_templates(folder)
    read_shape(folder)


def read_shape(folder: Path) -> Shape:
    """The sizes of the model in `folder`. Raises ModelUnavailable."""
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        return _shape_of(config, folder)
    except (OSError, ValueError, StrictDataclassError) as error:
        raise ModelUnavailable(
            f"{folder / 'config.json'} cannot be read: {_first_line(error)}"
        ) from None
    except (AttributeError, TypeError, ArithmeticError) as error:
        raise ModelUnavailable(
            f"{folder / 'config.json'} is not that of a chat model: {_first_line(error)}"
        ) from None


def _shape_of(config: Any, folder: Path) -> Shape:
    heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
    head_size = (getattr(config, "head_dim", None) or config.hidden_size // heads) * ITEM_SIZE
    return Shape(
        weights=sum((folder / name).stat().st_size for name in find_weights(folder).files),
        kv_per_token=2 * config.num_hidden_layers * kv_heads * head_size,
        scratch_per_token=(2 * heads + kv_heads) * head_size,
        max_context=config.max_position_embeddings,
        packing=(getattr(config, "quantization_config", None) or {}).get("quant_method"),
    )


def load_model(folder: Path, options: EngineOptions, progress: Progress) -> LoadedModel:
    """Load the model in `folder`; `progress` gets the share done (0–1). Raises StartupError."""
    shape, hardware = read_shape(folder), inspect_hardware().share(options.memory_share)
    device = _log("device", plan.choose_device(options.device, hardware))
    dtype = _log("dtype", plan.choose_dtype(device, hardware))
    cache_target = plan.cache_target(
        shape,
        context_length=options.context_length,
        max_concurrent=options.max_concurrent,
        cache_gib=options.kv_cache_gib,
    )
    needed = plan.cache_needed(shape, cache_target, options.context_length)
    quantization = _log(
        "quantization",
        plan.choose_quantization(options.quantization, device, hardware, shape, needed),
    )
    device_map = options.device_map or _log(
        "device map", plan.choose_device_map(device, hardware, shape, quantization, needed)
    )
    if device == "cuda":
        # The batching library measures free memory of the thread's current device, not the model's.
        torch.cuda.set_device(plan.gpu_with_most_free(hardware).index)
    with _reporting(progress):
        model = _read_weights(folder, dtype, quantization, device_map)
    gpus = " + ".join(gpu.name for gpu in hardware.gpus)
    return LoadedModel(
        model=model.eval(),
        shape=shape,
        device=device,
        device_name=gpus if device == "cuda" else f"CPU ({hardware.cores} cores)",
        dtype=dtype,
        quantization=shape.packing or quantization,
        cache_target=cache_target,
    )


def _log(what: str, decision: Decision[T]) -> T:
    log.info("%s: %s (%s)", what, decision.value, decision.reason)
    return decision.value


def _read_weights(
    folder: Path, dtype: str, quantization: Quantization, device_map: DeviceMap
) -> PreTrainedModel:
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        # Otherwise transformers takes model.safetensors, even one that is left of another version.
        config.transformers_weights = find_weights(folder).entry
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=getattr(torch, dtype),
            device_map=device_map,
            quantization_config=_packing(quantization, dtype),
            attn_implementation="sdpa",
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (torch.OutOfMemoryError, MemoryError):
        raise StartupError(
            "The model does not fit into memory. Choose a smaller one, or --quantization nf4."
        ) from None
    except ImportError as error:
        raise StartupError(
            f"This model needs a package that is not installed: {_first_line(error)}"
        ) from None
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelUnavailable(
            f"The model in {folder} cannot be loaded: {_first_line(error)}"
        ) from None
    model: PreTrainedModel = loaded[0]
    missing: set[str] = loaded[1]["missing_keys"]
    if missing:
        raise ModelUnavailable(
            f"The weights in {folder} lack {len(missing)} tensors that the model needs. "
            "Run download_model.py again."
        )
    return model


def _packing(quantization: Quantization, dtype: str) -> BitsAndBytesConfig | None:
    if quantization == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    if quantization == "nf4":
        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, dtype),
        )
    return None


@contextmanager
def _reporting(progress: Progress) -> Iterator[None]:
    """Report the library's progress bars to `progress` instead of drawing them."""

    def counted(items: Any) -> Iterator[Any]:
        for number, item in enumerate(items):
            yield item
            progress((number + 1) / len(items))

    def replace_bar(factory: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return factory(counted(args[0]), *args[1:], **kwargs) if args else factory(**kwargs)

    transformers_logging.disable_progress_bar()
    previous = transformers_logging.set_tqdm_hook(replace_bar)
    try:
        yield
    finally:
        transformers_logging.set_tqdm_hook(previous)
