"""Downloads a model from a hub into a folder: resumable, verified, completed by its card.

A file is written as `.part` and renamed after verification; the card is written last. So a killed
download never looks complete, and the next one resumes it.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from chat.errors import ModelUnavailable
from chat.serving.models import LoadStage
from engine.weights.card import CardFile, ModelCard, write_card
from engine.weights.hubs import Hub, Listing, NotOffered, RemoteFile, Unreachable
from engine.weights.progress import Meter, Report
from engine.weights.verify import find_problems, sha256_of

GB = 1_000_000_000
SPARE_BYTES = 200_000_000  # free space to leave: other programs need the disk, too

FreeSpace = Callable[[Path], int]


def free_space(folder: Path) -> int:
    """Free bytes of the disk of `folder`, which need not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def check_disk(folder: Path, needed: int, free: FreeSpace) -> None:
    """Raise ModelUnavailable when `needed` bytes do not fit."""
    available = free(folder)
    if needed + SPARE_BYTES > available:
        raise ModelUnavailable(
            f"The disk of {folder} is too full: {(needed + SPARE_BYTES) / GB:.1f} GB are needed, "
            f"{available / GB:.1f} GB are free. "
            "Make room, or choose another disk with --models-dir."
        )


@dataclass(frozen=True, slots=True)
class Downloader:
    """Downloads models from one hub. `retry_waits_s`: pauses between attempts without progress."""

    hub: Hub
    report: Report
    free: FreeSpace = free_space
    retry_waits_s: Sequence[float] = (1, 2, 4, 8)

    def download(self, listing: Listing, folder: Path, card: ModelCard) -> None:
        """Download the files of `listing` into `folder`; write `card` with their hashes.

        Raises ModelUnavailable if the disk is too full, the connection is lost or a file is
        damaged.
        """
        if not any(file.path.endswith(".safetensors") for file in listing.files):
            raise NotOffered(
                f"{self.hub.title} has {listing.hub_id}, but without weights as safetensors"
            )
        records = _verified_files(folder, listing, self.report)
        missing = [file for file in listing.files if file.path not in records]
        size = sum(file.size for file in missing)
        parts = sum(_size(_part(folder, file)) for file in missing)
        check_disk(folder, size - parts, self.free)

        folder.mkdir(parents=True, exist_ok=True)
        meter = Meter(self.report, LoadStage.DOWNLOAD, listing.size)
        meter.skip(listing.size - size)
        for file in missing:
            meter.detail = file.path
            records[file.path] = self._fetch(file, folder, meter)
        _finish(folder, card, records)

    def _fetch(self, file: RemoteFile, folder: Path, meter: Meter) -> CardFile:
        part = _part(folder, file)
        if _size(part) > file.size:
            part.unlink()
        meter.skip(_size(part))
        self._download_rest(part, file, meter)
        digest = sha256_of(part)
        if _size(part) != file.size or file.sha256 not in (None, digest):
            part.unlink()
            raise ModelUnavailable(
                f"{file.path} arrived damaged from {self.hub.title} (its sha256 or size is wrong) "
                "and was thrown away. Run the same command again, or try another --source."
            )
        part.replace(folder / file.path)
        return CardFile(file.size, digest)

    def _download_rest(self, part: Path, file: RemoteFile, meter: Meter) -> None:
        """Download the rest of `part`; an attempt with progress restarts the series of retries."""
        waits = iter(self.retry_waits_s)
        while True:
            before = _size(part)
            try:
                with part.open("ab") as into:
                    return self.hub.fetch(file, into, meter.advance)
            except Unreachable as error:
                if _size(part) > before:
                    waits = iter(self.retry_waits_s)
                wait_s = next(waits, None)
                if wait_s is None:
                    raise ModelUnavailable(_connection_lost(self.hub, file, error)) from error
            time.sleep(wait_s)


def _verified_files(folder: Path, listing: Listing, report: Report) -> dict[str, CardFile]:
    """Files that an earlier run has completed, by path; the others are downloaded again."""
    candidates = [file for file in listing.files if _size(folder / file.path) == file.size]
    meter = Meter(report, LoadStage.VERIFY, sum(file.size for file in candidates))
    intact = {}
    for file in candidates if folder.is_dir() else ():
        meter.detail = file.path
        if (folder / file.path).is_file():
            digest = sha256_of(folder / file.path, meter.advance)
            if file.sha256 in (None, digest):
                intact[file.path] = CardFile(file.size, digest)
    return intact


def _connection_lost(hub: Hub, file: RemoteFile, error: Unreachable) -> str:
    return (
        f"The connection to {hub.title} broke while {file.path} was coming ({error}). "
        "Run the same command again: it goes on where it stopped."
    )


def _finish(folder: Path, card: ModelCard, records: dict[str, CardFile]) -> None:
    for leftover in folder.glob("*.part"):
        leftover.unlink()
    if problems := find_problems(folder):
        raise ModelUnavailable(f"The model in {folder} is not complete: {problems[0]}.")
    write_card(folder, card_with(card, records))


def card_with(card: ModelCard, records: dict[str, CardFile]) -> ModelCard:
    """`card` with today's date and the file records."""
    today = datetime.now(UTC).date().isoformat()
    return replace(card, date=today, files=dict(sorted(records.items())))


def _part(folder: Path, file: RemoteFile) -> Path:
    """The partial file. Its name contains the hash or size, so that revisions are never mixed."""
    return folder / f"{file.path}.{(file.sha256 or str(file.size))[:8]}.part"


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
