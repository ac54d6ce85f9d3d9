"""The catalogue: the known models with size and licence.

Owns the reading of `catalogue.toml`; sizes are computed from each model's shape. Knows nothing of
this machine except which Python packages are installed, and nothing of the network.
"""

import importlib.util
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

STARTER_FOLDER = "Qwen2.5-Coder-0.5B-Instruct-starter"
"""Folder of the starter model below the models folder; distinct from the original model's."""
FREE_LICENCE = "Apache-2.0"
BYTES_BF16 = 2.0
BYTES_INT8 = 1.0
BYTES_NF4 = 4.5 / 8  # four bits, and a 32-bit scale for each 64 weights


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The dimensions that determine the size of a Qwen2 model."""

    hidden: int
    layers: int
    mlp: int
    kv: int
    vocabulary: int
    tied: bool

    @property
    def linear_parameters(self) -> int:
        """Weights of the layers' matrices, which quantization packs."""
        attention = 2 * self.hidden * self.hidden + 2 * self.hidden * self.kv
        return self.layers * (attention + 3 * self.hidden * self.mlp)

    @property
    def other_parameters(self) -> int:
        """Embeddings, biases and norms, which are never packed."""
        embeddings = self.vocabulary * self.hidden * (1 if self.tied else 2)
        biases_and_norms = self.layers * (3 * self.hidden + 2 * self.kv) + self.hidden
        return embeddings + biases_and_norms

    @property
    def parameters(self) -> int:
        return self.linear_parameters + self.other_parameters

    def bytes_with(self, bytes_per_weight: float) -> int:
        """Size of all weights: linear ones at `bytes_per_weight`, the others in bf16."""
        return int(self.linear_parameters * bytes_per_weight + self.other_parameters * BYTES_BF16)


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One model of the catalogue. `packing` is "" for ordinary bf16 weights; sizes are in bytes."""

    name: str
    hub_id: str
    licence: str
    context_length: int
    shape: ModelShape
    packing: str = ""
    packed_bytes_per_weight: float = BYTES_BF16
    packages: Sequence[str] = ()

    @property
    def disk_bytes(self) -> int:
        return self.shape.bytes_with(self.packed_bytes_per_weight)

    @property
    def memory_bytes(self) -> Mapping[str, int]:
        """Memory of the weights by quantization; "none" is bf16, or already packed weights."""
        if self.packing:
            return {"none": self.disk_bytes}
        return {
            "none": self.shape.bytes_with(BYTES_BF16),
            "int8": self.shape.bytes_with(BYTES_INT8),
            "nf4": self.shape.bytes_with(BYTES_NF4),
        }

    @property
    def missing_packages(self) -> tuple[str, ...]:
        """Packages that transformers needs for this model and that are not installed."""
        return tuple(name for name in self.packages if importlib.util.find_spec(name) is None)


@cache
def catalogue() -> tuple[CatalogueEntry, ...]:
    """All entries, in the order of the file."""
    text = Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    return tuple(entry for series in data["series"] for entry in _entries(series, data))


def find_entry(name: str) -> CatalogueEntry | None:
    """The entry with this name or hub id, compared without case."""
    folded = name.casefold()
    for entry in catalogue():
        if folded in (entry.name.casefold(), entry.hub_id.casefold()):
            return entry
    return None


def _entries(series: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[CatalogueEntry]:
    for size in series["sizes"]:
        name = series["name"].format(size=size)
        shape = ModelShape(**data["shapes"][size])
        licence = series["licences"].get(size, FREE_LICENCE)
        for packing in ("", *series["packings"]):
            full_name = f"{name}-{packing}" if packing else name
            packed = data["packings"].get(packing, {"bits": 16, "packages": []})
            yield CatalogueEntry(
                name=full_name,
                hub_id=f"{data['owner']}/{full_name}",
                licence=licence,
                context_length=series["context_length"],
                shape=shape,
                packing=packing,
                packed_bytes_per_weight=packed["bits"] / 8,
                packages=tuple(packed["packages"]),
            )
