"""Starting an engine from a folder: it serves, or fails with one sentence."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from chat.errors import ModelUnavailable, StartupError
from chat.serving.models import EngineState, LoadStage, Phase
from engine.local import EngineOptions, LocalEngine, Report
from engine.startup import OpenedModel, open_model
from engine.weights.card import ModelCard, write_card
from tests.tiny import save_tiny_model

OPTIONS = EngineOptions(device="cpu", context_length=600)
INDEX = "model.safetensors.index.json"
SHARD = "model-00001-of-00002.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_tiny_model(tmp_path / "tiny")


def engine_for(folder: Path, options: EngineOptions = OPTIONS) -> LocalEngine:
    async def fetch(report: Report) -> Path:
        report(EngineState(Phase.LOADING, LoadStage.DOWNLOAD, progress=0.5))
        await asyncio.sleep(0)
        return folder

    return LocalEngine(options, fetch)


async def refusal(engine: LocalEngine) -> StartupError:
    with pytest.raises(StartupError) as caught:
        await engine.start()
    assert engine.state.phase is Phase.DEAD
    assert engine.state.error_code == caught.value.code
    assert engine.state.detail == str(caught.value)
    assert "\n" not in str(caught.value)
    await engine.stop()
    return caught.value


async def test_the_loading_stages_are_reported_in_order(folder: Path) -> None:
    engine = engine_for(folder)
    starting = asyncio.create_task(engine.start())
    seen: list[EngineState] = []
    while not starting.done():
        if not seen or seen[-1] != engine.state:
            seen.append(engine.state)
        await asyncio.sleep(0)
    await starting
    stages = list(dict.fromkeys(state.stage for state in seen if state.stage))
    assert stages == [LoadStage.DOWNLOAD, LoadStage.LOAD, LoadStage.WARM_UP]
    assert engine.state == EngineState(Phase.READY)
    await engine.stop()


async def test_the_engine_info_matches_the_card_and_the_model(folder: Path) -> None:
    write_card(
        folder,
        ModelCard(name="Tiny", source="starter", revision="r7", licence="MIT", is_starter=True),
    )
    engine = engine_for(folder)
    await engine.start()
    info = engine.info
    assert info
    assert (info.model, info.revision, info.licence) == ("Tiny", "r7", "MIT")
    assert (info.dtype, info.quantization) == ("bfloat16", "none")
    assert info.device.startswith("CPU (")
    assert info.notes == ("starter-model",)
    assert info.context_length == 600
    defaults = info.defaults
    assert (defaults.temperature, defaults.top_p, defaults.top_k) == (0.7, 0.8, 20)
    assert (defaults.repetition_penalty, defaults.max_new_tokens) == (1.1, 150)
    await engine.stop()


async def test_a_missing_shard_is_named_in_one_sentence(folder: Path) -> None:
    shard = folder / SHARD
    shard.unlink()
    error = await refusal(engine_for(folder))
    assert isinstance(error, ModelUnavailable)
    assert shard.name in str(error)


async def test_a_damaged_shard_is_named_in_one_sentence(folder: Path) -> None:
    shard = folder / SHARD
    shard.write_bytes(shard.read_bytes()[:-20])
    error = await refusal(engine_for(folder))
    assert isinstance(error, ModelUnavailable)
    assert shard.name in str(error)


async def test_missing_tensors_are_an_error_and_not_initialised_randomly(folder: Path) -> None:
    content = json.loads((folder / INDEX).read_text())
    removed = next(name for name in content["weight_map"] if name.endswith("mlp.up_proj.weight"))
    shard = folder / content["weight_map"].pop(removed)
    save_file({name: t for name, t in load_file(shard).items() if name != removed}, shard)
    (folder / INDEX).write_text(json.dumps(content))
    assert isinstance(await refusal(engine_for(folder)), ModelUnavailable)


def leave(folder: Path, what: str) -> None:
    """Put weights beside the shards, or an index beside the whole file."""
    shards = sorted(folder.glob("*.safetensors"))
    tensors = {name: tensor for shard in shards for name, tensor in load_file(shard).items()}
    single = folder / "model.safetensors"
    if what == "a whole file cut short":
        single.write_bytes(shards[0].read_bytes()[:-1])
    elif what == "a file of one tensor":
        save_file(dict([next(iter(tensors.items()))]), single)
    else:
        save_file(tensors, single, {"format": "pt"})
        for shard in shards:
            shard.unlink()


@pytest.mark.parametrize("what", ["a whole file cut short", "a file of one tensor", "an index"])
async def test_what_is_left_of_another_version_is_not_loaded(folder: Path, what: str) -> None:
    leave(folder, what)
    engine = engine_for(folder)
    await engine.start()
    assert engine.state == EngineState(Phase.READY)
    await engine.stop()


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("left", ["generation_config.json", "config.json", "tokenizer", "template"])
def test_an_end_token_is_found_wherever_it_stands(folder: Path, left: str) -> None:
    def without(content: dict[str, Any]) -> None:
        for name in ("eos_token_id", "eos_token"):
            content.pop(name, None)

    end_id = json.loads((folder / "generation_config.json").read_text())["eos_token_id"]
    for name in ("generation_config.json", "config.json", "tokenizer_config.json"):
        if name.partition("_")[0] != left:
            rewrite(folder / name, without)
    if left == "config.json":
        rewrite(folder / left, lambda content: content.update(eos_token_id=[end_id]))
        (folder / "generation_config.json").unlink()
    if left == "generation_config.json":
        rewrite(folder / left, lambda content: content.update(eos_token_id=end_id))
    if left != "template":
        (folder / "chat_template.jinja").write_text("{{ messages[-1].content }}")
    assert end_id in open_model(folder, OPTIONS, lambda state: None).end_ids


@pytest.mark.parametrize("stated", ["<|im_end|>", [[1]], {}, -1, 10**9, True])
def test_an_end_token_that_is_none_is_passed_over_or_refused(folder: Path, stated: object) -> None:
    rewrite(folder / "generation_config.json", lambda content: content.update(eos_token_id=stated))
    with suppress(ModelUnavailable):
        assert open_model(folder, OPTIONS, lambda state: None).end_ids


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json", INDEX])
async def test_a_folder_that_lacks_a_file_is_refused_with_its_name(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert isinstance(await refusal(engine_for(folder)), ModelUnavailable)


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "mamba"},
        {"model_type": "qwen2", "num_attention_heads": 0},
        {"model_type": "qwen2", "hidden_size": "big"},
    ],
)
async def test_a_configuration_of_another_kind_of_model_is_refused(
    folder: Path, config: dict[str, object]
) -> None:
    (folder / "config.json").write_text(json.dumps(config))
    error = await refusal(engine_for(folder))
    assert isinstance(error, ModelUnavailable)
    assert "config.json" in str(error)


async def test_any_error_while_loading_leaves_a_dead_engine(folder: Path) -> None:
    async def fetch(report: Report) -> Path:
        return folder

    def opener(folder: Path, options: EngineOptions, report: Report) -> OpenedModel:
        raise KeyError("a defect")

    engine = LocalEngine(OPTIONS, fetch, opener)
    with pytest.raises(KeyError):
        await engine.start()
    assert engine.state.phase is Phase.DEAD
    assert engine.state.error_code == StartupError.code
    assert "a defect" in engine.state.detail
    await engine.stop()


async def test_on_the_cpu_the_libraries_see_no_gpu(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    engine = engine_for(folder)
    await engine.start()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    await engine.stop()


async def test_a_damaged_tokenizer_is_refused(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")
    assert isinstance(await refusal(engine_for(folder)), ModelUnavailable)


async def test_device_cuda_without_a_gpu_is_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    error = await refusal(engine_for(folder, EngineOptions(device="cuda")))
    assert "--device cpu" in str(error)


async def test_stopping_while_it_loads_leaves_no_thread_behind(folder: Path) -> None:
    engine = engine_for(folder)
    starting = asyncio.create_task(engine.start())
    await asyncio.sleep(0.01)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await engine.stop()
    assert engine.state.phase is Phase.DEAD


def test_importing_the_engine_imports_no_torch() -> None:
    code = "import sys, engine.local; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
