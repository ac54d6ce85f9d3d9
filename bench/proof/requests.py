"""`python -m bench.proof requests`: made-up requests of every kind find no fault and fill no memory."""

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
MOST_GROWTH_MIB = 400.0
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
    growth_mib: float = 0.0
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        return not self.faults and self.growth_mib <= MOST_GROWTH_MIB


async def measure(count: int, seed: int) -> Outcome:
    """Send so many requests, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        async with proof_site(Path(folder)) as site:
            return await _measure(site, count, seed)


async def _measure(site: ProofSite, count: int, seed: int) -> Outcome:
    outcome, process, maker = Outcome(count, seed), psutil.Process(), Maker(site, seed)
    clients = {name: site.client(name) for name in (*site.tokens, None)}
    before, began = process.memory_info().rss, time.perf_counter()
    for _ in range(count):
        await _send(clients, maker.make(), outcome)
    outcome.seconds = time.perf_counter() - began
    outcome.growth_mib = (process.memory_info().rss - before) / MIB
    for client in clients.values():
        await client.aclose()
    return outcome


async def _send(
    clients: dict[str | None, httpx.AsyncClient], made: MadeRequest, outcome: Outcome
) -> None:
    began = time.perf_counter()
    what = f"{made.kind} {made.method} {made.path[:300]} {(made.body or b'')[:600]!r}"
    try:
        async with asyncio.timeout(ANSWER_S):
            status = await _status(clients[made.name], made)
    except TimeoutError:
        outcome.faults.append(f"no answer in {ANSWER_S:.0f} s: {what}")
        return
    took = time.perf_counter() - began
    if took > outcome.slowest_s:
        outcome.slowest_s, outcome.slowest = took, what
    outcome.statuses[f"{made.kind} {status}"] += 1
    if status >= 500 and status != 503:
        outcome.faults.append(f"{status}: {what}")


async def _status(client: httpx.AsyncClient, made: MadeRequest) -> int:
    """The status alone: a stream is left as soon as it has begun."""
    headers = JSON if made.body is not None else {"Accept": "text/html"}
    answer = await client.request(made.method, made.path, content=made.body, headers=headers)
    return answer.status_code
