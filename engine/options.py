"""The options of an engine. Values only: code that builds them need not import torch."""

from dataclasses import dataclass
from typing import Literal

from engine.plan import DeviceMap, Quantization


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How to run a model; None means: decide by the model and the machine.

    `max_new_tokens` is the default and the limit of one answer. `device_map` is accelerate's and
    overrides the automatic placement of layers. `memory_share` limits the part of the free memory
    that may be used.
    """

    device: str = "auto"
    quantization: Quantization | Literal["auto"] = "auto"
    context_length: int = 8192
    max_new_tokens: int | None = None
    max_concurrent: int = 8
    kv_cache_gib: float | None = None
    stall_timeout_s: float = 60.0
    device_map: DeviceMap | None = None
    memory_share: float = 1.0
