"""How fairly prompts are read: the app of this checkout and of another one, asked in turns.

Both stand ready while one is asked. A short prompt alone; the same behind a long one, while
somebody else's answer is written; many short ones at once. Times are processor seconds of the
server, which computes all the while: other programs on the machine change them little.
"""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import psutil

from bench import app
from bench.measurements import Measurement, in_turns

CROWD = 16
TURNS = 2
SHORT_TOKENS = 20
WRITTEN = 6
"""Tokens of the other answer by which its usual step is measured."""

CHAT = "/v1/chat/completions"
PLACES = {"QWEN_CHAT_MAX_CONCURRENT": str(CROWD), "QWEN_CHAT_REQUEST_TIMEOUT_S": "3600"}


@dataclass(slots=True)
class Stream:
    """One answer as it arrives; times of its tokens by `clock`."""

    client: httpx.AsyncClient
    clock: Callable[[], float]
    prompt: str
    max_tokens: int = 512
    asked_at: float = 0.0
    at: list[float] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def first_s(self) -> float:
        return self.at[0] - self.asked_at

    async def tokens(self) -> AsyncGenerator[float, None]:
        """The times of the tokens, until the answer ends or the caller hangs up."""
        body = {
            "model": "default",
            "messages": [{"role": "user", "content": self.prompt}],
            "temperature": 0,
            "max_tokens": self.max_tokens,
            "min_tokens": self.max_tokens,
            "stream": True,
        }
        self.asked_at = self.clock()
        async with self.client.stream("POST", CHAT, json=body) as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                if line.startswith("data: {") and _has_text(json.loads(line[6:])):
                    self.at.append(self.clock())
                    self._news.set()
                    yield self.at[-1]

    async def has(self, tokens: int) -> None:
        """Wait until so many tokens have come. Raises TimeoutError."""
        async with asyncio.timeout(app.TIMEOUT_S):
            while len(self.at) < tokens:
                self._news.clear()
                await self._news.wait()

    async def until(self, tokens: int) -> "Stream":
        """Read so many tokens, then hang up."""
        async with aclosing(self.tokens()) as times:
            async for _ in times:
                if len(self.at) >= tokens:
                    break
        return self


@dataclass(frozen=True, slots=True)
class Fairness:
    """One turn, in seconds: first tokens of short and long prompts, an answer's steps, the crowd's
    last first token."""

    alone: float
    behind: float
    long: float
    usual_step: float
    pause: float
    crowd: float


async def compare(
    folder: Path, other: Path, ports: tuple[int, int], long: int
) -> list[Measurement]:
    """Measure both checkouts on the model in `folder`; `long` tokens are a long prompt."""
    turns: dict[str, list[Fairness]] = {"this": [], "other": []}
    with ExitStack() as stack:
        servers: dict[str, tuple[str, psutil.Process]] = {}
        for name, root, port in zip(turns, (app.ROOT, other), ports, strict=True):
            process = stack.enter_context(app.running_app(folder, port, root, PLACES))
            servers[name] = f"http://127.0.0.1:{port}", process
        for address, _ in servers.values():
            app.seconds_until(f"{address}/readyz", time.perf_counter())
        for number in range(TURNS):
            for name, (address, process) in servers.items():
                clock = partial(_processor_s, process)
                async with httpx.AsyncClient(base_url=address, timeout=3600) as client:
                    turns[name].append(await measure(client, clock, f"{number}", long))
                print(f"{name}: {turns[name][-1]}", flush=True)
    return report(turns, long)


async def measure(
    client: httpx.AsyncClient, clock: Callable[[], float], turn: str, long: int
) -> Fairness:
    """One turn of all measurements on one server."""
    stream = partial(Stream, client, clock)
    alone = await stream(prompt_of(f"Alone {turn}", SHORT_TOKENS)).until(1)
    writer = stream(prompt_of(f"Writer {turn}", SHORT_TOKENS), max_tokens=2048)
    writing = asyncio.create_task(writer.until(2048))
    try:
        await writer.has(WRITTEN + 1)
        slow = stream(prompt_of(f"Long {turn}", long), max_tokens=1)
        reading = asyncio.create_task(slow.until(1))
        written = len(writer.at)
        await writer.has(written + 2)  # so the long prompt is being read
        behind = await stream(prompt_of(f"Behind {turn}", SHORT_TOKENS)).until(1)
        await reading
    finally:
        writing.cancel()
        await asyncio.wait({writing})
    steps = [after - before for before, after in zip(writer.at, writer.at[1:], strict=False)]
    return Fairness(
        alone=alone.first_s,
        behind=behind.first_s,
        long=slow.first_s,
        usual_step=statistics.median(steps[: WRITTEN - 1]),
        pause=max(steps[written - 1 :]),
        crowd=await crowd(stream, turn),
    )


async def crowd(stream: Callable[[str], Stream], turn: str) -> float:
    """Seconds until the last of many short prompts has its first token; the others go on."""
    prompts = [prompt_of(f"{number} in a crowd {turn}", SHORT_TOKENS) for number in range(CROWD)]
    streams = [stream(prompt) for prompt in prompts]
    reading = [asyncio.create_task(one.until(512)) for one in streams]
    try:
        await asyncio.gather(*(one.has(1) for one in streams))
    finally:
        for task in reading:
            task.cancel()
        await asyncio.wait(reading)
    return max(one.first_s for one in streams)


def report(turns: Mapping[str, list[Fairness]], long: int) -> list[Measurement]:
    """Medians of both, and their ratios."""

    def medians(figure: Callable[[Fairness], float]) -> dict[str, float]:
        return {name: statistics.median(map(figure, found)) for name, found in turns.items()}

    crowd_name = f"{CROWD} short prompts at once: the last first token"
    behind, alone = medians(lambda turn: turn.behind), medians(lambda turn: turn.alone)
    pause, step = medians(lambda turn: turn.pause), medians(lambda turn: turn.usual_step)
    while_read = f"while about {long} tokens are read"
    return [
        *in_turns("a short prompt alone: first token", alone),
        *in_turns(f"a short prompt {while_read}: first token", behind),
        Measurement("the same / alone, this", behind["this"] / alone["this"], "×", "most", 2.0),
        Measurement("the same / alone, other", behind["other"] / alone["other"], "×"),
        *in_turns(
            f"the prompt of about {long} tokens: first token", medians(lambda turn: turn.long)
        ),
        *in_turns("another answer's usual step", step),
        *in_turns(f"another answer's longest pause {while_read}", pause),
        *in_turns(crowd_name, medians(lambda turn: turn.crowd)),
    ]


def prompt_of(name: str, tokens: int) -> str:
    """A prompt of about so many tokens, which begins like no other's."""
    return f"{name}: {'wind ' * tokens}"


def _processor_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _has_text(chunk: Mapping[str, list[Mapping[str, Mapping[str, str]]]]) -> bool:
    return any(choice["delta"].get("content") for choice in chunk["choices"])
