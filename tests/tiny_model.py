"""A formally complete model folder: two shards, an index, a configuration. No torch."""

import json
from pathlib import Path

import numpy
from safetensors.numpy import save_file

SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
ROWS = 512


def write_tiny_model(folder: Path) -> Path:
    """Fill `folder`; each shard has about 128 kB."""
    folder.mkdir(parents=True, exist_ok=True)
    random = numpy.random.default_rng(0)
    weight_map = {}
    for number, shard in enumerate(SHARDS):
        name = f"model.layers.{number}.weight"
        save_file({name: random.random((ROWS, 64), dtype=numpy.float32)}, folder / shard)
        weight_map[name] = shard
    index = {"metadata": {"total_size": 2 * ROWS * 64 * 4}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text('{"model_type": "qwen2"}')
    (folder / "tokenizer.json").write_text("{}")
    return folder
