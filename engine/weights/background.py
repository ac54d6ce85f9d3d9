"""The app's side of fetching a model: a local folder, else a download by a child process.

A child process, so that a crash while downloading or converting does not end the app, and so that
its memory is returned to the system. `download_model.py` reports progress as JSON lines.
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
from engine.weights.resolve import local_model

APP_DIR = Path(__file__).parents[2]
COMMAND = "download_model.py"
KILL_AFTER_S = 5.0
"""Time between SIGTERM and SIGKILL."""
LINE_LIMIT = 1024 * 1024
"""Bytes of a line of output; asyncio's default of 64 KiB raises for longer lines."""

log = logging.getLogger(__name__)


async def ensure_model(
    settings: Settings, report: Callable[[EngineState], None], *, app_dir: Path = APP_DIR
) -> Path:
    """The folder of a complete model for these settings.

    Uses neither network nor child process if the model is already there; else `report` gets the
    progress. Cancelling ends the download, which is resumed next time. Raises ModelUnavailable.
    """
    machine = await asyncio.to_thread(inspect_machine, settings.device)
    folder = await asyncio.to_thread(
        local_model, settings.model, settings.models_dir, app_dir, machine
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
        start_new_session=True,  # one process group: `_end` also ends pip, a child of the child
    )
    error_line = asyncio.create_task(_last_error_line(child))
    try:
        folder = await _read_progress(child, report)
        status = await child.wait()
        words = await error_line
    finally:
        await _end(child)
        error_line.cancel()
    if folder:
        return folder
    raise ModelUnavailable(
        f"{COMMAND} ended with status {status}: {words or 'it said nothing'}. "
        "Run it by hand to see more."
    )


async def _read_progress(child: Process, report: Callable[[EngineState], None]) -> Path | None:
    """Report the child's progress until it prints the folder. Raises the error that it prints."""
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
    """A line of the protocol; None for other output, such as a library's."""
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) and line.keys() & {"error", "folder", "stage"} else None


async def _last_error_line(child: Process) -> str:
    lines: deque[str] = deque(maxlen=1)
    assert child.stderr
    while chunk := await child.stderr.read(64 * 1024):
        words = chunk.decode(errors="replace").strip().splitlines()
        lines.extend(word for word in words if word.strip())
        log.debug("%s", "\n".join(words))
    return lines[-1] if lines else ""


async def _end(child: Process) -> None:
    """End the child and its children; also called when the caller is cancelled."""
    if child.returncode is not None:
        return
    _signal(child, signal.SIGTERM)
    try:
        await asyncio.wait_for(child.wait(), KILL_AFTER_S)
    except TimeoutError:
        _signal(child, signal.SIGKILL)
        await child.wait()


def _signal(child: Process, number: int) -> None:
    with suppress(ProcessLookupError):  # it has ended by itself meanwhile
        os.killpg(child.pid, number)
