"""Requests that public clients send, recorded, and what the API makes of them.

`tests/corpora/clients/README.md` describes the lines.
"""

import gzip
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from chat.models import Finish
from chat.tools import CallPiece
from tests.fakes import Script, ScriptedEngine
from tests.openai_answers import Answer, read_answers
from tests.programs import Programs

CORPUS = Path(__file__).parents[2] / "corpora" / "clients"
DEFAULT_TEXT = "Hello"
IGNORED = "X-Ignored-Parameters"


@dataclass(frozen=True)
class Recorded:
    """One line of the corpus."""

    id: str
    line: Mapping[str, Any]

    @property
    def body(self) -> dict[str, Any]:
        return dict(self.line.get("body") or {})

    @property
    def expect(self) -> Mapping[str, Any]:
        return self.line.get("expect") or {}

    @property
    def path(self) -> str:
        return str(self.line["path"]).partition("?")[0].rstrip("/")

    @property
    def answer(self) -> Answer:
        """What the engine writes."""
        writes = self.line.get("writes", DEFAULT_TEXT)
        if isinstance(writes, str):
            return Answer(writes)
        return Answer("", ((writes["name"], writes["arguments"]),))

    @property
    def script(self) -> Script:
        if not self.answer.calls:
            text = self.answer.text
            return Script([text[:3], text[3:]])
        ((name, arguments),) = self.answer.calls
        pieces = [CallPiece(0, "call_a", name), CallPiece(0, arguments=arguments)]
        return Script(pieces, finish=Finish.TOOL_CALLS)


def corpus() -> list[Recorded]:
    return [
        Recorded(f"{file.stem}:{number}", json.loads(line))
        for file in sorted(CORPUS.glob("*.jsonl"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
    ]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def programs() -> AsyncIterator[Programs]:
    programs = Programs(engine=ScriptedEngine(context_length=20_000))
    async with programs.client:
        yield programs


async def send(programs: Programs, recorded: Recorded) -> httpx.Response:
    headers = {"content-type": "application/json", **recorded.line.get("headers", {})}
    content = json.dumps(recorded.body).encode() if "body" in recorded.line else b""
    if headers.get("content-encoding") == "gzip":
        content = gzip.compress(content)
    method = recorded.line.get("method", "POST")
    return await programs.client.request(
        method, recorded.line["path"], content=content, headers=headers
    )


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("recorded", corpus(), ids=lambda recorded: recorded.id)
async def test_a_recorded_request_is_answered_as_its_client_needs(
    recorded: Recorded, programs: Programs
) -> None:
    engine = programs.engine
    engine.scripts = [recorded.script]
    for calls in (engine.prompts, engine.samplings, engine.extras):
        calls.clear()
    answer = await send(programs, recorded)
    assert answer.status_code == recorded.line["status"], answer.text
    if answer.status_code >= 400:
        assert {"message", "type", "param", "code"} == answer.json()["error"].keys()
    else:
        answers = read_answers(recorded.path, recorded.body, answer)
        if answers:
            check_answers(recorded, answers)
            check_input(recorded, engine)
    ignored = answer.headers.get(IGNORED, "")
    assert set(recorded.expect.get("ignored", ())) <= set(ignored.split(", "))


def check_answers(recorded: Recorded, answers: list[Answer]) -> None:
    """Each answer is what the engine wrote, behind its prompt if that is to be repeated."""
    assert len(answers) == recorded.expect.get("choices", 1)
    if recorded.body.get("echo"):
        assert all(answer.text for answer in answers)
    else:
        assert answers == [recorded.answer] * len(answers)


def check_input(recorded: Recorded, engine: ScriptedEngine) -> None:
    """What reached the engine, as far as the line says it."""
    extras, sampling = engine.extras[-1], engine.samplings[-1]
    found = {
        "roles": [message.role.value for message in engine.prompts[-1]] if engine.prompts else [],
        "tools": [tool.name for tool in extras.tools],
        "required": extras.rules.required,
        "shape": extras.shape is not None,
        "max_tokens": sampling.max_new_tokens,
        "min_tokens": sampling.min_new_tokens,
        "temperature": sampling.temperature,
        "stop": list(sampling.stop),
    }
    wanted = {key: value for key, value in recorded.expect.items() if key in found}
    assert {key: found[key] for key in wanted} == wanted


def test_every_line_names_its_client_and_what_it_shows() -> None:
    needed = {"client", "shows", "origin", "path", "status"}
    optional = {"method", "headers", "body", "writes", "expect"}
    for recorded in corpus():
        assert needed <= recorded.line.keys() <= needed | optional, recorded.id
        assert "authorization" not in {name.lower() for name in recorded.line.get("headers", {})}
