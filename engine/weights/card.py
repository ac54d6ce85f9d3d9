"""The model card: name, origin, licence and file hashes of a model folder.

Owns the file `model-card.json`. Knows nothing of downloads, and reads no weights.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.weights.hub_cache import cached_model

CARD_NAME = "model-card.json"


@dataclass(frozen=True, slots=True)
class CardFile:
    """Size in bytes and hash of one file, as downloaded."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Name, origin and licence of the model in a folder.

    `source` is "huggingface", "modelscope", "starter" or "folder"; `revision` a commit or a hash;
    `date` the day of the download (ISO 8601); `files` maps each file's path to its record.
    """

    name: str
    source: str = "folder"
    revision: str = ""
    licence: str = ""
    is_starter: bool = False
    hub_id: str = ""
    date: str = ""
    files: Mapping[str, CardFile] = field(default_factory=dict)


def read_card(folder: Path) -> ModelCard:
    """The card of `folder`. A missing or damaged card is replaced by one derived from the folder.

    Name, hub id and revision are then those of a hub's cache, if the folder lies in one. Otherwise
    its name is the folder's, and its revision the first 12 digits of config.json's sha256.
    """
    try:
        stored: dict[str, Any] = json.loads((folder / CARD_NAME).read_text(encoding="utf-8"))
        files = {name: CardFile(**record) for name, record in stored.pop("files").items()}
        return ModelCard(files=files, **stored)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _anonymous(folder)


def write_card(folder: Path, card: ModelCard) -> None:
    """Write the card atomically."""
    draft = folder / f"{CARD_NAME}.part"
    draft.write_text(
        json.dumps(asdict(card), ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    draft.replace(folder / CARD_NAME)


def _anonymous(folder: Path) -> ModelCard:
    config = folder / "config.json"
    revision = hashlib.sha256(config.read_bytes()).hexdigest()[:12] if config.is_file() else ""
    if found := cached_model(folder):
        name = found.hub_id.rpartition("/")[2]
        return ModelCard(name, revision=found.revision or revision, hub_id=found.hub_id)
    return ModelCard(name=folder.resolve().name, revision=revision)
