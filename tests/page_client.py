"""One tab of the page without a browser: it uses Gradio's protocol as Gradio's script does.

A short event is one POST. A streamed one joins Gradio's queue, and its updates arrive as
server-sent events: the first one complete, later ones as differences.
"""

import json
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from gradio_client.utils import apply_diff

CONFIG = "window.gradio_config = "
"""The text before the page's components and events in its HTML."""


@dataclass
class PageClient:
    """A tab. `values` are those of its components, by Gradio's number.

    `streaming`: an answer is being written into it.
    """

    client: httpx.AsyncClient
    session_hash: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    values: dict[int, Any] = field(default_factory=dict)
    streaming: bool = False

    async def open(self, address: str = "") -> None:
        """Fetch the page and load the conversation of `address`, the fragment of the URL."""
        html = (await self.client.get("/")).raise_for_status().text
        self.config, _ = json.JSONDecoder().raw_decode(html, html.index(CONFIG) + len(CONFIG))
        components = self.config["components"]
        self.names = {item["id"]: _name_of(item) for item in components}
        self.numbers = {name: number for number, name in self.names.items()}
        self.values = {item["id"]: item["props"].get("value") for item in components}
        self.events = {
            (self.names.get(number, ""), name): event
            for event in reversed(self.config["dependencies"])
            for number, name in event["targets"]
        }
        self.put("bridge", address)
        await self.fire("", "load")

    def value(self, elem_id: str) -> Any:
        """The value of a component."""
        return self.values[self.numbers[elem_id]]

    def put(self, elem_id: str, value: object) -> None:
        """Set the value of a component."""
        self.values[self.numbers[elem_id]] = value

    async def fire(self, elem_id: str, name: str, **event_data: Any) -> None:
        """Send a short event, outside Gradio's queue; apply its response. "" is the page itself."""
        await self._run(self.events[elem_id, name], event_data or None)

    async def follow(self, elem_id: str, name: str) -> AsyncIterator[None]:
        """The streamed event after a short one; yields after each update."""
        [event] = self._after(self.events[elem_id, name])
        joined = await self.client.post("/gradio_api/queue/join", json=self._body(event))
        event_id = joined.raise_for_status().json()["event_id"]
        latest: list[Any] | None = None
        self.streaming = True
        async for message in self._messages():
            if message.get("event_id") != event_id:
                continue
            if message["msg"] == "process_generating":
                data = message["output"]["data"]
                if latest is not None:
                    data = [apply_diff(*pair) for pair in zip(latest, data, strict=True)]
                latest = data
                self._take(event, latest)
                yield
            elif message["msg"] == "process_completed":
                if not message["success"]:
                    raise RuntimeError(message["output"])
                break
        self.streaming = False
        for following in self._after(event):
            await self._run(following)

    def _after(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """The events that begin when this one has ended."""
        return [
            other for other in self.config["dependencies"] if other["trigger_after"] == event["id"]
        ]

    async def _run(self, event: dict[str, Any], event_data: object = None) -> None:
        body = self._body(event, event_data)
        answer = await self.client.post("/gradio_api/run/predict", json=body)
        self._take(event, answer.raise_for_status().json()["data"])

    async def _messages(self) -> AsyncIterator[dict[str, Any]]:
        where = {"session_hash": self.session_hash}
        async with self.client.stream("GET", "/gradio_api/queue/data", params=where) as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    def _body(self, event: dict[str, Any], event_data: object = None) -> dict[str, Any]:
        return {
            "fn_index": event["id"],
            "data": [self.values[number] for number in event["inputs"]],
            "event_data": event_data,
            "session_hash": self.session_hash,
        }

    def _take(self, event: dict[str, Any], data: Sequence[Any]) -> None:
        for number, value in zip(event["outputs"], data, strict=True):
            if isinstance(value, dict) and value.get("__type__") == "update":
                if "value" in value:
                    self.values[number] = value["value"]
            elif self.names[number] != "state":
                self.values[number] = value


def _name_of(component: dict[str, Any]) -> str:
    """Its `elem_id`, or its kind."""
    return str(component["props"].get("elem_id") or component["type"])
