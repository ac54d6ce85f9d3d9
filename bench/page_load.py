"""The load of many page users on the server: 50 and 200 that keep asking, and 200 idle tabs.

The users speak the page's protocol from this process; the server has one of its own, so that its
processor time is known. Times are those of the users, who share the processors with the server.
"""

import asyncio
import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Literal

import httpx
import psutil

from bench.measurements import Measurement, in_turns
from bench.page_server import PIECES
from tests.page_client import PageClient

ROOT = Path(__file__).parents[1]
WARM_S = 8.0
MEASURED_S = 30.0
THINKING_S = 1.0
"""The longest pause between an answer and the next question."""

TICK_S, WRITING_TICK_S, IDLE_TICK_S = 2.0, 6.0, 60.0
"""Polling intervals of an active tab, of one that an answer is written into, and of an idle one, as
in ui/scripts/tick.js."""

HEALTH_S = 0.1
FEW, EACH, TURNS = 6, 2, 3
BUSY, BUSY_TURNS = 50, 2
"""Users, answers of each, and turns of each checkout where two are compared: few, and many."""

PATIENCE_S = 120.0
ANSWER = "".join(PIECES)
TAG = re.compile("<[^>]+>")


@dataclass(slots=True)
class Answer:
    """What a user saw of one answer; seconds since it was asked."""

    asked_at: float
    first_s: float = 0.0
    whole_s: float = 0.0
    updates: int = 0
    complete: bool = False


@dataclass
class Site:
    """The server, and the session tokens of its users."""

    address: str
    tokens: Sequence[str]
    process: psutil.Process

    def processor_s(self) -> float:
        """Processor time of the server so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@dataclass
class Load:
    """What happened, and in which seconds it was measured: the others are for warming up."""

    began_at: float = 0.0
    ended_at: float = 0.0
    processor_s: float = 0.0
    answers: list[Answer] = field(default_factory=list)
    health_s: list[float] = field(default_factory=list)

    @property
    def measured(self) -> list[Answer]:
        """The answers that ended while it was measured."""
        return [
            answer
            for answer in self.answers
            if self.began_at <= answer.asked_at + answer.whole_s < self.ended_at
        ]


@asynccontextmanager
async def served(users: int, root: Path = ROOT) -> AsyncIterator[Site]:
    """A server of the code in `root`."""
    command = [sys.executable, "-P", str(ROOT / "bench" / "page_server.py"), str(users)]
    environment = os.environ | {"PYTHONPATH": str(root)}
    with subprocess.Popen(  # noqa: ASYNC220 - its output is read in a thread
        command, stdout=subprocess.PIPE, cwd=root, env=environment
    ) as server:
        try:
            assert server.stdout is not None
            ready = json.loads(await asyncio.to_thread(server.stdout.readline))
            address = f"http://127.0.0.1:{ready['port']}"
            yield Site(address, ready["tokens"], psutil.Process(server.pid))
        finally:
            server.terminate()


async def measure(root: Path = ROOT) -> list[Measurement]:
    """The figures of 50 users, of 200, and of 200 idle tabs."""
    few, many = await busy_users(50, root), await busy_users(200, root)
    idle = await idle_tabs(200, root)
    return [
        *figures_of("50 users", few, first_s=1.0, processor_s=0.2, health_s=0.1),
        *figures_of("200 users", many, first_s=1.0),
        Measurement("200 idle tabs, of one core", idle, "%", "most", 5.0),
    ]


async def compare(other: Path) -> list[Measurement]:
    """The same answers from this code and another checkout's, in turns: for a busy machine.

    The processor time of a fixed number of answers hangs least on what else runs.
    """
    spent: dict[str, list[float]] = {"this": [], "other": []}
    loads: dict[str, list[Load]] = {"this": [], "other": []}
    for turn in range(2 * TURNS):
        name, root = ("other", other) if turn % 2 else ("this", ROOT)
        spent[name].append(await fixed_answers(root))
    for turn in range(2 * BUSY_TURNS):
        name, root = ("other", other) if turn % 2 else ("this", ROOT)
        loads[name].append(await busy_users(BUSY, root))
    few = {name: statistics.median(times) for name, times in spent.items()}
    return [
        *in_turns(f"{FEW} users: processor time per answer", few),
        *in_turns(f"{BUSY} users: processor time per answer", _medians(loads, _processor_s)),
        *in_turns(f"{BUSY} users: first text, 99 %", _medians(loads, _slow_first_s)),
    ]


def _medians(loads: dict[str, list[Load]], figure: Callable[[Load], float]) -> dict[str, float]:
    return {name: statistics.median(map(figure, runs)) for name, runs in loads.items()}


def _processor_s(load: Load) -> float:
    return load.processor_s / len(load.measured)


def _slow_first_s(load: Load) -> float:
    return percentile([answer.first_s for answer in load.measured], 99)


async def fixed_answers(root: Path) -> float:
    """Processor seconds of the server for each of a few answers, ticks of the tabs included."""
    async with served(FEW, root) as site, AsyncExitStack() as stack:
        tabs = await open_tabs(site, stack)
        await ask(tabs[0], Answer(time.perf_counter()))
        ticks = [asyncio.create_task(ticking(tab)) for tab in tabs]
        spent = site.processor_s()
        for _ in range(EACH):
            await asyncio.gather(*(ask(tab, Answer(time.perf_counter())) for tab in tabs))
        spent = site.processor_s() - spent
        for task in ticks:
            task.cancel()
    return spent / (FEW * EACH)


def figures_of(
    name: str,
    load: Load,
    *,
    first_s: float,
    processor_s: float | None = None,
    health_s: float | None = None,
) -> list[Measurement]:
    """Measurements of the asking users, with the bounds for their first text and for the server."""
    # Where no answer ended in time there is no time to tell: it is longer than any bound.
    first = [answer.first_s for answer in load.measured] or [math.inf]
    whole = [answer.whole_s for answer in load.measured] or [math.inf]
    lost = sum(not answer.complete for answer in load.answers)
    rate = sum(answer.updates for answer in load.measured) / max(sum(whole), 1e-9)
    count = len(load.measured)
    spent = load.processor_s / count if count else math.inf
    bound: Literal["most"] | None = None if processor_s is None else "most"
    return [
        Measurement(f"{name}: answers in {MEASURED_S:.0f} s", count, "answers"),
        Measurement(f"{name}: answers lost", lost, "answers", "most", 0),
        Measurement(f"{name}: processor time per answer", spent, "s", bound, processor_s),
        Measurement(f"{name}: first text, 50 %", percentile(first, 50), "s"),
        Measurement(f"{name}: first text, 99 %", percentile(first, 99), "s", "most", first_s),
        Measurement(f"{name}: whole answer of 5 s, 50 %", percentile(whole, 50), "s"),
        Measurement(f"{name}: updates a second", rate, "updates/s"),
        Measurement(f"{name}: /healthz, 95 %", percentile(load.health_s, 95), "s", bound, health_s),
    ]


async def busy_users(users: int, root: Path) -> Load:
    """Users in a loop: ask, read the answer, ask again."""
    load = Load()
    async with served(users, root) as site, AsyncExitStack() as stack:
        tabs = await open_tabs(site, stack)
        ending = asyncio.Event()
        loops = [asyncio.create_task(ask_again_and_again(tab, ending, load)) for tab in tabs]
        others = [asyncio.create_task(ticking(tab)) for tab in tabs]
        await asyncio.sleep(WARM_S)
        others.append(asyncio.create_task(watch_health(site, load)))
        load.began_at, spent = time.perf_counter(), site.processor_s()
        await asyncio.sleep(MEASURED_S)
        load.ended_at = time.perf_counter()
        load.processor_s = site.processor_s() - spent
        ending.set()
        for task in others:
            task.cancel()
        await asyncio.gather(*loops)
    return load


async def idle_tabs(tabs: int, root: Path) -> float:
    """Per cent of a core that idle tabs cost."""
    async with served(tabs, root) as site, AsyncExitStack() as stack:
        opened = await open_tabs(site, stack)
        ticks = [asyncio.create_task(ticking(tab, IDLE_TICK_S)) for tab in opened]
        await asyncio.sleep(WARM_S)
        started, spent = time.perf_counter(), site.processor_s()
        await asyncio.sleep(MEASURED_S)
        share = (site.processor_s() - spent) / (time.perf_counter() - started)
        for task in ticks:
            task.cancel()
    return 100 * share


async def open_tabs(site: Site, stack: AsyncExitStack) -> list[PageClient]:
    """One tab for each user, with its conversation list and its timer."""
    tabs = []
    # Shorter than the server keeps a connection: it would be closed while a request is sent.
    limits = httpx.Limits(max_connections=None, keepalive_expiry=2)
    for token in site.tokens:
        client = httpx.AsyncClient(
            base_url=site.address,
            cookies={"qwen_chat_session": token},
            timeout=PATIENCE_S,
            limits=limits,
        )
        tabs.append(PageClient(await stack.enter_async_context(client)))
        await tabs[-1].open()
    return tabs


async def ask_again_and_again(tab: PageClient, ending: asyncio.Event, load: Load) -> None:
    """One user: ask, read to the end, think, and so on."""
    chance = random.Random(tab.session_hash)
    while not ending.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), chance.uniform(0, THINKING_S))
            return
        answer = Answer(time.perf_counter())
        load.answers.append(answer)
        await ask(tab, answer)


async def ask(tab: PageClient, answer: Answer) -> None:
    """Send a question and follow its answer."""
    tab.put("message", "Why is the sky blue?")
    await tab.fire("send", "click")
    async for _ in tab.follow("send", "click"):
        text = newest_text(tab)
        answer.updates += 1
        if text and not answer.first_s:
            answer.first_s = time.perf_counter() - answer.asked_at
    answer.whole_s = time.perf_counter() - answer.asked_at
    answer.complete = newest_text(tab) == ANSWER.strip()


def newest_text(tab: PageClient) -> str:
    """What stands there of the newest answer, without its HTML."""
    message = tab.value("newest")[-1]
    if message["role"] != "assistant":
        return ""
    pieces = [part.get("text", part.get("value")) for part in message["content"][:-1]]
    return unescape(TAG.sub("", "".join(pieces))).strip()


async def ticking(tab: PageClient, every_s: float = TICK_S) -> None:
    """What an open page does by itself."""
    await asyncio.sleep(random.Random(tab.session_hash).uniform(0, every_s))
    name = ("bridge", "tick") if ("bridge", "tick") in tab.events else ("timer", "tick")
    ticked_at = 0.0
    while True:
        await asyncio.sleep(0.5)
        pause_s = max(every_s, WRITING_TICK_S if tab.streaming else 0)
        if time.perf_counter() - ticked_at >= pause_s:
            ticked_at = time.perf_counter()
            await tab.fire(*name)


async def watch_health(site: Site, load: Load) -> None:
    """How long a probe waits, ten times a second."""
    async with httpx.AsyncClient(base_url=site.address, timeout=PATIENCE_S) as client:
        while True:
            started = time.perf_counter()
            (await client.get("/healthz")).raise_for_status()
            load.health_s.append(time.perf_counter() - started)
            await asyncio.sleep(HEALTH_S)


def percentile(values: Sequence[float], percent: int) -> float:
    """0 of no values at all."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0
