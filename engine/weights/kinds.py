"""Model folders of a kind that cannot be loaded, each with a sentence that says what would work.

Looks at names and at config.json. Whether the files are whole is for `engine.weights.verify`.
"""

import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.weights.bounds import MAX_JSON_BYTES

PACKAGES: Mapping[str, Sequence[str]] = {
    "awq": ("gptqmodel",),
    "gptq": ("gptqmodel", "optimum"),
    "compressed-tensors": ("compressed_tensors",),
}
"""The packages with which transformers loads packed weights, by their `quant_method`."""
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
LIST = "python download_model.py --list shows what can be fetched"


def fault_of_file(path: Path) -> str:
    """Why this file is no model; it lies where a folder is expected."""
    if path.suffix.lower() == ".gguf":
        return f"{path} is a GGUF file, and only folders of safetensors can be loaded: {LIST}."
    return f"{path} is a file. Name the folder that it lies in: --model {path.parent}"


def fault_of_kind(folder: Path) -> str:
    """Why nothing in this folder can be loaded, in one sentence; "" if nothing speaks against it.

    The folder has weights, or has none at all.
    """
    if not any(folder.glob("*.safetensors")) or not (folder / "config.json").is_file():
        return _fault_without_weights(folder)
    method = str(_json(folder / "config.json", "quantization_config").get("quant_method") or "")
    packages = PACKAGES.get(method, ())
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        return (
            f"The weights in {folder} are packed as {method.upper()} and need "
            f"{' and '.join(missing)}: pip install {' '.join(missing)}. Or take the unpacked model "
            "with --quantization nf4."
        )
    return ""


def _fault_without_weights(folder: Path) -> str:
    if (folder / "adapter_config.json").is_file():
        named = _json(folder / "adapter_config.json").get("base_model_name_or_path")
        base = str(named)[:200] if named else "its base model"
        return (
            f"{folder} holds a LoRA adapter and no model. Merge it into {base} with PEFT's "
            "merge_and_unload, and name the folder of the result."
        )
    if gguf := next(iter(sorted(folder.glob("*.gguf"))), None):
        only = f"only safetensors can be loaded: {LIST}."
        return f"{folder} holds GGUF weights ({gguf.name}), and {only}"
    pickles = [path.name for pattern in PICKLES for path in sorted(folder.glob(pattern))]
    if pickles:
        return (
            f"{folder} holds weights as pickles ({pickles[0]}), which can run any code when they "
            "are loaded. Take the same model as safetensors, or save it as such."
        )
    within = sorted(path.parent.name for path in folder.glob("*/config.json"))
    hint = f" There is one in {folder / within[0]}." if within else ""
    return f"{folder} holds no model: config.json and *.safetensors are expected there.{hint}"


def _json(path: Path, key: str = "") -> Mapping[str, Any]:
    """The object in a JSON file, or the one of this key; an empty one for anything else."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            return {}
        value = json.loads(path.read_bytes())
        value = value.get(key) if key else value
    except (OSError, ValueError, RecursionError, AttributeError):
        return {}
    return value if isinstance(value, dict) else {}
