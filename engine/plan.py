"""Decisions before a model is loaded: device, dtype, quantization, placement, cache size.

Pure functions: facts in, a decision with its reason out. Does not import torch; sizes are in bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar

from chat.errors import StartupError

T = TypeVar("T")
Device = Literal["cpu", "cuda"]
Quantization = Literal["none", "int8", "nf4"]
DeviceMap = str | Mapping[str, str | int]

GIB = 1024**3
WORKSPACE = GIB
"""Estimated GPU memory beside weights and cache: activations, logits, CUDA libraries."""
PACKED_SHARE: Mapping[Quantization, float] = {"none": 1.0, "int8": 0.6, "nf4": 0.38}
"""Size of packed weights as a share of bf16. Embeddings and output head are not packed, so the
share is above 8/16 and 4.5/16. The catalogue's sizes give 0.57 and 0.38 for 7B, and 0.64 and 0.48
for 0.5B.
"""
FREE_PAGE_RESERVE = 0.15
"""Share of the cache that stays free: below it the batching library drops all reusable pages."""
CPU_CACHE_SHARE = 0.5
"""Largest share of free main memory for the cache: other programs use it, too."""
MIN_CONTEXT = 512
"""Least tokens of cache to start with; also the lower bound of --context-length."""


@dataclass(frozen=True, slots=True)
class Decision(Generic[T]):
    """A chosen value and the reason for the log."""

    value: T
    reason: str


@dataclass(frozen=True, slots=True)
class Gpu:
    """An NVIDIA GPU: its index, its free memory, whether it computes in bfloat16."""

    index: int
    name: str
    free: int
    bf16: bool


@dataclass(frozen=True, slots=True)
class Hardware:
    """The machine. `free` is main memory."""

    cores: int
    free: int
    gpus: Sequence[Gpu] = ()

    def share(self, part: float) -> "Hardware":
        """The same machine with `part` (0–1) of its free memory."""
        gpus = [replace(gpu, free=int(gpu.free * part)) for gpu in self.gpus]
        return replace(self, free=int(self.free * part), gpus=gpus)


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a model.

    `scratch_per_token` is the temporary memory of a step for each token that it reads from the
    cache. `packing` is the format of weights that are already packed ("awq", "gptq"); None is bf16.
    """

    weights: int
    kv_per_token: int
    scratch_per_token: int
    max_context: int
    packing: str | None = None


def choose_device(requested: str, hardware: Hardware) -> Decision[Device]:
    """Raises StartupError if CUDA is asked for and absent."""
    if requested == "cuda" and not hardware.gpus:
        raise StartupError(
            "--device cuda was asked for, but no usable NVIDIA GPU was found. "
            "Check the driver with nvidia-smi, or use --device cpu."
        )
    if requested == "cpu":
        return Decision("cpu", "asked for")
    if hardware.gpus:
        return Decision("cuda", f"{hardware.gpus[0].name} found")
    return Decision("cpu", "no NVIDIA GPU found")


def choose_dtype(device: Device, hardware: Hardware) -> Decision[str]:
    """The name of the torch dtype to compute in."""
    if device == "cpu":
        return Decision("bfloat16", "half the memory traffic of float32 on the CPU")
    without = [gpu.name for gpu in hardware.gpus if not gpu.bf16]
    if without:
        return Decision("float16", f"{without[0]} has no bfloat16")
    return Decision("bfloat16", "the GPU has it")


def choose_quantization(
    requested: Quantization | Literal["auto"],
    device: Device,
    hardware: Hardware,
    shape: Shape,
    cache: int,
) -> Decision[Quantization]:
    """How to pack the weights. `cache` is the memory that the KV cache needs."""
    if shape.packing:
        return Decision("none", "the weights come packed already")
    if device == "cpu" or requested == "none":
        return (
            Decision("none", "on the CPU")
            if requested == "auto"
            else Decision(requested, "asked for")
        )
    free = gpu_with_most_free(hardware).free
    packed = needed_bytes(shape, "nf4" if requested == "auto" else requested, cache)
    fits_packed = packed <= free or packed <= sum(gpu.free - WORKSPACE for gpu in hardware.gpus)
    if requested != "auto":
        if not fits_packed:
            raise StartupError(_too_big_packed(requested, packed, free))
        return Decision(requested, "asked for")
    needed = needed_bytes(shape, "none", cache)
    sizes = f"needed {needed / GIB:.1f} GiB, free {free / GIB:.1f} GiB"
    if needed <= free:
        return Decision("none", f"bf16 weights and cache fit: {sizes}")
    if fits_packed:
        return Decision("nf4", f"bf16 weights and cache do not fit: {sizes}")
    return Decision("none", f"not even nf4 would fit, which cannot spill into memory: {sizes}")


def gpu_with_most_free(hardware: Hardware) -> Gpu:
    """The GPU with the most free memory, on which the model is placed first."""
    return max(hardware.gpus, key=lambda gpu: gpu.free)


def needed_bytes(shape: Shape, quantization: Quantization, cache: int) -> int:
    """GPU memory needed for weights and cache.

    With packed weights half of the cache is enough: bitsandbytes cannot offload them to main
    memory, so the alternative would be not to run.
    """
    weights = int(shape.weights * PACKED_SHARE[quantization])
    return weights + (cache if quantization == "none" else cache // 2) + WORKSPACE


def _too_big_packed(quantization: str, needed: int, free: int) -> str:
    return (
        f"--quantization {quantization} needs {needed / GIB:.1f} GiB of GPU memory, and "
        f"{free / GIB:.1f} GiB are free: packed weights cannot spill into main memory. "
        "Choose a smaller model, a shorter --context-length, or --quantization none."
    )


def choose_device_map(
    device: Device, hardware: Hardware, shape: Shape, quantization: Quantization, cache: int
) -> Decision[DeviceMap]:
    """One device if the model fits there, because only then requests are batched; else "auto"."""
    if device == "cpu":
        return Decision("cpu", "on the CPU")
    best = gpu_with_most_free(hardware)
    if needed_bytes(shape, quantization, cache) <= best.free:
        return Decision({"": best.index}, f"all of it fits on {best.name}")
    return Decision("auto", f"too big for {best.name} alone: spread over what there is")


def cache_target(
    shape: Shape, *, context_length: int, max_concurrent: int, cache_gib: float | None
) -> int:
    """Bytes of KV cache for `max_concurrent` full contexts, with room for pages to be reused."""
    if cache_gib is not None:
        return int(cache_gib * GIB)
    tokens = max_concurrent * min(context_length, shape.max_context) / (1 - FREE_PAGE_RESERVE)
    return int(tokens * shape.kv_per_token)


def cache_needed(shape: Shape, target: int, context_length: int) -> int:
    """Least bytes of KV cache, two full contexts: with less, the model is packed or spread."""
    return min(target, 2 * min(context_length, shape.max_context) * shape.kv_per_token)


def choose_cache_tokens(
    shape: Shape, *, target: int, free: int, device: Device, page: int
) -> Decision[int]:
    """Tokens of KV cache, in whole pages, when `free` bytes are left after loading the weights.

    Raises StartupError below MIN_CONTEXT tokens.
    """
    usable = int(free * CPU_CACHE_SHARE) if device == "cpu" else int(free * 0.95) - WORKSPACE
    possible = max(usable, 0) // (shape.kv_per_token + shape.scratch_per_token)
    tokens = min(target // shape.kv_per_token, possible) // page * page
    if tokens < MIN_CONTEXT:
        raise StartupError(
            f"The memory left ({free / GIB:.1f} GiB) holds no conversation. Free some, or choose a "
            "smaller model or --quantization nf4."
        )
    if tokens < target // shape.kv_per_token // page * page:
        return Decision(tokens, f"as much as {free / GIB:.1f} GiB of free memory allow")
    return Decision(tokens, "as much as asked for, or as all answers at once can need")
