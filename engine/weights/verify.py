"""Checks whether a model folder is complete and undamaged. Repairs nothing."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

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


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """The weights of a folder: `entry` is the whole file or the index, `files` what is read.

    `tensors` are the names of the whole file's tensors, or of the index's.
    """

    entry: str
    files: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    tensors: frozenset[str] = frozenset()


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
    yield from find_weights(folder).problems


def find_weights(folder: Path) -> WeightFiles:
    """The files that hold the weights. Where a whole file and shards lie side by side, what is left
    of an earlier version is passed over.
    """
    single, sharded = _single(folder), _sharded(folder)
    if sharded is None or single is None:
        return single or sharded or WeightFiles(SINGLE, (), (_missing(folder),))
    if sharded.problems or single.tensors >= sharded.tensors:
        return single
    if single.problems or single.tensors < sharded.tensors:
        return sharded
    what = f"holds other tensors than the shards of {INDEX}: remove one of the two"
    return replace(single, problems=(Problem(SINGLE, what),))


def _missing(folder: Path) -> Problem:
    if any(folder.glob("model-*-of-*.safetensors")):
        return Problem(INDEX, "missing")
    return Problem(SINGLE, "missing")


def _single(folder: Path) -> WeightFiles | None:
    if not (folder / SINGLE).is_file():
        return None
    tensors, fault = _header(folder / SINGLE)
    problems = (Problem(SINGLE, fault),) if fault else ()
    return WeightFiles(SINGLE, (SINGLE,), problems, tensors)


def _sharded(folder: Path) -> WeightFiles | None:
    if not (folder / INDEX).is_file():
        return None
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        weight_map: Mapping[str, str] = dict(index["weight_map"])
        shards = {shard: PurePath(shard).name == shard != "" for shard in weight_map.values()}
    except (OSError, ValueError, KeyError, TypeError):
        shards, weight_map = {"": False}, {}
    if not all(shards.values()) or not shards:  # a shard lies beside its index, nowhere else
        return WeightFiles(INDEX, (), (Problem(INDEX, "damaged"),))
    problems = []
    for shard in sorted(shards):
        found, fault = _header(folder / shard)
        lacking = {name for name, place in weight_map.items() if place == shard} - found
        if lacking and not fault:
            fault = f"damaged: {len(lacking)} tensors of the index are not in it"
        if fault:
            problems.append(Problem(shard, fault))
    return WeightFiles(INDEX, tuple(sorted(shards)), tuple(problems), frozenset(weight_map))


def _header(path: Path) -> tuple[frozenset[str], str]:
    """The tensors of a safetensors file, and the fault that its header and length reveal, or ""."""
    if not path.is_file():
        return frozenset(), "missing"
    try:
        with safe_open(path, framework="np") as file:
            return frozenset(file.keys()), ""
    except (SafetensorError, OSError):
        return frozenset(), "damaged: cut short, or not a safetensors file"


def _difference(path: Path, record: CardFile, hashes: bool, on_bytes: Callable[[int], None]) -> str:
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size != record.size:
        return f"damaged: {size} bytes instead of {record.size}"
    if hashes and record.sha256 and sha256_of(path, on_bytes) != record.sha256:
        return "damaged: its sha256 is not that of the download"
    return ""
