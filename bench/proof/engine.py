"""The engine is killed, hangs or fails while answers are written, again and again.

The app runs under `./start.sh start`. An engine that is lost takes the app with it, and the
supervisor starts a new one: what the page had stored is kept, and questions are answered again. A
step that fails costs the one request that makes it fail.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import psutil

from bench.page_load import newest_text
from bench.proof.apps import as_variables, client_at, free_port, wait_until_ready
from bench.proof.troubled_app import Trouble
from tests.page_client import PageClient

ROOT = Path(__file__).parents[2]
CHAT = "/v1/chat/completions"
STALL_S = 6
SAVED_S = 1.5
"""Text that is older is stored: twice the time between two saves, and some for a busy machine."""

AT_ONCE = 2
"""Rounds side by side: most of a round is waiting for an app that starts."""

ROUND_S = 300
"""A round that takes longer ends the measurement: something hangs."""

SCRIPT = """\
import sys
sys.path[0] = {root!r}
from bench.proof.troubled_app import run
sys.exit(run())
"""


@dataclass(frozen=True, slots=True)
class Loss:
    """One trouble. Times in seconds after it."""

    trouble: Trouble
    ready_s: float
    restarted: bool
    letters_due: int
    letters_kept: int
    others_whole: bool
    answers_again: bool

    @property
    def holds(self) -> bool:
        """A failing step ends one request; a lost engine ends the process, and no stored text."""
        fails = self.trouble is Trouble.FAILS
        as_meant = self.others_whole and not self.restarted if fails else self.restarted
        return as_meant and self.letters_kept >= self.letters_due and self.answers_again


@dataclass(slots=True)
class Reader:
    """A tab that reads an answer, and what it has seen of it by when."""

    tab: PageClient
    seen: list[tuple[float, str]]
    whole: bool = False

    async def read(self) -> None:
        """To the end of the answer, or of the connection."""
        with suppress(httpx.HTTPError):
            await self.tab.fire("send", "click")
            async for _ in self.tab.follow("send", "click"):
                self.seen.append((time.monotonic(), newest_text(self.tab)))
            self.whole = True

    def text_at(self, moment: float) -> str:
        return next((text for at, text in reversed(self.seen) if at <= moment), "")


async def measure(rounds: int) -> list[Loss]:
    """So many rounds of each trouble, each with an app of its own."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(trouble: Trouble) -> Loss:
        async with places, asyncio.timeout(ROUND_S):
            loss = await measure_one(trouble)
        print(f"{trouble}: {'held' if loss.holds else loss}", file=sys.stderr)
        return loss

    return await asyncio.gather(*(one(trouble) for trouble in Trouble for _ in range(rounds)))


def table(losses: list[Loss]) -> str:
    """The figures as Markdown."""
    lines = [
        "| engine | rounds | held | ready again after, most | new process | text kept, least "
        "| others whole | answers again |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for trouble in dict.fromkeys(loss.trouble for loss in losses):
        rounds = [loss for loss in losses if loss.trouble is trouble]
        kept = min(loss.letters_kept - loss.letters_due for loss in rounds)
        lines.append(
            f"| {trouble} | {len(rounds)} | {sum(loss.holds for loss in rounds)} "
            f"| {max(loss.ready_s for loss in rounds):.1f} s "
            f"| {sum(loss.restarted for loss in rounds)} | {kept:+d} letters "
            f"| {sum(loss.others_whole for loss in rounds)} "
            f"| {sum(loss.answers_again for loss in rounds)} |"
        )
    return "\n".join(lines)


async def measure_one(trouble: Trouble) -> Loss:
    """One round: two answers are being written when it happens."""
    with tempfile.TemporaryDirectory() as folder:
        async with _supervised(Path(folder)) as (supervisor, client):
            reader = Reader(PageClient(client), [])
            await reader.tab.open()
            reader.tab.put("message", "Tell me a story.")
            reading = asyncio.create_task(reader.read())
            other = asyncio.create_task(_ask(client, "And me.", max_tokens=150))
            await asyncio.sleep(2 * SAVED_S)
            before, moment = _app(supervisor), time.monotonic()
            await _ask(client, trouble.prompt)
            await wait_until_ready(client, partial(_app, supervisor))
            ready_s = time.monotonic() - moment
            others_whole = await other
            await reading
            text = await _stored(client)
            due = reader.text_at(time.monotonic() if reader.whole else moment - SAVED_S)
            return Loss(
                trouble,
                ready_s,
                restarted=_app(supervisor) != before,
                letters_due=len(due),
                letters_kept=len(text) if text.startswith(due) else 0,
                others_whole=others_whole and reader.whole,
                answers_again=await _ask(client, "Are you there?"),
            )


async def _ask(client: httpx.AsyncClient, words: str, max_tokens: int = 5) -> bool:
    """Whether a program's question is answered."""
    body = {
        "model": "default",
        "max_tokens": max_tokens,
        "messages": [{"role": "user", "content": words}],
    }
    try:
        return (await client.post(CHAT, json=body)).status_code == 200
    except httpx.HTTPError:
        return False


async def _stored(client: httpx.AsyncClient) -> str:
    """What is stored of the newest answer in the page."""
    answer = await client.get("/api/export", params={"format": "json"})
    [conversation] = answer.raise_for_status().json()["conversations"]
    return str(conversation["messages"][-1]["content"])


def _app(supervisor: psutil.Process) -> int | None:
    """Process id of the app, None between two."""
    return next((child.pid for child in supervisor.children() if "app.py" in _words(child)), None)


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has just ended
        return []


@asynccontextmanager
async def _supervised(folder: Path) -> AsyncIterator[tuple[psutil.Process, httpx.AsyncClient]]:
    """The app as `./start.sh start` runs it, in a folder of its own."""
    for entry in ROOT.iterdir():
        if entry.name not in {"app.py", "data", "server.log", ".env"}:
            (folder / entry.name).symlink_to(entry)
    (folder / "app.py").write_text(SCRIPT.format(root=str(ROOT)), encoding="utf-8")
    with free_port() as port:
        settings = {
            "PORT": port,
            "DATA_DIR": folder / "data",
            "LOG_FILE": folder / "server.log",
            "STALL_TIMEOUT_S": STALL_S,
            "SHUTDOWN_GRACE_S": 1,
        }
    environment = os.environ | as_variables(settings)
    await _command(folder, "start", environment)
    pid_file = folder / "data" / "qwen-chat.pid"
    supervisor = psutil.Process(int(pid_file.read_text(encoding="utf-8").split()[0]))
    try:
        async with client_at(port) as client:
            await wait_until_ready(client, partial(_app, supervisor))
            yield supervisor, client
    finally:
        await _command(folder, "stop", environment)


async def _command(folder: Path, name: str, environment: dict[str, str]) -> None:
    script = str(folder / "start.sh")
    process = await asyncio.create_subprocess_exec(
        script, name, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(output.decode(errors="replace"))
