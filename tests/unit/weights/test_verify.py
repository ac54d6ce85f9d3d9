from pathlib import Path

import pytest

from chat.errors import ModelUnavailable
from engine.weights.card import CardFile, ModelCard, write_card
from engine.weights.resolve import checked_folder
from engine.weights.verify import Problem, find_problems, is_complete, sha256_of
from tests.tiny_model import SHARDS, write_tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A complete folder with its card."""
    folder = write_tiny_model(tmp_path / "tiny")
    files = {path.name: CardFile(path.stat().st_size, sha256_of(path)) for path in folder.iterdir()}
    write_card(folder, ModelCard(name="tiny", files=files))
    return folder


def test_a_complete_folder_has_no_problems(folder: Path) -> None:
    assert find_problems(folder, hashes=True) == []
    assert is_complete(folder)


def test_a_missing_shard_of_the_index_is_reported(folder: Path) -> None:
    (folder / SHARDS[1]).unlink()
    assert find_problems(folder) == [Problem(SHARDS[1], "missing")]


def test_a_shard_cut_short_is_damaged_even_without_a_card(folder: Path) -> None:
    (folder / "model-card.json").unlink()
    shard = folder / SHARDS[0]
    shard.write_bytes(shard.read_bytes()[:-1])
    assert [problem.file for problem in find_problems(folder)] == [SHARDS[0]]


def test_a_shard_without_its_tensors_is_damaged(folder: Path) -> None:
    (folder / SHARDS[0]).write_bytes((folder / SHARDS[1]).read_bytes())
    assert find_problems(folder) == [
        Problem(SHARDS[0], "damaged: 1 tensors of the index are not in it")
    ]


def test_a_changed_byte_is_detected_by_its_hash_only(folder: Path) -> None:
    shard = folder / SHARDS[0]
    data = bytearray(shard.read_bytes())
    data[-1] ^= 1
    shard.write_bytes(data)
    assert find_problems(folder) == []
    assert [problem.file for problem in find_problems(folder, hashes=True)] == [SHARDS[0]]


@pytest.mark.parametrize("text", ["", "[]", "{}"])
def test_a_damaged_index_is_a_problem(folder: Path, text: str) -> None:
    index = folder / "model.safetensors.index.json"
    index.write_text(text)
    assert Problem(index.name, "damaged") in find_problems(folder)


def test_hashing_reports_the_bytes_read(folder: Path) -> None:
    read: list[int] = []
    find_problems(folder, hashes=True, on_bytes=read.append)
    sizes = [path.stat().st_size for path in folder.iterdir() if path.name != "model-card.json"]
    assert sum(read) == sum(sizes)


def test_an_unusable_folder_is_refused_with_the_damaged_file_and_what_to_do(folder: Path) -> None:
    (folder / SHARDS[1]).unlink()
    with pytest.raises(ModelUnavailable, match=rf"{SHARDS[1]}: missing.*--verify"):
        checked_folder(folder)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="holds no model"):
        checked_folder(tmp_path)


def test_a_folder_with_a_partial_file_is_not_complete(folder: Path) -> None:
    (folder / f"{SHARDS[0]}.0123abcd.part").write_bytes(b"")
    assert not is_complete(folder)
