"""Checks whether a model folder is complete and undamaged. Repairs nothing."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from engine.weights.bounds import bound_faults
from engine.weights.card import CardFile, read_card

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
TOKENIZERS = ("tokenizer.json", "vocab.json")
CHUNK = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Problem:
    """One missing or damaged file, and what is wrong with it."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def sha256_of(path: Path, on_bytes: Callable[[int], None] = lambda count: None) -> str:
    """Hash of a file; `on_bytes` gets the size of each chunk read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            on_bytes(len(chunk))
    return digest.hexdigest()


def has_weights(folder: Path) -> bool:
    """Whether this is a model folder: it has a configuration and safetensors weights."""
    return (folder / CONFIG).is_file() and any(folder.glob("*.safetensors"))


def is_complete(folder: Path) -> bool:
    """Whether a complete model can be loaded from here. Quick: checks sizes and headers only.

    A `.part` file means an unfinished download, which may mix files of two revisions.
    """
    return has_weights(folder) and not any(folder.glob("*.part")) and not find_problems(folder)


def find_problems(
    folder: Path, *, hashes: bool = False, on_bytes: Callable[[int], None] = lambda count: None
) -> list[Problem]:
    """All missing or damaged files; an empty list means that the model can be loaded.

    Checks the files of the card (sizes, with `hashes` also contents), every shard of the index, and
    each shard's header. `on_bytes` gets the number of bytes read for hashing.
    """
    if beyond := [Problem(file, fault) for file, fault in bound_faults(folder)]:
        return beyond  # nothing else is read of such a folder
    problems = {problem.file: problem for problem in _structure(folder)}
    for name, record in read_card(folder).files.items():
        if name not in problems and (what := _difference(folder / name, record, hashes, on_bytes)):
            problems[name] = Problem(name, what)
    return list(problems.values())


def _structure(folder: Path) -> Iterator[Problem]:
    if not (folder / CONFIG).is_file():
        yield Problem(CONFIG, "missing")
    if not any((folder / name).is_file() for name in TOKENIZERS):
        yield Problem(TOKENIZERS[0], "missing")
    if (folder / INDEX).is_file():
        yield from _shards(folder)
    elif what := _header_fault(folder / SINGLE):
        yield Problem(SINGLE, what)


def _shards(folder: Path) -> Iterator[Problem]:
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        weight_map: Mapping[str, str] = dict(index["weight_map"])
    except (OSError, ValueError, KeyError, TypeError):
        yield Problem(INDEX, "damaged")
        return
    tensors: dict[str, set[str]] = {}
    for tensor, shard in weight_map.items():
        tensors.setdefault(shard, set()).add(tensor)
    for shard, names in sorted(tensors.items()):
        if what := _header_fault(folder / shard, names):
            yield Problem(shard, what)


def _header_fault(path: Path, tensors: set[str] | None = None) -> str:
    """The fault of a safetensors file that its header and length reveal; "" if none."""
    if not path.is_file():
        return "missing"
    try:
        with safe_open(path, framework="np") as file:
            lacking = (tensors or set()) - set(file.keys())
    except (SafetensorError, OSError):
        return "damaged: cut short, or not a safetensors file"
    return f"damaged: {len(lacking)} tensors of the index are not in it" if lacking else ""


def _difference(path: Path, record: CardFile, hashes: bool, on_bytes: Callable[[int], None]) -> str:
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size != record.size:
        return f"damaged: {size} bytes instead of {record.size}"
    if hashes and record.sha256 and sha256_of(path, on_bytes) != record.sha256:
        return "damaged: its sha256 is not that of the download"
    return ""
