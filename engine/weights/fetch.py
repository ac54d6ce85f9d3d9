"""Fetches a model from the first source that has it; the starter model is the last resort."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chat.errors import ModelUnavailable
from chat.serving.models import LoadStage
from engine.weights.card import CARD_NAME, ModelCard, read_card
from engine.weights.download import Downloader
from engine.weights.hubs import Hub, Listing, NotOffered, Unreachable
from engine.weights.progress import DownloadProgress, Meter, Report
from engine.weights.resolve import ResolvedModel
from engine.weights.verify import find_problems

AUTO = "auto"
STARTER = "starter"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where models come from, in the order of attempts."""

    hubs: Sequence[Hub]
    make_starter: Callable[[Report], Path]


def fetch_model(
    model: ResolvedModel,
    sources: Sources,
    report: Report,
    *,
    source: str = AUTO,
    revision: str | None,
) -> Path:
    """The folder of a complete model. Raises ModelUnavailable with the sources tried."""
    if source != STARTER and _is_done(model, revision, report):
        return model.folder
    tried: list[str] = []
    for hub in sources.hubs:
        if source not in (AUTO, hub.name):
            continue
        report(
            DownloadProgress(LoadStage.DOWNLOAD, detail=f"asking {hub.title} for {model.hub_id}")
        )
        try:
            listing = hub.listing(model.hub_id, revision)
            card = _card(model, hub, listing)
            Downloader(hub, report).download(listing, model.folder, card)
        except (Unreachable, NotOffered) as error:
            tried.append(str(error))
        else:
            return model.folder
    if source in (AUTO, STARTER) and not model.is_named:
        return _starter(sources, report, tried)
    raise ModelUnavailable(_unavailable(model, source, tried))


def _starter(sources: Sources, report: Report, tried: Sequence[str]) -> Path:
    """The folder of the starter model; reports why it is used."""
    before = "; ".join(tried)
    if before:
        detail = f"{before}: taking the small starter model"
        report(DownloadProgress(LoadStage.DOWNLOAD, detail=detail))
    try:
        return sources.make_starter(report)
    except ModelUnavailable as error:
        context = f" Before that: {before}. Check the network." if before else ""
        raise ModelUnavailable(f"{error}{context}") from None


def _is_done(model: ResolvedModel, revision: str | None, report: Report) -> bool:
    """Whether the folder holds the complete model, verified by hash. Removes damaged files."""
    folder = model.folder
    if not (folder / CARD_NAME).is_file():
        return False
    card = read_card(folder)
    meter = Meter(report, LoadStage.VERIFY, sum(record.size for record in card.files.values()))
    problems = find_problems(folder, hashes=True, on_bytes=meter.advance)
    for problem in problems:
        (folder / problem.file).unlink(missing_ok=True)
    is_done = not problems and card.revision.startswith(revision or "")
    for leftover in folder.glob("*.part") if is_done else ():
        leftover.unlink()
    return is_done


def _card(model: ResolvedModel, hub: Hub, listing: Listing) -> ModelCard:
    return ModelCard(
        name=model.name,
        source=hub.name,
        revision=listing.revision,
        licence=model.licence or listing.licence,
        hub_id=model.hub_id,
    )


def _unavailable(model: ResolvedModel, source: str, tried: Sequence[str]) -> str:
    if source == STARTER:
        return (
            f"The package index has only the starter model, not {model.name}. "
            "Leave out --model, or name another --source."
        )
    return (
        f"{model.name} cannot be had: {'; '.join(tried)}. Check the network (HF_ENDPOINT names a "
        "mirror), give a folder with --model FOLDER, or leave out --model and --source for the "
        "small starter model."
    )
