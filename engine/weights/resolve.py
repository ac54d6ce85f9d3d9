"""Resolves `--model` on this machine: to a local folder, or to a model to be fetched.

Reads folders, not the network. Knows nothing of how a model is fetched.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chat.errors import ModelUnavailable
from config import expand_home
from engine.weights.catalogue import STARTER_FOLDER, CatalogueEntry, catalogue, find_entry
from engine.weights.hardware import Machine
from engine.weights.hub_cache import newest_snapshot
from engine.weights.kinds import fault_of_file, fault_of_kind
from engine.weights.recommend import choose, fitting_quantization
from engine.weights.verify import find_problems, has_weights, is_complete

AUTO = "auto"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model of a hub, its folder, which may not exist yet, and the reason of the choice.

    `is_named` is False for an automatic choice, which the starter model may replace.
    """

    name: str
    hub_id: str
    folder: Path
    licence: str = ""
    is_named: bool = True
    reason: str = ""


def local_model(model: str, models_dir: Path, app_dir: Path, machine: Machine) -> Path | None:
    """The local folder for `--model`, if there is one.

    Raises ModelUnavailable if a named folder, or one beside the app, is damaged.
    """
    if model == AUTO:
        if has_weights(app_dir):
            return checked_folder(app_dir)
        return _best_local_model(models_dir, machine)
    if named := named_folder(model):
        return checked_folder(named)
    folder = resolve_model(model, models_dir, machine).folder
    return folder if is_complete(folder) else None


def named_folder(model: str) -> Path | None:
    """The folder that `--model` names, if there is one; `~` stands for the home folder.

    A model's folder in a hub's cache stands for its newest snapshot. Raises ModelUnavailable for a
    file.
    """
    try:
        path = expand_home(Path(model))
    except ValueError:
        return None
    if path.is_file() and not find_entry(model):
        raise ModelUnavailable(fault_of_file(path))
    return newest_snapshot(path) if path.is_dir() else None


def refuse_unusable(model: str) -> None:
    """Raise ModelUnavailable for an unknown name or a damaged folder. Quick: imports no library."""
    if model == AUTO:
        return
    if named := named_folder(model):
        checked_folder(named)
    elif not find_entry(model) and not HUB_ID.fullmatch(model):
        raise ModelUnavailable(_unknown(model))


def resolve_model(model: str, models_dir: Path, machine: Machine) -> ResolvedModel:
    """The model to fetch. Raises ModelUnavailable for unknown names and missing packages."""
    if model == AUTO:
        choice = choose(machine)
        return _of_catalogue(choice.name, models_dir, is_named=False, reason=choice.reason)
    if entry := find_entry(model):
        refuse_without_packages(entry)
        return _of_catalogue(entry.name, models_dir)
    if HUB_ID.fullmatch(model):
        return ResolvedModel(model, model, models_dir / model.replace("/", "--"))
    raise ModelUnavailable(_unknown(model))


def checked_folder(folder: Path) -> Path:
    """Return `folder` if a model can be loaded from it. Raises ModelUnavailable."""
    if fault := fault_of_kind(folder):
        raise ModelUnavailable(fault)
    if problems := find_problems(folder):
        raise ModelUnavailable(
            f"The model in {folder} cannot be used. {_first_problems(problems)}. "
            f"Copy it there again; python download_model.py --verify {folder} checks all of it."
        )
    return folder


def refuse_without_packages(entry: CatalogueEntry) -> None:
    """Raise ModelUnavailable if packages that the entry needs are not installed."""
    if missing := entry.missing_packages:
        plain = entry.name.removesuffix(f"-{entry.packing}")
        raise ModelUnavailable(
            f"{entry.name} is packed as {entry.packing} and needs {' and '.join(missing)}: "
            f"pip install {' '.join(missing)}. Or take {plain} with --quantization nf4."
        )


def _best_local_model(models_dir: Path, machine: Machine) -> Path | None:
    """The recommended model, else the largest that fits, else the starter; complete folders only.

    Free memory varies between starts; a difference must not start a download.
    """
    usable = [entry for entry in catalogue() if not entry.missing_packages]
    fitting = [entry for entry in usable if fitting_quantization(entry, machine)]
    by_size = sorted(fitting, key=lambda entry: entry.disk_bytes, reverse=True)
    names = [choose(machine).name, *(entry.name for entry in by_size), STARTER_FOLDER]
    return next((models_dir / name for name in names if is_complete(models_dir / name)), None)


def _of_catalogue(
    name: str, models_dir: Path, *, is_named: bool = True, reason: str = ""
) -> ResolvedModel:
    entry = next(entry for entry in catalogue() if entry.name == name)
    return ResolvedModel(
        entry.name, entry.hub_id, models_dir / entry.name, entry.licence, is_named, reason
    )


def _unknown(model: str) -> str:
    if model.startswith((".", "/", "~")):
        return f"There is no folder {model}."
    names = {entry.name.casefold(): entry.name for entry in catalogue()}
    near = difflib.get_close_matches(model.casefold(), names, n=1, cutoff=0.5)
    hint = f" Did you mean {names[near[0]]}?" if near else ""
    return (
        f"There is no model {model!r}: neither in the catalogue nor as a folder.{hint} "
        "python download_model.py --list shows the catalogue."
    )


def _first_problems(problems: Sequence[object], most: int = 3) -> str:
    words = "; ".join(str(problem) for problem in problems[:most])
    return words + (f"; and {len(problems) - most} more" if len(problems) > most else "")
