"""Bounds of the files of a model folder, checked before a library reads them.

A folder may come from anywhere: deep JSON, a huge header, or a configuration of a billion layers
would keep a library busy for hours or take all memory. Reads little, loads nothing.
"""

import json
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

MAX_TOKENIZER_BYTES = 256 * 2**20
MAX_JSON_BYTES = 32 * 2**20
MAX_TEMPLATE_BYTES = 256 * 2**10
MAX_HEADER_BYTES = 16 * 2**20
MAX_DEPTH = 64
TOKENIZER_FILES = ("tokenizer.json", "vocab.json")
"""Large files without deep levels; the parser of tokenizers refuses more than 128 levels."""

MAX_SIZES: Mapping[str, int] = {
    "num_hidden_layers": 1_000,
    "num_attention_heads": 10_000,
    "hidden_size": 1_000_000,
    "intermediate_size": 10_000_000,
    "vocab_size": 10_000_000,
    "max_position_embeddings": 1_000_000_000,
}
"""Largest values in config.json; libraries make lists and tensors of these sizes."""

# The closing quote is optional, so that every quote begins a match and the search stays linear.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)


def bound_faults(folder: Path) -> Iterator[tuple[str, str]]:
    """(file, fault) for each file beyond its bounds."""
    for path in _files(folder, "*.json"):
        if fault := _json_fault(path):
            yield path.name, fault
    for path in _files(folder, "**/*.jinja"):
        if path.stat().st_size > MAX_TEMPLATE_BYTES:
            yield str(path.relative_to(folder)), _too_large(MAX_TEMPLATE_BYTES)
    for path in _files(folder, "*.safetensors"):
        if _header_bytes(path) > MAX_HEADER_BYTES:
            yield path.name, f"its header is {_too_large(MAX_HEADER_BYTES)}"


def _files(folder: Path, pattern: str) -> list[Path]:
    """Files only: a link of a hub's cache may lead to a blob that is gone."""
    return sorted(path for path in folder.glob(pattern) if path.is_file())


def nesting_of(data: bytes) -> int:
    """The deepest level of lists and objects in a JSON text, without parsing it."""
    depth = deepest = 0
    for token in _TOKEN.finditer(data):
        sign = data[token.start()]
        if sign in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in b"]}":
            depth -= 1
    return deepest


def _json_fault(path: Path) -> str:
    is_tokenizer = path.name in TOKENIZER_FILES
    limit = MAX_TOKENIZER_BYTES if is_tokenizer else MAX_JSON_BYTES
    if path.stat().st_size > limit:
        return _too_large(limit)
    if is_tokenizer:
        return ""
    data = path.read_bytes()
    if nesting_of(data) > MAX_DEPTH:
        return f"its lists and objects are nested in more than {MAX_DEPTH} levels"
    return _size_fault(data) if path.name == "config.json" else ""


def _size_fault(data: bytes) -> str:
    try:
        config = json.loads(data)
    except ValueError:
        return ""  # the parser reports it
    for name, most in MAX_SIZES.items() if isinstance(config, dict) else ():
        value = config.get(name)
        if isinstance(value, int | float) and value > most:
            return f"its {name} is above {most}"
    return ""


def _header_bytes(path: Path) -> int:
    """The length of a safetensors header, from its first eight bytes."""
    with path.open("rb") as file:
        first = file.read(8)
    return int(struct.unpack("<Q", first)[0]) if len(first) == 8 else 0


def _too_large(limit: int) -> str:
    size = f"{limit // 2**20} MiB" if limit >= 2**20 else f"{limit // 2**10} KiB"
    return f"larger than {size}"
