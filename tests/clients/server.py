"""The app on real weights with accounts; one server for all test processes."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from chat.accounts.models import KeyScope
from chat.accounts.service import Accounts
from store import open_store
from tests.memory_users import OpenHasher

ROOT = Path(__file__).parents[2]
START_S = 300
MAX_TOKENS = 40
"""Limit of answers, also for examples that set none."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running app: its address and log, and keys of its administrator.

    `key` has the scope api, `metrics_key` metrics only, `slow_key` allows one request per minute.
    """

    address: str
    log: str
    key: str
    metrics_key: str
    slow_key: str

    @property
    def base_url(self) -> str:
        return f"{self.address}/v1"

    @property
    def variables(self) -> Mapping[str, str]:
        """Environment variables for OpenAI's clients."""
        return {**os.environ, "OPENAI_BASE_URL": self.base_url, "OPENAI_API_KEY": self.key}

    def log_fields(self, answer_id: str, timeout_s: float = 30) -> Mapping[str, Any]:
        """The log record of an answer, after it has ended."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for line in Path(self.log).read_text(encoding="utf-8").splitlines():
                if answer_id in line:
                    fields: Mapping[str, Any] = json.loads(line)
                    return fields
            time.sleep(0.1)
        pytest.fail(f"the answer {answer_id} has not ended")


@contextmanager
def shared_server(common: Path, model: Path) -> Iterator[Server]:
    """One server for all test processes, which share the folder `common`.

    The first process starts it, and stops it when no other process uses it.
    """
    entry, user = common / "clients.json", common / f"clients-user-{os.getpid()}"
    lock = FileLock(common / "clients.lock")
    with ExitStack() as started:
        with lock:
            if not entry.exists():
                server = started.enter_context(running_server(common, model))
                entry.write_text(json.dumps(asdict(server)))
                started.callback(wait_until_unused, common, entry, lock)
            user.touch()
        try:
            yield Server(**json.loads(entry.read_text()))
        finally:
            user.unlink()


def wait_until_unused(common: Path, entry: Path, lock: FileLock) -> None:
    """Return when no test process uses the server, and prevent new uses."""
    while True:
        with lock:
            if not any(common.glob("clients-user-*")):
                entry.unlink()
                return
        time.sleep(0.2)


@contextmanager
def running_server(common: Path, model: Path) -> Iterator[Server]:
    """`python app.py` as a child process, when its model is ready. Stopped by SIGTERM."""
    home = common / f"clients-{time.monotonic_ns()}"
    home.mkdir()
    keys = asyncio.run(make_keys(home / "data"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = {
        "MODEL": model,
        "PORT": port,
        "DATA_DIR": home / "data",
        "LOG_FILE": home / "server.log",
        "LOG_FORMAT": "json",
        "MAX_NEW_TOKENS": MAX_TOKENS,
        "REQUESTS_PER_MINUTE": 0,
        "ADDRESS_REQUESTS_PER_MINUTE": 0,
        "USER_RUNNING": 8,
        "SHUTDOWN_GRACE_S": 0,
    }
    variables = {f"QWEN_CHAT_{name}": str(value) for name, value in settings.items()}
    with subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=os.environ | variables
    ) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_ready(process, f"{address}/readyz")
            yield Server(address, str(home / "server.log"), *keys)
        finally:
            process.terminate()
            process.wait(timeout=30)


async def make_keys(folder: Path) -> tuple[str, str, str]:
    """Create an administrator and the keys of `Server` in a new database."""
    store = open_store(folder)
    await store.open()
    try:
        accounts = Accounts(store.accounts, OpenHasher())
        session = await accounts.one_time_links.accept(
            await accounts.one_time_links.set_up() or "",
            name="ann",
            password="correct horse battery",
            address="",
            device="",
        )
        ann = await accounts.sessions.find(session)
        assert ann
        _, key = await accounts.keys.add(ann.user, name="all")
        _, metrics = await accounts.keys.add(ann.user, name="figures", scopes={KeyScope.METRICS})
        _, slow = await accounts.keys.add(ann.user, name="slow", requests_per_minute=1)
    finally:
        await store.close()
    return key, metrics, slow


def wait_until_ready(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the app ended"
        try:
            with urllib.request.urlopen(url, timeout=10):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.3)
    raise TimeoutError("the model was not ready in time")
