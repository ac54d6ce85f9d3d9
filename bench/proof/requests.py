"""Made-up requests of every kind find no fault and fill no memory."""

import asyncio
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from bench.proof.inputs import MadeRequest, Maker
from bench.proof.site import ProofSite, proof_site

JSON = {"Content-Type": "application/json"}
ANSWER_S = 20.0
MIB = 1024**2
WARM = 2_000
"""Requests before the memory is measured: they import what is imported late and fill the caches."""

MOST_GROWTH_MIB = 50.0
"""Of the whole process: tabs, caches and the database's pages are all in it, and all bounded."""


@dataclass
class Outcome:
    """What came of all requests."""

    count: int
    seed: int
    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest: str = ""
    warm_growth_mib: float = 0.0
    growth_mib: float = 0.0
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        return not self.faults and self.growth_mib <= MOST_GROWTH_MIB


async def measure(count: int, seed: int) -> Outcome:
    """Send so many requests, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        async with proof_site(Path(folder)) as site:
            outcome, process = Outcome(count, seed), psutil.Process()
            cold = process.memory_info().rss
            await send_all(site, Outcome(min(WARM, count), seed + 1))
            warm, began = process.memory_info().rss, time.perf_counter()
            await send_all(site, outcome)
            outcome.seconds = time.perf_counter() - began
            outcome.warm_growth_mib = (warm - cold) / MIB
            outcome.growth_mib = (process.memory_info().rss - warm) / MIB
            return outcome


async def send_all(site: ProofSite, outcome: Outcome) -> None:
    """Send as many requests as the outcome is of, made from its seed, and note what comes."""
    maker = Maker(site, outcome.seed)
    clients = {name: site.client(name) for name in (*site.tokens, None)}
    for _ in range(outcome.count):
        await _send(clients, maker.make(), outcome)
    for client in clients.values():
        await client.aclose()


async def _send(
    clients: dict[str | None, httpx.AsyncClient], made: MadeRequest, outcome: Outcome
) -> None:
    began = time.perf_counter()
    what = f"{made.kind} {made.method} {made.path[:300]} {(made.body or b'')[:600]!r}"
    try:
        async with asyncio.timeout(ANSWER_S):
            answer = await _answer(clients[made.name], made)
    except TimeoutError:
        outcome.faults.append(f"no answer in {ANSWER_S:.0f} s: {what}")
        return
    took = time.perf_counter() - began
    if took > outcome.slowest_s:
        outcome.slowest_s, outcome.slowest = took, what
    status = answer.status_code
    outcome.statuses[f"{made.kind} {status}"] += 1
    # A model of that name may have been there: that it is not is the one right answer of the kind.
    if status >= 500 and "engine_not_serving" not in answer.text:
        outcome.faults.append(f"{status}: {what}")


async def _answer(client: httpx.AsyncClient, made: MadeRequest) -> httpx.Response:
    headers = JSON if made.body is not None else {"Accept": "text/html"}
    return await client.request(made.method, made.path, content=made.body, headers=headers)


def table(outcome: Outcome) -> str:
    """The figures as Markdown."""
    rows = [
        ("requests", str(outcome.count)),
        ("seed", str(outcome.seed)),
        *((name, str(number)) for name, number in sorted(outcome.statuses.items())),
        ("faults", str(len(outcome.faults))),
        ("slowest answer", f"{outcome.slowest_s * 1000:.0f} ms"),
        (f"memory growth of {WARM} requests before", f"{outcome.warm_growth_mib:.0f} MiB"),
        ("memory growth", f"{outcome.growth_mib:.0f} MiB (at most {MOST_GROWTH_MIB:.0f})"),
        ("time", f"{outcome.seconds:.0f} s"),
    ]
    lines = ["| what | how many |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join([*lines, "", f"Slowest: {outcome.slowest}", *outcome.faults])
