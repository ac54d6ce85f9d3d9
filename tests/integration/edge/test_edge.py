"""The edge around our routes and a mounted Gradio page: hosts, origins, limits, errors."""

import asyncio
import json
from collections.abc import AsyncIterator

import gradio as gr
import httpx
import pytest
import pytest_asyncio
from fastapi import Body, FastAPI
from pydantic import BaseModel, Field
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import StreamingResponse
from starlette.types import Message

from api.edge.options import EdgeOptions
from api.server import build_api, cover_mounted
from chat.errors import NotFound
from chat.serving.errors import Busy, EngineStalled, PromptTooLong
from tests.fakes import ScriptedEngine

# One event loop for the module: Gradio keeps the loop of its first request.
pytestmark = pytest.mark.asyncio(loop_scope="module")

HOME = "http://localhost:7860"
EVIL = "https://evil.example"


class Question(BaseModel):
    temperature: float = Field(ge=0, le=2)


def echo(text: str) -> str:
    return text


def page() -> gr.Blocks:
    """A Gradio page with one event on the queue and one beside it."""
    blocks = gr.Blocks(analytics_enabled=False)
    with blocks:
        box = gr.Textbox(label="Message")
        button = gr.Button("Send")
        button.click(echo, box, box, api_name="send")
        button.click(echo, box, box, api_name="quick", queue=False)
    return blocks


def build(edge: EdgeOptions) -> FastAPI:
    app = build_api(
        engine=ScriptedEngine(),
        edge=edge,
        handlers=dict.fromkeys(range(2), "Composer.send"),
    )

    @app.post("/question")
    async def question(body: Question) -> float:
        return body.temperature

    @app.post("/size")
    async def size(body: bytes = Body()) -> int:
        return len(body)

    @app.get("/fail/{kind}")
    async def fail(kind: str) -> None:
        kinds = {"busy": Busy, "long": PromptTooLong, "gone": NotFound, "stalled": EngineStalled}
        raise kinds.get(kind, ZeroDivisionError)("because")

    mounted = gr.mount_gradio_app(
        app, page(), path="/", show_error=False, run_history=False, root_path=edge.root_path or None
    )
    assert isinstance(mounted, FastAPI)
    cover_mounted(mounted)
    return mounted


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=HOME, timeout=30)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app() -> FastAPI:
    return build(EdgeOptions())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


JOIN = "/gradio_api/queue/join"
CALL = {"data": ["hi"], "fn_index": 0, "session_hash": "abc"}


# Names


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:7860", "127.0.0.1:1", "127.8.9.1", "[::1]"]
)
@pytest.mark.parametrize("path", ["/healthz", "/config"])
async def test_loopback_names_are_answered(client: httpx.AsyncClient, host: str, path: str) -> None:
    assert (await client.get(path, headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "192.168.1.5", "[2001:db8::1]", "2130706433"]
)
@pytest.mark.parametrize("path", ["/healthz", "/config", "/", "/nothing"])
async def test_another_host_name_is_refused_with_the_setting_to_change(
    client: httpx.AsyncClient, host: str, path: str
) -> None:
    answer = await client.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert "--allowed-hosts" in answer.text


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost/x",
        "localhost?x",
        "localhost#x",
        "a@localhost",
        "[::1",
        "localhost:x",
        "localhost:70000",
    ],
)
async def test_a_malformed_host_is_a_bad_request(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/healthz", headers={"Host": host})).status_code == 400


BEHIND_PROXY = EdgeOptions(
    allowed_hosts=frozenset({"localhost", "chat.example"}), trusted_proxies=("127.0.0.1",)
)


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Gradio-Server"])
async def test_a_forwarded_host_name_must_be_allowed_too(header: str) -> None:
    async with client_of(build(BEHIND_PROXY)) as client:
        answer = await client.get("/config", headers={header: "http://evil.example"})
        assert answer.status_code == 400
        answer = await client.get("/config", headers={header: "localhost, evil.example"})
        assert answer.status_code in (400, 421)


@pytest.mark.parametrize(
    "header", ["X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Gradio-Server"]
)
async def test_forwarded_headers_of_untrusted_clients_are_removed(
    client: httpx.AsyncClient, header: str
) -> None:
    plain = await client.get("/config")
    answer = await client.get("/config", headers={header: "https"})
    assert (answer.status_code, answer.content) == (200, plain.content)


async def test_a_websocket_is_never_accepted(app: FastAPI) -> None:
    for path in ("/", "/healthz", "/gradio_api/queue/join"):
        sent: list[Message] = []

        async def send(message: Message, sent: list[Message] = sent) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        headers = [(b"host", b"localhost")]
        scope = {"type": "websocket", "path": path, "headers": headers, "query_string": b""}
        await app(scope, receive, send)
        assert sent == []


# Origins


@pytest.mark.parametrize("host", ["localhost:7860", "chat.lan", "192.168.1.5:7860"])
@pytest.mark.parametrize(
    "origin", [EVIL, "null", "http://localhost:1", "http://chat.lan.evil.example"]
)
async def test_no_other_origin_gets_cors_headers(host: str, origin: str) -> None:
    edge = EdgeOptions(allowed_hosts=frozenset({"localhost", "chat.lan"}), any_ip_literal=True)
    async with client_of(build(edge)) as client:
        headers = {"Host": host, "Origin": origin}
        preflight_headers = {**headers, "Access-Control-Request-Method": "POST"}
        for answer in (
            await client.get("/config", headers=headers),
            await client.get("/healthz", headers=headers),
            await client.options(JOIN, headers=preflight_headers),
        ):
            assert "access-control-allow-origin" not in answer.headers
            assert "access-control-allow-credentials" not in answer.headers


async def test_gradio_finds_the_apps_cors_middleware_and_adds_none(app: FastAPI) -> None:
    classes: list[object] = [middleware.cls for middleware in app.user_middleware]
    assert CORSMiddleware in classes


@pytest.mark.parametrize(
    ("setting", "portal"),
    [
        ("https://portal.example", "https://portal.example"),
        ("app://obsidian.md", "app://obsidian.md"),
        ("vscode-webview://*", "vscode-webview://1a2b3c"),
        ("safari-web-extension://0b1c", "safari-web-extension://0B1C"),
    ],
)
async def test_a_configured_origin_gets_cors_headers_without_credentials(
    setting: str, portal: str
) -> None:
    async with client_of(build(EdgeOptions(allowed_origins=(setting,)))) as client:
        headers = {"Origin": portal, "Sec-Fetch-Site": "cross-site"}
        answer = await client.post(JOIN, json=CALL, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == portal
        assert "access-control-allow-credentials" not in answer.headers
        preflight_headers = {"Origin": portal, "Access-Control-Request-Method": "POST"}
        preflight_headers["Access-Control-Request-Headers"] = (
            "authorization, content-type, x-stainless-os"
        )
        preflight = await client.options(JOIN, headers=preflight_headers)
        assert preflight.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": "http://localhost:8000"},
        {"Origin": "http://[::1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": HOME},
    ],
)
@pytest.mark.parametrize("path", [JOIN, "/question"])
async def test_a_post_from_another_origins_page_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str], path: str
) -> None:
    answer = await client.post(path, json=CALL, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "cross_origin"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": HOME},
        {"Origin": "https://localhost:7860"},
        {"Sec-Fetch-Site": "same-origin", "Origin": HOME},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_our_own_page_and_programs_can_send(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await client.post(JOIN, json=CALL, headers=headers)).status_code == 200


async def test_behind_a_proxy_with_tls_the_forwarded_name_is_our_own() -> None:
    async with client_of(build(BEHIND_PROXY)) as client:
        headers = {"Origin": "https://chat.example", "X-Forwarded-Host": "chat.example"}
        assert (await client.post(JOIN, json=CALL, headers=headers)).status_code == 200


# Bodies and headers


@pytest.mark.parametrize("path", [JOIN, "/size", "/gradio_api/run/quick"])
async def test_a_body_too_large_is_refused_with_and_without_content_length(
    client: httpx.AsyncClient, path: str
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(60):
            yield b" " * 1024 * 1024

    kind = {"Content-Type": "application/json"}
    declared = await client.post(path, content=b" " * 60 * 1024 * 1024, headers=kind)
    chunked = await client.post(path, content=pieces(), headers=kind)
    assert declared.status_code == chunked.status_code == 413
    assert "content-security-policy" in declared.headers
    assert "x-request-id" in chunked.headers


@pytest.mark.parametrize("size", [1, 1024 * 1024, 60 * 1024 * 1024])
@pytest.mark.parametrize("declared", [True, False])
async def test_an_upload_is_refused_whatever_its_size(
    client: httpx.AsyncClient, size: int, declared: bool
) -> None:
    async def pieces(body: bytes) -> AsyncIterator[bytes]:
        yield body

    request = client.build_request("POST", "/gradio_api/upload", files={"files": b"x" * size})
    content = request.read()
    kind = {"Content-Type": request.headers["Content-Type"]}
    answer = await client.post(
        "/gradio_api/upload", content=content if declared else pieces(content), headers=kind
    )
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "text/json",
    ],
)
@pytest.mark.parametrize("path", [JOIN, "/question", "/gradio_api/run/quick"])
async def test_a_body_without_a_json_content_type_is_refused(
    client: httpx.AsyncClient, kind: str, path: str
) -> None:
    answer = await client.post(path, content=json.dumps(CALL), headers={"Content-Type": kind})
    assert answer.status_code == 415


async def test_a_json_content_type_with_parameters_is_accepted(client: httpx.AsyncClient) -> None:
    kind = {"Content-Type": "Application/JSON; charset=utf-8"}
    answer = await client.post("/question", content='{"temperature": 1}', headers=kind)
    assert answer.status_code == 200


async def test_headers_have_limits_in_size_and_number(client: httpx.AsyncClient) -> None:
    assert (await client.get("/", headers={"X-Big": "x" * 40_000})).status_code == 431
    many = {f"X-{number}": "x" for number in range(200)}
    assert (await client.get("/", headers=many)).status_code == 431
    assert (await client.get("/?" + "x" * 40_000)).status_code == 431


async def test_a_body_that_stops_arriving_times_out() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    async with client_of(build(EdgeOptions(body_timeout_s=0.05))) as client:
        kind = {"Content-Type": "application/json"}
        for path in (JOIN, "/question", "/gradio_api/run/quick"):
            answer = await client.post(path, content=pieces(), headers=kind)
            assert answer.status_code == 408


# Answers


@pytest.mark.parametrize(
    "path", ["/", "/config", "/healthz", "/nothing", "/fail/busy", "/fail/bug"]
)
async def test_every_response_has_the_security_headers_and_its_own_request_id(
    client: httpx.AsyncClient, path: str
) -> None:
    answers = [await client.get(path, headers={"X-Request-ID": "mine\x01"}) for _ in range(2)]
    assert len({answer.headers["x-request-id"] for answer in answers} - {"mine\x01"}) == 2
    policy = answers[0].headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "*" not in policy
    assert answers[0].headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/preview", "/preview/diagram"])
async def test_a_preview_has_an_origin_of_its_own_and_only_the_app_may_frame_it(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path)
    (policy,) = answer.headers.get_list("content-security-policy")
    rules = dict(rule.partition(" ")[::2] for rule in policy.split("; "))
    assert rules["sandbox"] == "allow-scripts"
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == "'self'"
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert "frame-src 'self'" in (await client.get("/")).headers["content-security-policy"]
    # Inline scripts end where they should.
    assert answer.text.count("<script>") == answer.text.lower().count("</script") > 0


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("busy", 503, "server_overloaded"),
        ("long", 400, "context_length_exceeded"),
        ("gone", 404, "not_found"),
        ("stalled", 504, "engine_stalled"),
    ],
)
async def test_an_error_of_ours_has_its_status_and_code(
    client: httpx.AsyncClient, kind: str, status: int, code: str
) -> None:
    answer = await client.get(f"/fail/{kind}")
    assert answer.status_code == status
    assert answer.json()["error"] | {"code": code, "message": "because"} == answer.json()["error"]
    assert ("retry-after" in answer.headers) == (status == 503)


async def test_an_unexpected_error_is_answered_with_its_request_id_only(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.get("/fail/bug")
    assert answer.status_code == 500
    assert "because" not in answer.text
    assert answer.headers["x-request-id"] in answer.json()["error"]["message"]
    assert answer.headers["x-request-id"] in caplog.text


@pytest.mark.parametrize(
    "body",
    ['{"temperature": NaN}', '{"temperature": "\\ud800"}', '{"temperature": 3}', "{", "[1]", ""],
)
async def test_invalid_input_is_refused_and_not_repeated(
    client: httpx.AsyncClient, body: str
) -> None:
    kind = {"Content-Type": "application/json"}
    answer = await client.post("/question", content=body, headers=kind)
    assert answer.status_code == 422
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert "input" not in answer.json()["error"]


async def test_a_stream_is_not_buffered() -> None:
    app = build_api(engine=ScriptedEngine(), edge=EdgeOptions())
    first_was_read = asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        yield "one"
        await first_was_read.wait()
        yield "two"

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(pieces())

    seen: list[bytes] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body" and message["body"]:
            seen.append(message["body"])
            first_was_read.set()

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    headers = [(b"host", b"localhost")]
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/stream",
        "headers": headers,
        "query_string": b"",
        "http_version": "1.1",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
    }
    async with asyncio.timeout(5):
        await app(scope, receive, send)
    assert seen == [b"one", b"two"]


# The page's own routes


@pytest.mark.parametrize(
    "path",
    [
        "/docs/oauth2-redirect",
        "/gradio_api/info",
        "/gradio_api/info/",
        "/gradio_api/openapi.json",
        "/gradio_api/call/send",
        "/gradio_api/component_server",
        "/gradio_api/deep_link",
        "/gradio_api/proxy=http://127.0.0.1:1/",
        "/gradio_api/runs",
        "/gradio_api/queue/status",
        "/gradio_api/stream/x",
        "/gradio_api/upload",
        "/gradio_api/upload_progress",
        "/gradio_api/vibe-code",
        "/monitoring",
        "/monitoring/summary",
        "/login",
        "/logout",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_routes_of_gradio_that_the_page_does_not_use_are_closed(
    client: httpx.AsyncClient, path: str, method: str
) -> None:
    assert (await client.request(method, path)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../../../../etc/passwd",
        "%2e%2e/%2e%2e/etc/passwd",
        "/proc/self/environ",
        "config.py",
        "app.py",
        "data/qwen-chat.db",
        "http://127.0.0.1:1/",
        "//etc/passwd",
        "..%5c..%5cwindows",
        "file:///etc/passwd",
        "%00",
    ],
)
@pytest.mark.parametrize("route", ["/gradio_api/file=", "/static/", "/assets/", "/svelte/"])
async def test_no_file_of_the_server_can_be_downloaded(
    client: httpx.AsyncClient, route: str, path: str
) -> None:
    answer = await client.get(route + path)
    assert 400 <= answer.status_code < 500
    assert "root:" not in answer.text


async def test_under_a_root_path_the_edge_holds_with_and_without_the_prefix() -> None:
    async with client_of(build(EdgeOptions(root_path="/chat"))) as client:
        for prefix in ("", "/chat"):
            assert (await client.get(f"{prefix}/healthz")).status_code == 200
            assert (await client.get(f"{prefix}/config")).json()["root"] == f"{HOME}/chat"
            assert (await client.get(f"{prefix}/gradio_api/info")).status_code == 404
            assert (await client.post(f"{prefix}{JOIN}", json=CALL)).status_code == 200


HOSTILE_BODIES = [
    "",
    "null",
    "[]",
    "{}",
    "{",
    '"',
    "NaN",
    "1e999",
    '{"data": NaN}',
    '{"data": [NaN], "fn_index": 0}',
    '{"data": "\\ud800"}',
    '{"data": ["\\ud800"], "fn_index": 1, "session_hash": "\\udfff"}',
    '{"data": ["\\u0000"], "fn_index": 1}',
    '{"data": [], "fn_index": 1}',
    '{"data": ["x", "y", "z"], "fn_index": 1}',
    '{"data": [{"path": "/etc/passwd"}], "fn_index": 1}',
    '{"data": [{"path": "http://127.0.0.1:1/", "meta": {"_type": "gradio.FileData"}}]}',
    '{"data": ["x"], "fn_index": 99}',
    '{"data": ["x"], "fn_index": -1}',
    '{"data": ["x"], "fn_index": "one"}',
    '{"data": ["x"], "fn_index": 9223372036854775808}',
    '{"data": ["x"], "fn_index": 1e400}',
    '{"data": ["x"]}',
    '{"data": ["x"], "fn_index": 1, "trigger_id": {}}',
    '{"data": ["x"], "fn_index": 1, "session_hash": {"a": 1}}',
    '{"data": ["x"], "fn_index": 1, "event_data": {"a": [NaN]}}',
    '{"fn_index": 1, "\\ud800": 1}',
    '{"session_hash": "x", "event_id": "\\ud800", "fn_index": 0}',
    "[" * 50_000,
    '{"data": ' + "[" * 500 + "]" * 500 + ', "fn_index": 1}',
    '{"a":' * 3000 + "1" + "}" * 3000,
    '{"data": ["' + "9" * 5000 + '"], "fn_index": ' + "9" * 5000 + "}",
    "\ufeff{}",
    "\u202e",
]


@pytest.mark.parametrize("body", HOSTILE_BODIES, ids=range(len(HOSTILE_BODIES)))
async def test_hostile_input_is_never_a_server_error(client: httpx.AsyncClient, body: str) -> None:
    kind = {"Content-Type": "application/json"}
    for path in (JOIN, "/gradio_api/reset", "/question"):
        answer = await client.post(path, content=body.encode(), headers=kind)
        assert answer.status_code < 500, (path, answer.text[:200])


@pytest.mark.parametrize("body", HOSTILE_BODIES, ids=range(len(HOSTILE_BODIES)))
async def test_a_failing_page_handler_reveals_nothing(client: httpx.AsyncClient, body: str) -> None:
    # Gradio answers 500 if a handler beside the queue fails, even for invalid input.
    kind = {"Content-Type": "application/json"}
    for path in ("/gradio_api/run/predict", "/gradio_api/run/quick", "/gradio_api/run/%ff"):
        answer = await client.post(path, content=body.encode(), headers=kind)
        if answer.status_code == 500:
            error = answer.json()["error"]
            assert error is None or error["code"] == "internal_error"
        assert answer.status_code <= 500


@pytest.mark.parametrize(
    "method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "OPTIONS", "HEAD"]
)
@pytest.mark.parametrize("path", ["/", "/healthz", JOIN, "/%00", "/%ff", "//"])
async def test_no_method_is_a_server_error(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    assert (await client.request(method, path)).status_code < 500


@pytest.mark.parametrize(
    "query", ["", "?session_hash=", "?session_hash=%ed%a0%80", "?session_hash=x&session_hash=y"]
)
@pytest.mark.parametrize("path", ["/gradio_api/queue/data", "/gradio_api/heartbeat", "/?__theme=x"])
async def test_no_query_is_a_server_error(client: httpx.AsyncClient, path: str, query: str) -> None:
    assert (await client.get(path + query)).status_code < 500


@pytest.mark.parametrize(
    "value", ["bytes=0-1", "bytes=" + ",".join(f"{n}-{n}" for n in range(4000))]
)
async def test_many_ranges_are_no_server_error(client: httpx.AsyncClient, value: str) -> None:
    answer = await client.get("/favicon.ico", headers={"Range": value})
    assert answer.status_code < 500
