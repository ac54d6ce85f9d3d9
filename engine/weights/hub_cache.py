"""Folders of the hubs' own caches, whose names are not those of models.

Hugging Face: models--OWNER--NAME/snapshots/COMMIT, of links to files in blobs/; refs/main holds
the commit of the newest. ModelScope: models/OWNER/NAME, with "___" for each full stop.
"""

from dataclasses import dataclass
from pathlib import Path

PREFIX = "models--"
MAX_REF_BYTES = 100


@dataclass(frozen=True, slots=True)
class CachedModel:
    """What a cache's folder says of its model. `revision` is a commit, or "" if it says none."""

    hub_id: str
    revision: str


def cached_model(folder: Path) -> CachedModel | None:
    """The model of a cache's folder; None for a folder that lies in none."""
    for path in (folder.absolute(), folder.resolve()):
        repository = path.parent.parent
        if path.parent.name == "snapshots" and repository.name.startswith(PREFIX):
            hub_id = repository.name.removeprefix(PREFIX).replace("--", "/", 1)
            return CachedModel(hub_id, path.name)
        if "___" in path.name:
            return CachedModel(f"{path.parent.name}/{path.name.replace('___', '.')}", "")
    return None


def newest_snapshot(folder: Path) -> Path:
    """The newest snapshot where `folder` is a repository of Hugging Face's cache; else `folder`."""
    snapshots = folder / "snapshots"
    if not folder.resolve().name.startswith(PREFIX) or not snapshots.is_dir():
        return folder
    every = [path for path in snapshots.iterdir() if path.is_dir()]
    try:
        with (folder / "refs" / "main").open(encoding="ascii") as file:
            newest = file.read(MAX_REF_BYTES).strip()
    except (OSError, ValueError):
        newest = ""
    by_time = sorted(every, key=lambda path: (path.name == newest, path.stat().st_mtime))
    return by_time[-1] if by_time else folder
