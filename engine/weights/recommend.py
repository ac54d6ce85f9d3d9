"""Recommends a model for a machine. Pure: memory in, name and reason out."""

from dataclasses import dataclass

from engine.weights.catalogue import CatalogueEntry
from engine.weights.hardware import Machine

GB = 1_000_000_000
KV_BUDGET_BYTES = GB // 2  # estimate for one long conversation and the activations

PACKED = "in 4 bits (nf4) unless there is room for bf16"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A catalogue name and the reason. `engine.plan` decides later how to load the weights."""

    name: str
    reason: str


def choose(machine: Machine) -> Recommendation:
    """The largest model that certainly runs well on this machine."""
    if machine.gpu is None:
        return Recommendation(
            "Qwen2.5-0.5B-Instruct", "No NVIDIA GPU: 0.5B answers at a fair speed."
        )
    name, why = _for_gpu(machine.gpu.free_bytes)
    machine_text = f"{machine.gpu.name} with {machine.gpu.free_bytes / GB:.1f} GB free"
    return Recommendation(name, f"{machine_text}: {why}.")


def _for_gpu(free_bytes: int) -> tuple[str, str]:
    if free_bytes >= 20 * GB:
        return "Qwen2.5-7B-Instruct", "7B fits in bf16"
    if free_bytes >= 8 * GB:
        return "Qwen2.5-7B-Instruct", f"7B fits, {PACKED}"
    if free_bytes >= 4 * GB:
        licence = "its licence (Qwen Research) allows no commercial use"
        return "Qwen2.5-3B-Instruct", f"3B fits, {PACKED}; {licence}"
    return "Qwen2.5-1.5B-Instruct", f"1.5B fits, {PACKED}"


def fitting_quantization(entry: CatalogueEntry, machine: Machine) -> str | None:
    """The quantization by which `entry` fits the free memory, or None if it does not fit.

    "none" means unchanged weights. Without a GPU only "none" is considered: bitsandbytes packs
    weights on a GPU only.
    """
    room = machine.model_memory_bytes - KV_BUDGET_BYTES
    for quantization, size in entry.memory_bytes.items():
        if quantization != "none" and machine.gpu is None:
            continue
        if size * 1.05 <= room:
            return quantization
    return None
