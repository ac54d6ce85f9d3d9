"""The API over a scripted engine, and programs that call it."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.types import Message

from chat.feedback.ratings import Ratings
from chat.serving.admission import Admission
from chat.serving.completions import Completions, KeyQuota
from chat.serving.observer import GenerationSummary, Source
from chat.serving.response_cache import ResponseCache
from store import open_store
from tests.chat import make_generation
from tests.fakes import Script, ScriptedEngine
from tests.house import House, client_of
from tests.migrated import migrated

HI: Mapping[str, Any] = {"model": "default", "messages": [{"role": "user", "content": "Hi"}]}
CHAT = "/v1/chat/completions"
TEXT = "/v1/completions"
FEEDBACK = "/v1/feedback"
RESPONSES = "/v1/responses"


@dataclass
class Seen:
    """An observer that records its calls."""

    summaries: list[GenerationSummary] = field(default_factory=list)
    refusals: list[tuple[Source, str]] = field(default_factory=list)

    def ended(self, summary: GenerationSummary) -> None:
        self.summaries.append(summary)

    def refused(self, source: Source, code: str) -> None:
        self.refusals.append((source, code))


class Programs:
    """The app, its engine, the observed calls, and a client of the local user."""

    def __init__(
        self,
        *scripts: Script,
        engine: ScriptedEngine | None = None,
        cache_bytes: int = 0,
        key_limits: KeyQuota | None = None,
        house: House | None = None,
        max_running: int = 8,
        api_strict: bool = False,
        **more: Any,
    ) -> None:
        self.engine = engine or ScriptedEngine(list(scripts) or [Script()])
        self.seen = Seen()
        self.admission = Admission(max_running=max_running, max_waiting=more.pop("max_waiting", 8))
        self.completions = Completions(
            generation=make_generation(
                self.engine, admission=self.admission, observer=self.seen, **more
            ),
            key_limits=key_limits,
            cache=ResponseCache(cache_bytes),
        )
        self.house = house or House(sign_in_needed=False)
        self.app: FastAPI = self.house.app(completions=self.completions, api_strict=api_strict)
        self.client = client_of(self.app)

    @property
    def idle(self) -> bool:
        """Whether no request runs or waits."""
        return not (self.engine.running or self.admission.waiting or self.completions.principals())

    async def chat(self, **more: Any) -> httpx.Response:
        return await self.client.post(CHAT, json={**HI, **more})

    async def text(self, prompt: Any = "Once", **more: Any) -> httpx.Response:
        return await self.client.post(TEXT, json={"model": "default", "prompt": prompt, **more})


class RatingPrograms(Programs):
    """Programs whose answers can be rated."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.store = open_store(migrated(folder))
        self.ratings_store = self.store.feedback.ratings
        ratings = Ratings(
            conversations=self.store, store=self.ratings_store, programs=self.completions
        )
        self.app = self.house.app(completions=self.completions, ratings=ratings)
        self.client = client_of(self.app)

    async def answer_id(self, **more: Any) -> str:
        """The id of an answer."""
        return str((await self.chat(**more)).json()["id"])

    async def rate(self, answer_id: str, **feedback: Any) -> httpx.Response:
        return await self.client.post(FEEDBACK, json={"id": answer_id, **feedback})


def events(answer: httpx.Response) -> list[Any]:
    """The server-sent events of a response; the last one is `[DONE]`, except after an error."""
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    blocks = answer.text.split("\n\n")
    assert blocks.pop() == ""
    found = [block.removeprefix("data: ") for block in blocks if not block.startswith(":")]
    return [data if data == "[DONE]" else json.loads(data) for data in found]


def deltas(answer: httpx.Response) -> list[Any]:
    """The deltas of a streamed chat completion."""
    chunks = [event for event in events(answer) if event != "[DONE]"]
    return [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]


def fault(answer: httpx.Response) -> Any:
    return answer.json()["error"]


async def until(true: Callable[[], object]) -> None:
    """Wait until the condition is true; AssertionError after a time-out."""
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come about")


class ApiConnection:
    """A client on a connection of its own, which it can cut at any moment."""

    def __init__(self, app: FastAPI, path: str, body: Mapping[str, Any]) -> None:
        self.sent: list[Message] = []
        self._body: bytes | None = json.dumps(body).encode()
        self._disconnected = asyncio.Event()
        self._news = asyncio.Event()
        headers = [
            (b"host", b"localhost"),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(self._body)).encode()),
        ]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 7860),
        }
        self.answered = asyncio.create_task(app(scope, self._receive, self._send))

    @property
    def got(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    def hang_up(self) -> None:
        self._disconnected.set()

    async def until(self, piece: bytes) -> None:
        async with asyncio.timeout(5):
            while piece not in self.got:
                await self._news.wait()
                self._news.clear()

    async def _receive(self) -> Message:
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        await self._disconnected.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if not self._disconnected.is_set():  # a server sends nothing to a closed connection
            self.sent.append(message)
            self._news.set()
