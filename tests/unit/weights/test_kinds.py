"""Folders of a kind that cannot be loaded: one sentence that names it and what would work."""

import json
from pathlib import Path

import pytest

from chat.errors import ModelUnavailable
from engine.weights import kinds
from engine.weights.resolve import refuse_unusable
from tests.tiny_model import write_tiny_model


def refusal(model: Path | str) -> str:
    with pytest.raises(ModelUnavailable) as caught:
        refuse_unusable(str(model))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        ({}, ["holds no model", "config.json"]),
        ({"model-q4_k_m.gguf": ""}, ["GGUF", "model-q4_k_m.gguf", "--list"]),
        ({"config.json": "{}", "model.gguf": ""}, ["GGUF"]),
        ({"config.json": "{}", "pytorch_model.bin": ""}, ["pickles", "pytorch_model.bin"]),
        ({"config.json": "{}", "model.pth": ""}, ["pickles", "safetensors"]),
        (
            {
                "adapter_config.json": '{"base_model_name_or_path": "Qwen/Qwen2.5-7B-Instruct"}',
                "adapter_model.safetensors": "",
            },
            ["LoRA adapter", "Qwen/Qwen2.5-7B-Instruct", "merge_and_unload"],
        ),
        ({"adapter_config.json": "[", "adapter_model.bin": ""}, ["LoRA adapter"]),
        ({"inner/config.json": "{}"}, ["holds no model", "inner"]),
    ],
)
def test_a_folder_without_safetensors_is_refused_by_its_kind(
    files: dict[str, str], parts: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    for name, content in ({"README.md": ""} | files).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    sentence = refusal(folder)
    assert all(part in sentence for part in [str(folder), *parts])


@pytest.mark.parametrize("method", kinds.PACKAGES)
def test_packed_weights_are_refused_with_the_packages_that_they_need(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_tiny_model(tmp_path / "packed")
    config = {"model_type": "qwen2", "quantization_config": {"quant_method": method}}
    (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr("sys.path", [])  # no package can be found there
    sentence = refusal(folder)
    assert all(name in sentence for name in (*kinds.PACKAGES[method], "--quantization nf4"))
    assert method.upper() in sentence


@pytest.mark.parametrize("packing", [None, {}, {"quant_method": "bitsandbytes"}, [], "awq"])
def test_other_packings_are_left_to_the_library(packing: object, tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "plain")
    config = {"model_type": "qwen2", "quantization_config": packing}
    (folder / "config.json").write_text(json.dumps(config))
    refuse_unusable(str(folder))


@pytest.mark.parametrize(
    ("name", "parts"),
    [("model.gguf", ["GGUF file", "--list"]), ("config.json", ["is a file", "--model "])],
)
def test_a_file_is_refused_with_the_folder_to_name(
    name: str, parts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "owner"
    folder.mkdir()
    (folder / name).touch()
    monkeypatch.chdir(tmp_path)
    for model in (folder / name, f"owner/{name}"):  # the second looks like a hub id
        assert all(part in refusal(model) for part in [name, *parts])


@pytest.mark.parametrize("end", ["", "/", "//", "/."])
def test_a_folder_may_end_with_a_slash(end: str, tmp_path: Path) -> None:
    refuse_unusable(f"{write_tiny_model(tmp_path / 'mine')}{end}")
