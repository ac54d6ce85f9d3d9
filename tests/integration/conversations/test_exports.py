"""Downloads of conversations and presets, and their way back in, through the edge."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message as AsgiMessage

from api.edge.options import MIB, EdgeOptions
from api.server import build_api
from chat.accounts.models import LOCAL_USER
from chat.conversations.errors import BadImport
from chat.conversations.models import Archive, Conversation, Folder, PresetText
from chat.conversations.presets import Presets
from chat.models import Sampling
from formats.exporting import Format
from formats.words import ExportLanguage
from tests.archives import example, exported_file
from tests.fakes import ScriptedEngine
from tests.memory_store import MemoryStore

HOME = "http://localhost:7860"
KIND = {"Content-Type": "application/json"}
KINDS: list[type[BadImport]] = [BadImport, *BadImport.__subclasses__()]
NOT_IMPORTED = {kind.code for kind in KINDS}


class Shelf:
    """The export service, on a store without an engine."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store

    async def archive(self, user_id: str, conversation_id: str) -> Archive:
        return await self.store.archive(user_id, conversation_id)

    async def recent(
        self,
        user_id: str,
        *,
        limit: int = 50,
        offset: int = 0,
        folder: Folder = Folder.CHATS,
    ) -> Sequence[Conversation]:
        return await self.store.conversations(user_id, limit=limit, offset=offset, folder=folder)

    async def add_archives(
        self, user_id: str, archives: Sequence[Archive]
    ) -> Sequence[Conversation]:
        return await self.store.add_archives(user_id, archives)


def build(store: MemoryStore, edge: EdgeOptions | None = None) -> FastAPI:
    return build_api(
        engine=ScriptedEngine(),
        edge=edge or EdgeOptions(),
        archives=Shelf(store),
        presets=Presets(store),
    )


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(transport=transport, base_url=HOME, timeout=60)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def client(store: MemoryStore) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(build(store)) as client:
        yield client


async def add(store: MemoryStore, title: str = "A table", user_id: str = LOCAL_USER) -> str:
    (added,) = await store.add_archives(user_id, [example(title)])
    return added.id


def named(answer: httpx.Response) -> str:
    """The name under which a browser of today keeps the file."""
    return unquote(answer.headers["content-disposition"].partition("filename*=UTF-8''")[2])


# Out


@pytest.mark.parametrize(
    ("kind", "media_type", "ending"),
    [
        ("md", "text/markdown", ".md"),
        ("json", "application/json", ".json"),
        ("html", "text/html", ".html"),
        ("sharegpt", "application/json", ".sharegpt.json"),
    ],
)
async def test_an_exported_file_is_a_download(
    client: httpx.AsyncClient, store: MemoryStore, kind: str, media_type: str, ending: str
) -> None:
    conversation_id = await add(store)
    answer = await client.get(f"/api/conversations/{conversation_id}/export?format={kind}&lang=zh")
    archive = await store.archive(LOCAL_USER, conversation_id)
    assert answer.content == exported_file(archive, Format(kind), ExportLanguage.ZH)
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert named(answer) == f"A table{ending}"
    assert "sandbox" in answer.headers.get_list("content-security-policy")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "title",
    [
        "../../etc/passwd",
        'a"; filename="b.exe',
        "line\r\nX-Evil: 1",
        "天气 🌦️ 北京",
        "\u202efdp",
        "",
        "CON",
    ],
)
async def test_any_title_makes_a_valid_header(
    client: httpx.AsyncClient, store: MemoryStore, title: str
) -> None:
    conversation_id = await add(store, title)
    answer = await client.get(f"/api/conversations/{conversation_id}/export?format=md")
    assert answer.status_code == 200
    assert "x-evil" not in answer.headers
    assert answer.headers["content-disposition"].isascii()
    assert answer.headers["content-disposition"].count('"') == 2
    assert not set(named(answer)) & set('/\\"\r\n\u202e')
    assert named(answer).endswith(".md")


@pytest.mark.parametrize("kind", [*Format])
async def test_all_conversations_are_exported_in_one_file(
    client: httpx.AsyncClient, store: MemoryStore, kind: Format
) -> None:
    titles = ["One", "One", "a/b", "二"]
    for title in titles:
        await add(store, title)
    await add(store, "not mine", "somebody else")
    answer = await client.get(f"/api/export?format={kind}")
    assert answer.status_code == 200
    if kind in (Format.JSON, Format.SHAREGPT):
        whole = answer.json()
        items = whole["conversations"] if kind is Format.JSON else whole
        assert len(items) == len(titles)
        return
    with zipfile.ZipFile(io.BytesIO(answer.content)) as files:
        assert files.testzip() is None
        assert len(set(files.namelist())) == len(titles)
        assert all("/" not in name and name.endswith(f".{kind}") for name in files.namelist())
        assert "not mine" not in " ".join(files.namelist())
    assert named(answer).endswith(".zip")


async def test_archived_conversations_are_exported_and_deleted_ones_are_not(
    client: httpx.AsyncClient, store: MemoryStore
) -> None:
    for title in ("kept", "archived", "deleted"):
        await add(store, title)
    ids = {item.title: item.id for item in await store.conversations(LOCAL_USER)}
    await store.set_archived(LOCAL_USER, ids["archived"], True)
    await store.delete(LOCAL_USER, ids["deleted"])
    exported = (await client.get("/api/export?format=json")).json()["conversations"]
    assert {item["title"]: item["archived"] for item in exported} == {
        "kept": False,
        "archived": True,
    }


async def test_the_print_view_is_the_whole_conversation_as_a_page_and_no_download(
    client: httpx.AsyncClient, store: MemoryStore
) -> None:
    await add(store, "to print")
    (listed,) = await store.conversations(LOCAL_USER)
    answer = await client.get(f"/api/conversations/{listed.id}/print?lang=zh")
    assert answer.headers["content-type"].startswith("text/html")
    assert "content-disposition" not in answer.headers
    assert "to print" in answer.text
    assert (await client.get("/api/conversations/unknown/print")).status_code == 404


async def test_nothing_to_export_is_an_empty_file(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/export?format=json")).json()["conversations"] == []
    assert (await client.get("/api/export?format=sharegpt")).json() == []
    answer = await client.get("/api/export?format=html")
    assert zipfile.ZipFile(io.BytesIO(answer.content)).namelist() == []


async def test_conversations_are_exported_one_by_one(store: MemoryStore) -> None:
    """Exports stream: the first conversation must be sent before the last is read."""
    for number in range(3):
        await add(store, f"number {number}")
    first_was_sent = asyncio.Event()

    class Slow(Shelf):
        read = 0

        async def archive(self, user_id: str, conversation_id: str) -> Archive:
            self.read += 1
            if self.read == 3:
                await first_was_sent.wait()
            return await super().archive(user_id, conversation_id)

    app = build_api(
        engine=ScriptedEngine(),
        edge=EdgeOptions(),
        archives=Slow(store),
    )

    async def send(message: AsgiMessage) -> None:
        if message["type"] == "http.response.body" and message["body"]:
            first_was_sent.set()

    async def receive() -> AsgiMessage:
        await asyncio.Event().wait()
        raise AssertionError

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/export",
        "headers": [(b"host", b"localhost")],
        "query_string": b"format=json",
        "http_version": "1.1",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
    }
    async with asyncio.timeout(10):
        await app(scope, receive, send)


async def test_more_conversations_than_a_page_of_the_list_are_exported(
    client: httpx.AsyncClient, store: MemoryStore
) -> None:
    await store.add_archives(LOCAL_USER, [example(f"number {number}") for number in range(1_203)])
    answer = await client.get("/api/export?format=sharegpt")
    assert len({item["id"] for item in answer.json()}) == 1_203


async def test_a_conversation_deleted_during_an_export_is_skipped(
    store: MemoryStore,
) -> None:
    first, second = await add(store, "first"), await add(store, "second")

    class Moving(Shelf):
        async def archive(self, user_id: str, conversation_id: str) -> Archive:
            archive = await super().archive(user_id, conversation_id)
            (other,) = {first, second} - {conversation_id}
            await self.store.delete(user_id, other)
            return archive

    app = build_api(
        engine=ScriptedEngine(),
        edge=EdgeOptions(),
        archives=Moving(store),
    )
    async with client_of(app) as client:
        found = (await client.get("/api/export?format=json")).json()["conversations"]
    assert len(found) == 1


async def test_a_foreign_conversation_looks_like_an_unknown_one(
    client: httpx.AsyncClient, store: MemoryStore
) -> None:
    foreign = await add(store, user_id="somebody else")
    answers = [
        await client.get(f"/api/conversations/{conversation_id}/export?format=json")
        for conversation_id in (foreign, "nobody", "%00", "%ed%a0%80", "..%2f..")
    ]
    assert {answer.status_code for answer in answers[:2]} == {404}
    assert answers[0].json() == answers[1].json()
    assert all(400 <= answer.status_code < 500 for answer in answers)


@pytest.mark.parametrize("query", ["", "?format=exe", "?format=md&lang=xx", "?format=%ed%a0%80"])
async def test_an_unknown_kind_of_file_is_refused(
    client: httpx.AsyncClient, store: MemoryStore, query: str
) -> None:
    conversation_id = await add(store)
    for path in ("/api/export", f"/api/conversations/{conversation_id}/export"):
        assert (await client.get(path + query)).status_code == 422


# In


async def test_an_export_is_imported_with_its_branches(
    client: httpx.AsyncClient, store: MemoryStore
) -> None:
    conversation_id = await add(store)
    file = await client.get("/api/export?format=json")
    answer = await client.post("/api/import", content=file.content, headers=KIND)
    body = answer.json()
    assert answer.status_code == 200
    assert (body["imported"], body["titles"]) == (1, ["A table"])
    assert (body["left_out"], body["not_read"], body["not_read_count"]) == ({}, [], 0)
    assert body["first_id"] != conversation_id
    before = await store.archive(LOCAL_USER, conversation_id)
    after = await store.archive(LOCAL_USER, body["first_id"])

    def bare(archive: Archive) -> list[object]:
        places = {message.id: number for number, message in enumerate(archive.messages)}
        return [
            (
                places.get(message.parent_id or ""),
                replace(message, id="", conversation_id="", parent_id=None),
            )
            for message in archive.messages
        ]

    assert bare(before) == bare(after)
    assert before.conversation.options == after.conversation.options
    assert before.conversation.created_at == after.conversation.created_at


async def test_the_response_to_an_import_has_the_first_titles(client: httpx.AsyncClient) -> None:
    file = [{"messages": [{"role": "user", "content": f"Question {n}"}]} for n in range(7)]
    body = (await client.post("/api/import", json=file)).json()
    assert body["imported"] == 7
    assert body["titles"] == [f"Question {number}" for number in range(5)]


async def test_a_broken_file_is_refused_with_its_place_and_nothing_is_imported(
    client: httpx.AsyncClient, store: MemoryStore
) -> None:
    bad = {"messages": [{"role": "user", "content": 5}]}
    answer = await client.post("/api/import", json=[bad, bad])
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "bad_import"
    assert error["message"].startswith("[0].messages[0].content: ")
    assert await store.conversations(LOCAL_USER) == []


async def test_what_is_left_out_of_an_import_and_what_is_damaged_is_told(
    client: httpx.AsyncClient, store: MemoryStore
) -> None:
    tool = {"role": "tool", "content": "18 °C"}
    good = {"messages": [{"role": "user", "content": "x"}, tool]}
    bad = {"messages": [{"role": "user", "content": 5}]}
    told = (await client.post("/api/import", json=[bad, good, good])).json()
    assert (told["imported"], told["titles"]) == (2, ["x", "x"])
    assert told["left_out"] == {"tool": 2}
    assert told["not_read"] == ["[0].messages[0].content: should be a text"]
    assert told["not_read_count"] == 1
    assert len(await store.conversations(LOCAL_USER)) == 2


@pytest.mark.parametrize("kind", ["application/json", "application/zip"])
async def test_a_zip_of_an_export_is_imported(client: httpx.AsyncClient, kind: str) -> None:
    buffer = io.BytesIO()
    chats = [{"messages": [{"role": "user", "content": f"Number {n}"}]} for n in range(3)]
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("conversations.json", json.dumps(chats))
    headers = {"Content-Type": kind}
    answer = await client.post("/api/import", content=buffer.getvalue(), headers=headers)
    assert answer.json()["titles"] == ["Number 0", "Number 1", "Number 2"]


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 50_000, b'{"a": "\\ud800"}', b'["\\u0000"]'])
async def test_hostile_files_are_bad_requests(client: httpx.AsyncClient, body: bytes) -> None:
    for path in ("/api/import", "/api/presets/import"):
        answer = await client.post(path, content=body, headers=KIND)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] in NOT_IMPORTED


async def pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * MIB


@pytest.mark.parametrize("announced", [True, False])
async def test_a_file_of_100_megabytes_is_refused_with_a_text(
    client: httpx.AsyncClient, announced: bool
) -> None:
    read = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal read
        async for piece in pieces(100):
            read += len(piece)
            yield piece

    headers = KIND | ({"Content-Length": str(100 * MIB)} if announced else {})
    answer = await client.post("/api/import", content=counted(), headers=headers)
    assert answer.status_code == 413
    assert "64 MiB" in answer.json()["error"]["message"]
    assert read <= (MIB if announced else 66 * MIB)


async def test_a_file_larger_than_other_bodies_is_imported(client: httpx.AsyncClient) -> None:
    file = [{"messages": [{"role": "user", "content": "x" * 900_000}]} for _ in range(20)]
    answer = await client.post("/api/import", json=file)
    assert answer.json()["imported"] == 20


async def test_the_limit_of_other_bodies_stays(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/presets/import", content=pieces(9), headers=KIND)
    assert answer.status_code == 413
    assert "2 MiB" in answer.json()["error"]["message"]


# The edge


@pytest.mark.parametrize("path", ["/api/import", "/api/presets/import"])
async def test_a_page_of_another_origin_cannot_import(client: httpx.AsyncClient, path: str) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await client.post(path, content=b"[]", headers=KIND | headers)
        assert answer.status_code == 403
    answer = await client.post(path, content=b"[]", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "path", ["/api/export?format=json", "/api/conversations/x/export?format=md"]
)
async def test_another_host_or_origin_cannot_read(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"Host": "evil.example"})
    assert answer.status_code == 421
    answer = await client.get(path, headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def test_without_services_there_are_no_such_routes() -> None:
    app = build_api(engine=ScriptedEngine(), edge=EdgeOptions())
    async with client_of(app) as client:
        assert (await client.get("/api/export?format=json")).status_code == 404


# Presets


async def test_a_preset_is_exported_and_imported(
    client: httpx.AsyncClient, store: MemoryStore
) -> None:
    text = PresetText("数学 / maths", "Step by step.", Sampling(temperature=0.1), ("1 + 1?",))
    preset = await store.add_preset(LOCAL_USER, text)
    file = await client.get(f"/api/presets/{preset.ref.id}/export?version=1")
    assert named(file) == "数学 maths.preset.json"
    answer = await client.post("/api/presets/import", content=file.content, headers=KIND)
    body: dict[str, Any] = answer.json()
    assert body == {"id": body["id"], "version": 1, "name": "数学 / maths"}
    assert body["id"] != preset.ref.id
    assert (await store.preset(LOCAL_USER, body["id"])).text == text


async def test_a_broken_preset_is_refused_with_its_field(client: httpx.AsyncClient) -> None:
    file = {"format": "qwen-chat-preset", "version": 1, "name": "x", "sampling": {"top_p": 2}}
    answer = await client.post("/api/presets/import", content=json.dumps(file), headers=KIND)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("sampling.top_p: ")


async def test_another_users_preset_is_not_found(
    client: httpx.AsyncClient, store: MemoryStore
) -> None:
    preset = await store.add_preset("somebody else", PresetText("Mine"))
    for preset_id in (preset.ref.id, "nobody"):
        assert (await client.get(f"/api/presets/{preset_id}/export")).status_code == 404
