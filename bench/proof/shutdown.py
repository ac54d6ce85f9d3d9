"""The app is stopped by SIGTERM while tabs are open and answers are streamed, again and again.

Each time `/readyz` must say 503 before any request is refused, every stream must end with an event
of its own, and the process by the signal, as a supervisor expects.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.proof.apps import START_S, as_variables, client_at, free_port, wait_until_ready

ROOT = Path(__file__).parents[2]
CHAT = "/v1/chat/completions"
STREAMS = 4
TABS = 4
POLL_S = 0.05
NOTICE_S = 1
GRACE_S = 10


@dataclass(frozen=True, slots=True)
class Shutdown:
    """One stop. Times in seconds after SIGTERM; None: it was not seen."""

    not_ready_s: float | None
    refused_s: float | None
    ended_s: float
    streams_whole: int
    exit_code: int

    @property
    def holds(self) -> bool:
        in_order = self.not_ready_s is not None and (
            self.refused_s is None or self.not_ready_s <= self.refused_s
        )
        return in_order and self.streams_whole == STREAMS and self.exit_code == -signal.SIGTERM


async def measure(rounds: int, model: Path) -> list[Shutdown]:
    """Start the app on the weights in `model` and stop it, so many times."""
    return [await _round(model) for _ in range(rounds)]


def table(stops: list[Shutdown]) -> str:
    """The figures as Markdown."""
    lines = [
        "| round | not ready after | refused after | ended after | streams whole | exit code |",
        "|---|---|---|---|---|---|",
    ]
    for number, stop in enumerate(stops, 1):
        seen = [
            "never" if seconds is None else f"{seconds:.2f} s"
            for seconds in (stop.not_ready_s, stop.refused_s, stop.ended_s)
        ]
        whole = f"{stop.streams_whole}/{STREAMS}"
        lines.append(f"| {number} | {' | '.join(seen)} | {whole} | {stop.exit_code} |")
    return "\n".join(lines)


async def _round(model: Path) -> Shutdown:
    with tempfile.TemporaryDirectory() as folder:
        async with _app(Path(folder), model) as (process, client):
            streams = [asyncio.create_task(_stream(client)) for _ in range(STREAMS)]
            tabs = [asyncio.create_task(_tab(client, number)) for number in range(TABS)]
            await asyncio.sleep(1)
            process.send_signal(signal.SIGTERM)
            began = time.perf_counter()
            seen: dict[str, float] = {}
            looks = [
                asyncio.create_task(look(client, seen, began)) for look in (_readiness, _requests)
            ]
            code = await asyncio.wait_for(process.wait(), START_S)
            ended_s = time.perf_counter() - began
            whole = sum(await asyncio.gather(*streams))
            for task in (*tabs, *looks):
                task.cancel()
            await asyncio.wait((*tabs, *looks))
    return Shutdown(seen.get("not ready"), seen.get("refused"), ended_s, whole, code)


async def _readiness(client: httpx.AsyncClient, seen: dict[str, float], began: float) -> None:
    """Note when `/readyz` says for the first time that the app is not ready."""
    while "not ready" not in seen:
        with suppress(httpx.HTTPError):
            if (await client.get("/readyz")).status_code != 200:
                seen["not ready"] = time.perf_counter() - began
        await asyncio.sleep(POLL_S)


async def _requests(client: httpx.AsyncClient, seen: dict[str, float], began: float) -> None:
    """Note when a request is refused for the first time: the time at which it was sent."""
    body = {"model": "default", "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}
    while "refused" not in seen:
        sent_at = time.perf_counter() - began
        with suppress(httpx.HTTPError):
            if (await client.post(CHAT, json=body)).status_code != 200:
                seen["refused"] = sent_at
        await asyncio.sleep(POLL_S)


async def _stream(client: httpx.AsyncClient) -> bool:
    """Whether a streamed answer ended with an event of its own: its end, or the reason."""
    body = {
        "model": "default",
        "stream": True,
        "max_tokens": 2_000,
        "messages": [{"role": "user", "content": "Count from one to a thousand, in words."}],
    }
    text = ""
    with suppress(httpx.HTTPError):
        async with client.stream("POST", CHAT, json=body) as answer:
            async for piece in answer.aiter_text():
                text += piece
    return "[DONE]" in text or '"code":"shutting_down"' in text.replace(" ", "")


async def _tab(client: httpx.AsyncClient, number: int) -> None:
    """A tab that stays open, as Gradio's page keeps one."""
    with suppress(httpx.HTTPError):
        async with client.stream("GET", f"/gradio_api/heartbeat/tab{number}") as answer:
            async for _ in answer.aiter_bytes():
                pass


@asynccontextmanager
async def _app(
    home: Path, model: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    with free_port() as port:
        settings = {
            "MODEL": model,
            "PORT": port,
            "DATA_DIR": home / "data",
            "LOG_FILE": home / "server.log",
            "SHUTDOWN_NOTICE_S": NOTICE_S,
            "SHUTDOWN_GRACE_S": GRACE_S,
        }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "app.py", cwd=ROOT, env=os.environ | as_variables(settings), stderr=-3
    )
    try:
        async with client_at(port) as client:
            await wait_until_ready(client, lambda: process.returncode is None)
            yield process, client
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
