"""Folders of the hubs' caches: found by their repository, named by their model."""

import shutil
from pathlib import Path

import pytest

from chat.errors import ModelUnavailable
from engine.weights.card import read_card
from engine.weights.hardware import Machine
from engine.weights.resolve import local_model, refuse_unusable
from tests.tiny_model import SHARDS, write_tiny_model

COMMIT, OLDER = "7ae557604adf67be50417f59c2c2f167def9a775", "0" * 40
NOWHERE = Path("nowhere")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of Hugging Face's cache with two snapshots; files are links into blobs/."""
    repository = tmp_path / "hub/models--Qwen--Qwen2.5-0.5B-Instruct"
    write_tiny_model(repository / "blobs")
    for commit in (OLDER, COMMIT):
        (repository / "snapshots" / commit).mkdir(parents=True)
        for blob in (repository / "blobs").iterdir():
            (repository / "snapshots" / commit / blob.name).symlink_to(f"../../blobs/{blob.name}")
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text(COMMIT)
    return repository


def found(model: Path | str) -> Path | None:
    return local_model(str(model), NOWHERE, NOWHERE, Machine(16 * 10**9))


def test_a_snapshot_is_named_by_its_model_and_its_commit(repository: Path) -> None:
    snapshot = repository / "snapshots" / OLDER
    assert found(snapshot) == snapshot
    card = read_card(snapshot)
    assert (card.name, card.revision) == ("Qwen2.5-0.5B-Instruct", OLDER)
    assert card.hub_id == "Qwen/Qwen2.5-0.5B-Instruct"


def test_a_link_to_a_snapshot_and_a_relative_path_have_the_same_name(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = repository.parent / "mine"
    link.symlink_to(repository / "snapshots" / COMMIT)
    assert read_card(link).name == "Qwen2.5-0.5B-Instruct"
    monkeypatch.chdir(link)
    assert read_card(Path()).name == "Qwen2.5-0.5B-Instruct"


def test_the_repository_stands_for_its_newest_snapshot(repository: Path) -> None:
    assert found(f"{repository}/") == repository / "snapshots" / COMMIT


@pytest.mark.parametrize("reference", [None, "", "../../..", "f" * 40, "\xff"])
def test_a_repository_without_its_reference_still_has_a_snapshot(
    repository: Path, reference: str | None
) -> None:
    (repository / "refs/main").unlink()
    if reference is not None:
        (repository / "refs/main").write_text(reference, encoding="utf-8")
    shutil.rmtree(repository / "snapshots" / OLDER)
    assert found(repository) == repository / "snapshots" / COMMIT


def test_a_snapshot_whose_blob_is_gone_is_refused_with_the_file(repository: Path) -> None:
    (repository / "blobs" / SHARDS[0]).unlink()
    with pytest.raises(ModelUnavailable, match=f"{SHARDS[0]}: missing"):
        refuse_unusable(str(repository))


def test_a_repository_without_snapshots_is_refused(repository: Path) -> None:
    shutil.rmtree(repository / "snapshots")
    with pytest.raises(ModelUnavailable, match="holds no model"):
        refuse_unusable(str(repository))


def test_modelscopes_folder_is_named_with_full_stops(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "models/Qwen/Qwen2___5-0___5B-Instruct")
    card = read_card(folder)
    assert (card.name, card.hub_id) == ("Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-0.5B-Instruct")
    assert card.revision
