import json
from collections.abc import Mapping
from pathlib import Path

import numpy
import pytest
from safetensors.numpy import save_file

from chat.errors import ModelUnavailable
from engine.weights.card import CardFile, ModelCard, write_card
from engine.weights.resolve import checked_folder
from engine.weights.verify import (
    INDEX,
    SINGLE,
    Problem,
    find_problems,
    find_weights,
    is_complete,
    sha256_of,
)
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


TENSORS = ("model.layers.0.weight", "model.layers.1.weight")


def write_tensors(path: Path, *names: str) -> None:
    save_file({name: numpy.zeros(2, dtype=numpy.float32) for name in names}, path)


def write_index(folder: Path, weight_map: Mapping[str, object]) -> None:
    (folder / INDEX).write_text(json.dumps({"weight_map": weight_map}))


def test_a_stale_index_beside_a_whole_file_is_passed_over(folder: Path) -> None:
    write_tensors(folder / SINGLE, *TENSORS)
    (folder / "model-card.json").unlink()
    for shard in SHARDS:
        (folder / shard).unlink()
    assert find_problems(folder) == []
    assert find_weights(folder).files == (SINGLE,)


@pytest.mark.parametrize(
    ("tensors", "entry"),
    [
        (TENSORS, SINGLE),
        ((*TENSORS, "lm_head.weight"), SINGLE),
        (TENSORS[:1], INDEX),
        ((), INDEX),
    ],
)
def test_of_two_sets_of_weights_the_one_with_all_tensors_is_read(
    folder: Path, tensors: tuple[str, ...], entry: str
) -> None:
    write_tensors(folder / SINGLE, *tensors)
    assert find_problems(folder) == []
    weights = find_weights(folder)
    assert weights.entry == entry
    assert weights.files == ((SINGLE,) if entry == SINGLE else SHARDS)


def test_a_damaged_whole_file_beside_whole_shards_is_passed_over(folder: Path) -> None:
    (folder / SINGLE).write_bytes((folder / SHARDS[0]).read_bytes()[:-1])
    assert find_problems(folder) == []
    assert find_weights(folder).files == SHARDS


def test_two_sets_of_different_tensors_are_refused_with_what_to_do(folder: Path) -> None:
    write_tensors(folder / SINGLE, "another")
    (problem,) = find_problems(folder)
    assert problem.file == SINGLE
    assert INDEX in problem.what
    assert "remove one" in problem.what


@pytest.mark.parametrize("shard", [5, None, "../model.safetensors", "/etc/x", "", "a/b"])
def test_an_index_that_leads_elsewhere_is_damaged(folder: Path, shard: object) -> None:
    write_index(folder, {"x": shard})
    assert Problem(INDEX, "damaged") in find_problems(folder)


def test_shards_without_their_index_are_refused_with_its_name(folder: Path) -> None:
    (folder / INDEX).unlink()
    (folder / "model-card.json").unlink()
    assert find_problems(folder) == [Problem(INDEX, "missing")]
