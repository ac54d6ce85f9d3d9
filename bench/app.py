"""Start-up times of the app's page and model, and the app's memory."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from bench.measurements import Measurement

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 600.0
MIB = 1024**2
LIBRARIES_MIB = 650.0
"""Memory budget of Python, torch, transformers and Gradio together."""


@contextlib.contextmanager
def running_app(
    folder: Path, port: int, root: Path = ROOT, more: Mapping[str, str] | None = None
) -> Iterator[psutil.Process]:
    """`python app.py` of a checkout with an empty data folder; stopped at the end.

    `more` are further settings, by the names of their environment variables.
    """
    with tempfile.TemporaryDirectory() as home:
        settings = {
            "QWEN_CHAT_MODEL": str(folder),
            "QWEN_CHAT_PORT": str(port),
            "QWEN_CHAT_DATA_DIR": f"{home}/data",
            "QWEN_CHAT_LOG_FILE": f"{home}/server.log",
            **(more or {}),
        }
        command = [sys.executable, "app.py"]
        with subprocess.Popen(command, cwd=root, env=os.environ | settings) as process:
            try:
                yield psutil.Process(process.pid)
            finally:
                process.terminate()


def seconds_until(url: str, started: float) -> float:
    """Seconds from `started` until `url` answers 200. Raises TimeoutError."""
    while time.perf_counter() - started < TIMEOUT_S:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return time.perf_counter() - started
        time.sleep(0.05)
    raise TimeoutError(url)


def measure(folder: Path, port: int, kv_mib: float) -> list[Measurement]:
    """The app's measurements; `kv_mib` is its KV cache budget beside the weights."""
    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors")) / MIB
    started = time.perf_counter()
    with running_app(folder, port) as process:
        page = seconds_until(f"http://127.0.0.1:{port}/", started)
        ready = seconds_until(f"http://127.0.0.1:{port}/readyz", started)
        resident = process.memory_info().rss / MIB
    allowed = weights + kv_mib + LIBRARIES_MIB
    return [
        Measurement("page answers after", page, "s", "most", 8.0),
        Measurement("model answers after", ready, "s"),
        Measurement("resident memory of the app when ready", resident, "MiB", "most", allowed),
    ]
