import re
from pathlib import Path

import pytest

from chat.errors import ModelUnavailable
from engine.weights.catalogue import STARTER_FOLDER, find_entry
from engine.weights.hardware import GpuDevice, Machine
from engine.weights.recommend import GB
from engine.weights.resolve import local_model, refuse_unusable, resolve_model
from tests.tiny_model import SHARDS, write_tiny_model

LAPTOP = Machine(16 * GB)
SERVER = Machine(64 * GB, GpuDevice("NVIDIA L4", 24 * GB))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    return folder


def test_a_model_beside_the_app_comes_first(models: Path, app: Path) -> None:
    write_tiny_model(models / "Qwen2.5-0.5B-Instruct")
    write_tiny_model(app)
    assert local_model("auto", models, app, LAPTOP) == app


def test_a_damaged_model_beside_the_app_is_an_error_not_a_download(models: Path, app: Path) -> None:
    write_tiny_model(app)
    (app / SHARDS[1]).unlink()
    with pytest.raises(ModelUnavailable, match=SHARDS[1]):
        local_model("auto", models, app, LAPTOP)


def test_auto_uses_the_recommended_model(models: Path, app: Path) -> None:
    for name in ("Qwen2.5-0.5B-Instruct", "Qwen2.5-7B-Instruct", STARTER_FOLDER):
        write_tiny_model(models / name)
    assert local_model("auto", models, app, LAPTOP) == models / "Qwen2.5-0.5B-Instruct"
    assert local_model("auto", models, app, SERVER) == models / "Qwen2.5-7B-Instruct"


def test_auto_prefers_a_local_model_that_fits_to_a_download(models: Path, app: Path) -> None:
    for name in ("Qwen2.5-1.5B-Instruct", "Qwen2.5-3B-Instruct", "Qwen2.5-72B-Instruct"):
        write_tiny_model(models / name)
    assert local_model("auto", models, app, LAPTOP) == models / "Qwen2.5-3B-Instruct"


def test_auto_uses_an_existing_starter(models: Path, app: Path) -> None:
    write_tiny_model(models / STARTER_FOLDER)
    assert local_model("auto", models, app, SERVER) == models / STARTER_FOLDER


def test_the_starter_never_replaces_a_named_model(models: Path, app: Path) -> None:
    write_tiny_model(models / STARTER_FOLDER)
    assert local_model("Qwen2.5-0.5B-Instruct", models, app, LAPTOP) is None
    assert local_model("Qwen2.5-Coder-0.5B-Instruct", models, app, LAPTOP) is None


def test_an_incomplete_download_is_not_used(models: Path, app: Path) -> None:
    folder = write_tiny_model(models / "Qwen2.5-0.5B-Instruct")
    (folder / SHARDS[0]).rename(folder / f"{SHARDS[0]}.part")
    assert local_model("auto", models, app, LAPTOP) is None
    assert local_model("Qwen2.5-0.5B-Instruct", models, app, LAPTOP) is None


def test_a_named_folder_is_used_where_it_lies(models: Path, app: Path, tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "mine")
    assert local_model(str(folder), models, app, LAPTOP) == folder


@pytest.mark.parametrize(
    ("model", "folder"),
    [
        ("qwen2.5-7b-instruct", "Qwen2.5-7B-Instruct"),
        ("Qwen/Qwen2.5-7B-Instruct", "Qwen2.5-7B-Instruct"),
        ("someone/Fine-Tune", "someone--Fine-Tune"),
    ],
)
def test_a_name_or_hub_id_has_its_own_folder(models: Path, model: str, folder: str) -> None:
    assert resolve_model(model, models, LAPTOP).folder == models / folder


def test_an_unknown_model_is_refused_with_the_nearest_name(models: Path) -> None:
    with pytest.raises(ModelUnavailable, match=re.escape("Did you mean Qwen2.5-7B-Instruct?")):
        resolve_model("Qwen2.5-7B-Instuct", models, LAPTOP)


def test_a_tilde_stands_for_the_home_folder(
    models: Path, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = write_tiny_model(tmp_path / "mine")
    assert local_model("~/mine", models, app, LAPTOP) == folder
    refuse_unusable("~/mine/")


@pytest.mark.parametrize("model", ["~/nowhere", "~no-such-user/model"])
def test_a_missing_folder_below_a_home_folder_is_reported_as_a_folder(model: str) -> None:
    with pytest.raises(ModelUnavailable, match=f"There is no folder {model}"):
        refuse_unusable(model)


def test_a_missing_folder_is_reported_as_a_folder(models: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"There is no folder \./nowhere"):
        resolve_model("./nowhere", models, LAPTOP)


def test_a_packed_model_is_refused_with_the_package_it_needs(models: Path) -> None:
    entry = find_entry("Qwen2.5-7B-Instruct-GPTQ-Int4")
    assert entry is not None
    if not entry.missing_packages:
        pytest.skip("gptqmodel and optimum are installed here")
    with pytest.raises(ModelUnavailable, match=r"pip install .*optimum"):
        resolve_model(entry.name, models, LAPTOP)


def test_auto_is_not_a_named_model(models: Path) -> None:
    assert not resolve_model("auto", models, LAPTOP).is_named
    assert resolve_model("Qwen2.5-0.5B-Instruct", models, LAPTOP).is_named
