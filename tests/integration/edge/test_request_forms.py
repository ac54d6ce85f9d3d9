"""Requests in the forms in which clients write them: compressed, with a BOM, HEAD, other paths."""

import gzip
import json
import zlib
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.edge.content_codings import SMALL_BODY
from api.edge.options import MIB, EdgeOptions
from tests.house import House, client_of
from tests.programs import CHAT, HI, RESPONSES, Programs, fault

# One event loop for the module: Gradio keeps the loop of its first request.
pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}
GZIP = JSON | {"Content-Encoding": "gzip"}
BODY = json.dumps(HI).encode()
PATHS = (
    "/",
    "/health",
    "/healthz",
    "/readyz",
    "/v1",
    "/v1/models",
    "/v1/models/default",
    "/docs",
    "/openapi.json",
    "/pages.css",
    "/metrics",
    "/manifest.json",
    "/config",
)
"""Routes of ours and of the page that have GET."""

BOM = b"\xef\xbb\xbf"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def programs() -> Programs:
    return Programs()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> httpx.AsyncClient:
    """A client of the whole site, whose page would answer every other path."""
    return client_of(House(sign_in_needed=False).site())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def locked() -> httpx.AsyncClient:
    """A client without a session or a key."""
    return client_of(House().app(completions=Programs().completions))


async def send(
    programs: Programs, body: bytes, headers: dict[str, str], path: str = CHAT
) -> httpx.Response:
    return await programs.client.post(path, content=body, headers=headers)


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (gzip.compress(BODY), "gzip"),
        (gzip.compress(BODY), "X-GZIP"),
        (gzip.compress(BODY), "identity, gzip"),
        (BODY, "identity"),
        (BOM + BODY, ""),
        (gzip.compress(BOM + BODY), "gzip"),
        (gzip.compress(json.dumps({**HI, "user": "x"}).encode()), "gzip"),
    ],
    ids=["gzip", "x-gzip", "identity, gzip", "identity", "BOM", "BOM in gzip", "more"],
)
async def test_a_compressed_body_and_a_byte_order_mark_are_read(
    programs: Programs, body: bytes, coding: str
) -> None:
    answer = await send(programs, body, JSON | {"Content-Encoding": coding})
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "Hello"


async def test_a_large_compressed_body_is_read() -> None:
    programs = Programs()
    noise = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(60_000))
    body = gzip.compress(json.dumps({"prompt": noise}, ensure_ascii=False).encode(), 1)
    assert len(body) > SMALL_BODY
    programs.engine.context_length = 10**6
    answer = await send(programs, body, GZIP, "/v1/tokenize")
    assert answer.json()["count"] == len(noise)


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "gzip, gzip", "aes128gcm"])
async def test_another_coding_is_refused_with_the_one_that_is_taken(
    programs: Programs, coding: str
) -> None:
    answer = await send(programs, BODY, JSON | {"Content-Encoding": coding})
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "gzip"
    assert "gzip" in fault(answer)["message"]


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        b"x",
        gzip.compress(BODY)[:-1],
        gzip.compress(BODY)[:-8],
        gzip.compress(BODY) + gzip.compress(b""),
        gzip.compress(BODY) + b"more",
        gzip.compress(BODY)[:-4] + (1).to_bytes(4, "little"),
        gzip.compress(BODY)[:-4] + (10_000).to_bytes(4, "little"),
        zlib.compress(BODY),
    ],
    ids=["plain", "short", "cut", "no end", "two", "more", "too small", "too large", "zlib"],
)
async def test_what_is_not_one_whole_gzip_file_is_refused(programs: Programs, body: bytes) -> None:
    answer = await send(programs, body, GZIP)
    # A false size may be above the bound, which is another refusal.
    assert (answer.status_code, fault(answer)["code"]) in (
        (400, "invalid_gzip"),
        (413, "request_entity_too_large"),
        (413, "content_too_large"),
    )


@pytest.mark.parametrize(
    ("path", "size", "bound"),
    [
        (CHAT, 60 * MIB, "2 MiB"),
        (RESPONSES, 2 * MIB + 1, "2 MiB"),
        ("/api/account/sign-in", 17_000, "16 KiB"),
        ("/api/presets/import", 3 * MIB, "2 MiB"),
    ],
)
async def test_the_bound_of_a_route_holds_for_the_inflated_body(
    programs: Programs, path: str, size: int, bound: str
) -> None:
    answer = await send(programs, gzip.compress(b" " * size), GZIP, path)
    assert answer.status_code == 413
    assert bound in fault(answer)["message"]


async def test_no_compressed_body_is_read_from_clients_without_a_key(
    locked: httpx.AsyncClient,
) -> None:
    answer = await locked.post(CHAT, content=gzip.compress(b" " * MIB), headers=GZIP)
    assert answer.status_code == 401


async def test_inflated_bodies_count_among_those_in_memory() -> None:
    house = House(sign_in_needed=False, edge=EdgeOptions(max_held_bytes=MIB))
    answer = await send(
        Programs(house=house), gzip.compress(b" " * (MIB + 1)), GZIP, "/v1/tokenize"
    )
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


async def test_the_structure_of_an_inflated_body_is_bounded(programs: Programs) -> None:
    answer = await send(programs, gzip.compress(b"[" * 65 + b"]" * 65), GZIP)
    assert answer.status_code == 400
    assert "64 levels" in fault(answer)["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1"),
        ("GET", "/v1/"),
        ("GET", "//v1/models"),
        ("GET", "/v1/models/"),
        ("GET", "/v1//models"),
        ("GET", "/v1/models/Scripted-1B-Instruct/"),
        ("POST", f"{CHAT}/"),
        ("POST", "/v1//chat/completions"),
        ("POST", "/v1/tokenize/"),
    ],
)
async def test_a_path_is_read_with_and_without_a_slash_at_its_end(
    site: httpx.AsyncClient, method: str, path: str
) -> None:
    body: dict[str, Any] = dict(HI) if "chat" in path else {"prompt": "x"}
    address = f"http://localhost:7860{path}"
    answer = await site.request(method, address, json=body if method == "POST" else None)
    assert answer.status_code == 200, answer.text


async def test_a_key_is_needed_on_every_form_of_a_path(locked: httpx.AsyncClient) -> None:
    for path in ("/v1", "/v1/", "//v1/models", "/v1/models/", "/v1//models"):
        answer = await locked.get(f"http://localhost:7860{path}")
        assert answer.status_code == 401
        assert fault(answer)["code"] == "invalid_api_key"


async def test_the_root_of_the_api_lists_its_routes(programs: Programs) -> None:
    body = (await programs.client.get("/v1")).json()
    document = (await programs.client.get("/openapi.json")).json()
    assert body["model"] == "Scripted-1B-Instruct"
    listed = {route.split()[1] for route in body["routes"]}
    assert listed - {"/v1/feedback"} == document["paths"].keys() - {"/v1", "/v1/models/{model}"}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", CHAT, "POST"),
        ("HEAD", CHAT, "POST"),
        ("PUT", RESPONSES, "POST"),
        ("GET", "/v1/embeddings", "POST"),
        ("DELETE", "/v1/models/x", "GET, HEAD"),
        ("POST", "/v1/models", "GET, HEAD"),
        ("PATCH", "/v1/", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("POST", "/health", "GET, HEAD"),
        ("DELETE", "/metrics", "GET, HEAD"),
        ("GET", "/api/presets/import", "POST"),
        ("OPTIONS", CHAT, "POST"),
    ],
)
async def test_another_method_is_405_with_those_that_there_are(
    site: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await site.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    if method != "HEAD":
        assert fault(answer)["code"] == "method_not_allowed"
        assert fault(answer).keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize("path", PATHS)
async def test_head_has_the_headers_of_get_and_no_body(site: httpx.AsyncClient, path: str) -> None:
    get, head = await site.get(path), await site.head(path)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == get.headers["content-type"]


@pytest.mark.parametrize("path", ["/gradio_api/queue/data", "/gradio_api/heartbeat/x"])
async def test_a_stream_that_does_not_end_has_no_head(site: httpx.AsyncClient, path: str) -> None:
    assert (await site.head(path)).status_code == 405


async def test_health_is_open_to_anybody(locked: httpx.AsyncClient) -> None:
    for path in ("/health", "/healthz"):
        answer = await locked.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_embeddings_are_refused_with_what_is_missing(programs: Programs) -> None:
    answer = await programs.client.post("/v1/embeddings", json={"model": "x", "input": "Hi"})
    assert answer.status_code == 404
    assert fault(answer)["code"] == "model_not_found"
    assert "no embedding model" in fault(answer)["message"]
