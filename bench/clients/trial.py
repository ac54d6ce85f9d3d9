"""Tries the clients against the app on a real model. Checks structure, never what is written."""

import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import app
from bench.clients.environments import CLIENTS, Client, command_of, prepare

SCRIPT_S = 900.0
"""Seconds that the script of one client may take."""

MAX_ERROR = 160
"""Characters of an error in the table."""

LIMITS: Mapping[str, str] = {
    "QWEN_CHAT_MAX_NEW_TOKENS": "64",
    "QWEN_CHAT_REQUESTS_PER_MINUTE": "0",
    "QWEN_CHAT_ADDRESS_REQUESTS_PER_MINUTE": "0",
}
"""Settings of the app: short answers, and no limit of requests."""

OFFLINE: Mapping[str, str] = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
}
"""Variables by which clients ask no other host."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What one client could do: the names of steps, and the error of each that failed."""

    client: Client
    works: Sequence[str]
    failed: Mapping[str, str]


def try_clients(model: Path, port: int, names: Sequence[str]) -> Iterator[Tried]:
    """Try the named clients, or all, against the app with that model."""
    chosen = chosen_clients(names)
    unready = {client.name: error for client in chosen if (error := _install_error(client))}
    with app.running_app(model, port, more=LIMITS):
        app.seconds_until(f"http://127.0.0.1:{port}/readyz", time.perf_counter())
        for client in chosen:
            if client.name in unready:
                yield Tried(client, (), {"installing": unready[client.name]})
            else:
                yield _try_client(client, model, port)


def chosen_clients(names: Sequence[str]) -> list[Client]:
    """The clients of these names, or all. Raises SystemExit if there is none of a name."""
    if unknown := set(names) - {client.name for client in CLIENTS}:
        known = ", ".join(client.name for client in CLIENTS)
        sys.exit(f"Unknown: {', '.join(sorted(unknown))}. There are: {known}.")
    return [client for client in CLIENTS if not names or client.name in names]


def as_table(tried: Iterable[Tried], earlier: str = "") -> str:
    """A row for each client, in Markdown; of a client that was not tried, the `earlier` row."""
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in earlier.splitlines()}
    rows |= {one.client.title: _row(one) for one in tried}
    head = ["| client | version | works | does not work | date |", "|---|---|---|---|---|"]
    known = [rows[client.title] for client in CLIENTS if client.title in rows]
    return "\n".join([*head, *known]) + "\n"


def _row(one: Tried) -> str:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    failed = "; ".join(f"{step}: {_in_cell(error)}" for step, error in one.failed.items())
    cells = [one.client.title, one.client.version, "; ".join(one.works), failed, today]
    return f"| {' | '.join(cells)} |"


def _install_error(client: Client) -> str | None:
    print(f"{client.title} {client.version}", file=sys.stderr)
    try:
        prepare(client)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return None


def _try_client(client: Client, model: Path, port: int) -> Tried:
    variables = {
        "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
        "OPENAI_API_KEY": "sk-any",
        "QWEN_CHAT_MODEL_FOLDER": str(model),
        "PYTHONPATH": str(app.ROOT),
    }
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.jsonl")
        report.touch()
        try:
            ran = subprocess.run(
                command_of(client, report),
                cwd=folder,
                env={**os.environ, **OFFLINE, **variables},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=SCRIPT_S,
                check=False,
            )
            problem = ran.stdout.strip().rpartition("\n")[2] if ran.returncode else None
        except subprocess.TimeoutExpired:
            problem = f"not done after {SCRIPT_S:.0f} s"
        return read_report(client, report.read_text(encoding="utf-8"), problem)


def read_report(client: Client, report: str, problem: str | None) -> Tried:
    """What the report of a script says; `problem` is why the script ended early, if it did."""
    steps = {line["step"]: line["error"] for line in map(json.loads, report.splitlines())}
    failed = {step: error for step, error in steps.items() if error}
    if problem:
        failed["the script itself"] = problem
    return Tried(client, [step for step, error in steps.items() if not error], failed)


def _in_cell(error: str) -> str:
    line = " ".join(error.replace("|", "/").split())
    return line if len(line) <= MAX_ERROR else f"{line[:MAX_ERROR]}…"
