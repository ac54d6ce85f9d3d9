"""Overhead and behaviour under load of the API: on a scripted engine and on a real model.

The scripted engine takes no time, so the API alone is measured. It runs in a process of its own,
the clients in this one. Needs tests/requirements.txt.
"""

import asyncio
import json
import math
import multiprocessing
import socket
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from api.edge.listeners import BACKLOG
from api.edge.options import EdgeOptions
from api.edge.uvicorn import server_config
from bench import app, engine
from bench.measurements import Measurement
from chat.models import ChatMessage, Role, Sampling
from chat.serving.admission import PROGRAMS_SHARE
from tests.fakes import Script, ScriptedEngine
from tests.programs import CHAT, HI, Programs

STREAMS = 100
TOKENS = 60
STEP_S = 0.05
"""Twenty tokens per second, about reading speed."""

CROWD = 200
PLACES = 8
CROWDED_S = 0.5
"""Duration of one answer in `crowd`."""

REPEATS = 200
ROUNDS = 3
ALLOWED = frozenset({200, 429, 503})


@dataclass(frozen=True, slots=True)
class Scenario:
    """The engine's script, and the limits of running and waiting requests."""

    script: Script
    places: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Reply:
    """One response; times in seconds since the request."""

    status: int
    first_s: float
    whole_s: float
    text: str
    complete: bool
    retry_after: str | None


async def measure() -> list[Measurement]:
    """The measurements with the scripted engine."""
    return [*await streams(), *await crowd(), *await overhead()]


async def streams() -> list[Measurement]:
    """Many concurrent streams at reading speed."""
    script = Script(["x"] * TOKENS, step_s=STEP_S)
    async with programs(Scenario(script, STREAMS, 0)) as client:
        await ask(client, stream=True)
        replies = await asyncio.gather(*(ask(client, stream=True) for _ in range(STREAMS)))
    complete = sum(reply.complete and reply.text == "x" * TOKENS for reply in replies)
    # The first token itself takes the script a step, which is not the API's.
    first = [reply.first_s - STEP_S for reply in replies]
    whole = max(reply.whole_s for reply in replies)
    name = f"{STREAMS} streams at once"
    return [
        Measurement(f"{name}: complete", complete, "streams", "least", STREAMS),
        Measurement(f"{name}: first token, 50 %", statistics.median(first), "s"),
        Measurement(f"{name}: first token, 99 %", percentile(first, 99), "s", "most", 0.5),
        Measurement(f"{name}: the last ends after / alone", whole / (TOKENS * STEP_S), "×"),
    ]


async def crowd() -> list[Measurement]:
    """Many more simultaneous requests than places."""
    script = Script(["x"] * 10, step_s=CROWDED_S / 10)
    async with programs(Scenario(script, PLACES, PLACES)) as client:
        await ask(client, stream=False)
        replies = await asyncio.gather(*(ask(client, stream=False) for _ in range(CROWD)))
    refused = [reply for reply in replies if reply.status != 200]
    silent = [reply for reply in refused if not reply.retry_after]
    other = [reply for reply in replies if reply.status not in ALLOWED]
    name = f"{CROWD} at once, {PLACES} + {PLACES} places"
    least = PLACES + math.ceil(PROGRAMS_SHARE * PLACES)
    whole = [reply.whole_s for reply in replies]
    return [
        Measurement(f"{name}: answered", CROWD - len(refused), "requests", "least", least),
        Measurement(f"{name}: neither answered nor 429 or 503", len(other), "requests", "most", 0),
        Measurement(f"{name}: refused without Retry-After", len(silent), "requests", "most", 0),
        Measurement(f"{name}: done, 99 %", percentile(whole, 99), "s", "most", 5.0),
    ]


async def overhead() -> list[Measurement]:
    """The API's overhead for a short answer, whole and streamed, over the engine alone."""
    script = Script(["x"] * 20)
    bare = ScriptedEngine([script])
    single_request_s = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        prompt = await bare.prepare([ChatMessage(Role.USER, "Hi")])
        async for _ in bare.generate(prompt, Sampling()):
            pass
        single_request_s.append(time.perf_counter() - started)
    measurements = []
    async with programs(Scenario(script, PLACES, PLACES)) as client:
        for stream, name in ((False, "whole"), (True, "as a stream")):
            replies = [await ask(client, stream=stream) for _ in range(REPEATS)]
            over = [reply.whole_s - statistics.median(single_request_s) for reply in replies]
            what = f"on top of the engine, 20 tokens {name}"
            half, most = statistics.median(over) * 1000, percentile(over, 99) * 1000
            measurements.append(Measurement(f"{what}, 50 %", half, "ms", "most", 20.0))
            measurements.append(Measurement(f"{what}, 99 %", most, "ms"))
    return measurements


async def measure_model(folder: Path, port: int) -> list[Measurement]:
    """Tokens per second streamed by the API, compared with the engine alone in the same run."""
    bare = await engine.load(folder)
    prompts = {
        (count, number): [
            await engine.prompt_of(bare, 50, f"{number}-{count}-{row}") for row in range(count)
        ]
        for count in (1, PLACES)
        for number in range(ROUNDS)
    }
    single_request_s = {
        count: max([await engine.rate_of(bare, count, f"{number}") for number in range(ROUNDS)])
        for count in (1, PLACES)
    }
    await bare.stop()
    del bare
    measurements = []
    with app.running_app(folder, port):
        address = f"http://127.0.0.1:{port}"
        app.seconds_until(f"{address}/readyz", time.perf_counter())
        async with httpx.AsyncClient(base_url=address, timeout=600) as client:
            for count in (1, PLACES):
                rates = [await rate(client, prompts[count, number]) for number in range(ROUNDS)]
                name = f"{count} at once, streamed by the API"
                measurements.append(Measurement(name, max(rates), "tokens/s"))
                measurements.append(
                    Measurement(f"{name} / engine alone", max(rates) / single_request_s[count], "×")
                )
    return measurements


async def rate(client: httpx.AsyncClient, prompts: Sequence[Sequence[ChatMessage]]) -> float:
    """Tokens per second of all these streams together."""
    started = time.perf_counter()
    tokens = await asyncio.gather(*(tokens_of(client, prompt) for prompt in prompts))
    return sum(tokens) / (time.perf_counter() - started)


async def tokens_of(client: httpx.AsyncClient, prompt: Sequence[ChatMessage]) -> int:
    body = {
        "model": "default",
        "messages": [{"role": turn.role.value, "content": turn.content} for turn in prompt],
        "temperature": 0,
        "repetition_penalty": 1,
        "max_tokens": engine.ANSWER_TOKENS,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    tokens = 0
    async with client.stream("POST", CHAT, json=body) as answer:
        async for chunk in chunks(answer):
            tokens = (chunk.get("usage") or {}).get("completion_tokens", tokens)
    return tokens


async def ask(client: httpx.AsyncClient, *, stream: bool) -> Reply:
    started = time.perf_counter()
    first, text, ended = 0.0, "", not stream
    async with client.stream("POST", CHAT, json={**HI, "stream": stream}) as answer:
        if stream and answer.status_code == 200:
            async for chunk in chunks(answer):
                delta = chunk["choices"][0]["delta"].get("content", "")
                if delta and not text:
                    first = time.perf_counter() - started
                text += delta
                ended = chunk["choices"][0].get("finish_reason") == "stop"
        else:
            await answer.aread()
    whole = time.perf_counter() - started
    after = answer.headers.get("retry-after")
    return Reply(answer.status_code, first, whole, text, ended, after)


async def chunks(answer: httpx.Response) -> AsyncIterator[Mapping[str, Any]]:
    """The events of a stream, without the final [DONE]."""
    async for line in answer.aiter_lines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))


@asynccontextmanager
async def programs(scenario: Scenario) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a scripted server, without a limit of connections."""
    # Idle connections expire soon, so that the server does not close one just before its reuse.
    limits = httpx.Limits(max_connections=None, keepalive_expiry=1)
    with scripted_server(scenario) as address:
        async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
            yield client


@contextmanager
def scripted_server(scenario: Scenario) -> Iterator[str]:
    """The API on a scripted engine in a process of its own; its address."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(scenario, there), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


def serve(scenario: Scenario, parent: Connection) -> None:
    """Send the port to `parent`, then serve until terminated."""
    scripted = ScriptedEngine([scenario.script], max_concurrent=scenario.places)
    served = Programs(engine=scripted, max_running=scenario.places, max_waiting=scenario.waiting)
    config = server_config(served.app, edge=EdgeOptions(), shutdown_s=1)
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        parent.send(listener.getsockname()[1])
        asyncio.run(uvicorn.Server(config).serve([listener]))


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
