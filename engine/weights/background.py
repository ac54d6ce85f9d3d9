"""The app's side of getting a model: at hand at once, else fetched by a child process.

A child, so that a broken download or a crash while converting cannot take the page down, and so
that its memory is given back. Speaks JSON lines with `download_model.py`.
"""

import asyncio
import json
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from chat.errors import ModelUnavailable
from chat.serving.models import EngineState, LoadStage
from config import Settings
from engine.weights.hardware import inspect_machine
from engine.weights.progress import DownloadProgress
from engine.weights.resolve import model_at_hand

APP_DIR = Path(__file__).parents[2]
COMMAND = "download_model.py"
KILL_AFTER_S = 5.0
LINE_LIMIT = 1024 * 1024

log = logging.getLogger(__name__)


async def ensure_model(
    settings: Settings, report: Callable[[EngineState], None], *, app_dir: Path = APP_DIR
) -> Path:
    """The folder of a complete model for these settings.

    Without network and child when it is there already; else `report` hears the progress. Cancelled,
    it ends the download, which goes on next time. Raises ModelUnavailable.
    """
    machine = await asyncio.to_thread(inspect_machine, settings.device)
    folder = await asyncio.to_thread(
        model_at_hand, settings.model, settings.models_dir, app_dir, machine
    )
    return folder or await _run_child(settings, report)


async def _run_child(settings: Settings, report: Callable[[EngineState], None]) -> Path:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(APP_DIR / COMMAND),
        *("--progress", "json", "--model", settings.model, "--source", settings.source),
        *("--models-dir", str(settings.models_dir), "--device", settings.device),
        stdout=PIPE,
        stderr=PIPE,
        limit=LINE_LIMIT,
        start_new_session=True,  # so that pip, its child, ends with it
    )
    last_words = asyncio.create_task(_last_words(child))
    try:
        folder = await _outcome(child, report)
        status = await child.wait()
        words = await last_words
    finally:
        await _end(child)
        last_words.cancel()
    if folder:
        return folder
    raise ModelUnavailable(
        f"{COMMAND} ended with status {status}: {words or 'it said nothing'}. "
        "Run it by hand to see more."
    )


async def _outcome(child: Process, report: Callable[[EngineState], None]) -> Path | None:
    """Pass on the child's progress until it names the folder. Raises the error that it names."""
    folder: Path | None = None
    assert child.stdout
    async for raw in child.stdout:
        line = _fields(raw)
        if line is None:
            log.warning("%s printed %r", COMMAND, raw[:200])
            continue
        if "error" in line:
            raise ModelUnavailable(line["error"])
        if "folder" in line:
            folder = Path(line["folder"])
        else:
            report(DownloadProgress(**line | {"stage": LoadStage(line["stage"])}).to_state())
    return folder


def _fields(raw: bytes) -> dict[str, Any] | None:
    """A line of the protocol; None if it is something else, which a library may print."""
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) and line.keys() & {"error", "folder", "stage"} else None


async def _last_words(child: Process) -> str:
    lines: deque[str] = deque(maxlen=1)
    assert child.stderr
    while chunk := await child.stderr.read(64 * 1024):
        words = chunk.decode(errors="replace").strip().splitlines()
        lines.extend(word for word in words if word.strip())
        log.debug("%s", "\n".join(words))
    return lines[-1] if lines else ""


async def _end(child: Process) -> None:
    """Make sure that the child and its children are gone, also when we are being cancelled."""
    if child.returncode is not None:
        return
    _signal(child, signal.SIGTERM)
    try:
        await asyncio.wait_for(child.wait(), KILL_AFTER_S)
    except TimeoutError:
        _signal(child, signal.SIGKILL)
        await child.wait()


def _signal(child: Process, number: int) -> None:
    with suppress(ProcessLookupError):  # it ended, and nobody has asked for its status yet
        os.killpg(child.pid, number)
