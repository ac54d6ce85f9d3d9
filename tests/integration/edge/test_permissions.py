"""Isolation of users: every route and event has a permission, and no user reads another's data."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount
from starlette.types import Message, Scope

from api.edge.gradio_routes import is_open
from api.edge.options import EdgeOptions
from api.edge.page_events import PageEvents
from api.edge.permissions import HANDLERS, ROUTES, Permission
from api.edge.stack import edge_middleware
from api.edge.stream_expiry import StreamExpiry
from api.ops.metrics import Metrics
from api.server import build_api
from chat.accounts.models import AccountRole, SignedIn
from chat.conversations.jobs import Jobs
from chat.conversations.models import PresetText, Question
from chat.conversations.presets import Presets
from chat.conversations.shares import Shares
from chat.conversations.turns import Turns
from chat.errors import NotFound
from chat.models import ChatOptions, Sampling
from chat.serving.engines import Engines
from store import open_store
from tests.chat import make_generation
from tests.fakes import Script, ScriptedEngine
from tests.hosting import hosting_of
from tests.house import House, client_of
from ui.gradio_adapter.mount import event_names

# One event loop for the module: Gradio keeps the loop of its first request.
pytestmark = pytest.mark.asyncio(loop_scope="module")

ANYBODY = {
    "/health",
    "/healthz",
    "/readyz",
    "/manifest.json",
    "/icons/{name}",
    "/favicon.ico",
    "/sign-in",
    "/welcome",
    "/guest",
    "/pages.css",
    "/answer.css",
    "/pages.js",
    "/api/account/sign-in",
    "/api/account/pass",
    "/api/account/accept",
    "/api/account/guest-link",
    "/api/account/enter",
    "/api/account/provider",
    "/api/account/provider/return",
    "/shared/{token}",
}
"""Routes that are open to anonymous clients; each entry was reviewed."""

PROVIDER = {"/api/account/provider", "/api/account/provider/return"}
"""Routes that exist only with an OpenID provider."""


class Town:
    """A site with users: Ann (administrator), Bob and Carol (members), Gus (guest)."""

    def __init__(self) -> None:
        self.house = House()
        self.engine = ScriptedEngine([Script(["a", "b", "c"], step_s=0.05)])
        self.tokens: dict[str, str] = {}

    async def build(self) -> "Town":
        self.app = self.house.site(self.engine)
        for name, role in (
            ("ann", AccountRole.ADMIN),
            ("bob", AccountRole.MEMBER),
            ("carol", AccountRole.MEMBER),
        ):
            self.tokens[name] = await self.house.add(name, role)
        ann = await self.user("ann")
        link, token = await self.house.accounts.guests.add_link(
            ann,
            label="day",
            days=1,
            max_guests=5,
            max_messages=5,
            max_tokens=500,
            preset_id=None,
        )
        self.link_id = link.id
        self.tokens["gus"] = await self.house.accounts.guests.enter(
            token, "gus", address="", device=""
        )
        self.key, self.secret = await self.house.accounts.keys.add(
            await self.user("bob"), name="bob's program"
        )
        self.conversation_id = await self.ask("bob", "the secret of bob")
        async with self.client("bob") as client:  # as the page does first; it starts the queue
            await client.get("/gradio_api/startup-events")
        return self

    async def user(self, name: str) -> Any:
        signed_in = await self.house.accounts.sessions.find(self.tokens[name])
        assert signed_in
        return signed_in.user

    async def ask(self, name: str, text: str) -> str:
        user = await self.user(name)
        turn = await self.house.store.add_turn(
            user.id,
            conversation_id=None,
            question=Question(text, f"{name} {text}"),
            options=ChatOptions(),
        )
        return turn.conversation.id

    def client(self, name: str | None) -> httpx.AsyncClient:
        return client_of(self.app, self.tokens[name] if name else None)

    def number(self, handler: str) -> int:
        return next(n for n, called in event_names(self.house.page).items() if called == handler)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town() -> Town:
    return await Town().build()


@pytest_asyncio.fixture(loop_scope="module")
async def bob(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    async with town.client("bob") as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def carol(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    async with town.client("carol") as client:
        yield client


# --- the table --------------------------------------------------------------------------------


def routes_of(app: FastAPI) -> Iterator[str]:
    """The paths of all routes, mounted apps included."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, Mount):
            mounted = context.original_route.app
            assert isinstance(mounted, FastAPI)
            yield from routes_of(mounted)
        else:
            yield str(context.path)


def over_database(folder: Path) -> FastAPI:
    """The app with the services that need a database, which is not opened."""
    engine, store = ScriptedEngine(), open_store(folder)
    jobs = Jobs(generation=make_generation(engine), store=store)
    answers = Turns(engines=Engines(engine), store=store, jobs=jobs)
    return build_api(
        engine=engine,
        edge=EdgeOptions(),
        presets=Presets(store),
        shares=Shares(store, store.shares),
        sign_in=House().sign_in(),
        hosting=hosting_of(store, answers=answers),
    )


async def test_every_route_has_its_permission_and_no_permission_is_without_a_route(
    town: Town, tmp_path: Path
) -> None:
    routes = {*routes_of(town.app), *routes_of(over_database(tmp_path))}
    there = {path for path in routes if is_open(example_of(path))}
    assert there == ROUTES.keys() - PROVIDER


async def test_every_event_of_the_page_has_its_permission(town: Town) -> None:
    assert set(event_names(town.house.page).values()) == HANDLERS.keys()


async def test_the_public_routes_are_exactly_these() -> None:
    assert {path for path, needed in ROUTES.items() if needed is Permission.ANYBODY} == ANYBODY


def example_of(path: str) -> str:
    for name in ("{name}", "{path:path}", "{path_or_url:path}", "{size}", "{session_hash}"):
        path = path.replace(name, "x")
    for name in (
        "{conversation_id}",
        "{preset_id}",
        "{session_id}",
        "{user_id}",
        "{link_id}",
        "{key_id}",
    ):
        path = path.replace(name, "x")
    return path.replace("{api_name}", "x")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", sorted(ROUTES.keys() - ANYBODY))
async def test_other_routes_refuse_anonymous_requests(town: Town, path: str, method: str) -> None:
    async with town.client(None) as visitor:
        for cookie in ("", "qwen_chat_session=made-up", "qwen_chat_session="):
            headers = {"Cookie": cookie} if cookie else {}
            answer = await visitor.request(method, example_of(path), headers=headers)
            assert answer.status_code == 401
            program = ROUTES[path] in (Permission.API, Permission.METRICS)
            code = "invalid_api_key" if program else "sign_in_needed"
            assert answer.json()["error"]["code"] == code


async def test_closed_routes_refuse_anonymous_requests_too(town: Town) -> None:
    async with town.client(None) as visitor:
        for path in set(routes_of(town.app)) - ROUTES.keys():
            answer = await visitor.get(example_of(path))
            assert answer.status_code in (401, 404), path


@pytest.mark.parametrize(
    "path",
    ["/%2e%2e/people", "//people", "/./people", "/PEOPLE", "/people;a", "/people%00"],
)
async def test_odd_spellings_of_a_path_are_refused(town: Town, path: str) -> None:
    async with town.client(None) as visitor, town.client("gus") as gus:
        assert (await visitor.get(path)).status_code == 401
        assert "audit" not in (await gus.get(path, follow_redirects=True)).text


async def test_a_slash_at_the_end_leads_to_a_path_that_is_refused_alike(town: Town) -> None:
    async with town.client(None) as visitor, town.client("gus") as gus:
        assert (await visitor.get("/people/")).headers["location"] == "/people"
        assert (await visitor.get("/people/", follow_redirects=True)).status_code == 401
        assert "audit" not in (await gus.get("/people/", follow_redirects=True)).text


@pytest.mark.parametrize(
    "host", ["localhost/healthz", "localhost?/healthz", "localhost#/healthz", "localhost@evil"]
)
async def test_no_host_header_bypasses_the_sign_in(town: Town, host: str) -> None:
    async with town.client(None) as visitor:
        for path in ("/api/export?format=json", "/config", "/gradio_api/app_id"):
            assert (await visitor.get(path, headers={"Host": host})).status_code in (400, 421)


@pytest.mark.parametrize(
    "header",
    ["Authorization", "X-Api-Key", "X-Forwarded-User", "X-Remote-User", "X-User", "Remote-User"],
)
async def test_only_the_cookie_identifies_a_user(town: Town, header: str) -> None:
    async with town.client(None) as visitor:
        for value in (town.tokens["ann"], f"Bearer {town.tokens['ann']}", "ann"):
            answer = await visitor.get("/api/account", headers={header: value})
            assert answer.status_code == 401
        request = await visitor.get(
            "/api/account", params={"qwen_chat_session": town.tokens["ann"]}
        )
        assert request.status_code == 401


# --- roles ------------------------------------------------------------------------------------

FOR_ADMINS = [
    ("GET", "/people", None),
    ("GET", "/api/people/audit.csv", None),
    ("POST", "/api/people/invite", {"rank": "admin"}),
    ("POST", "/api/people/{ann}/reset", {}),
    ("POST", "/api/people/{ann}/rank", {"rank": "member"}),
    ("POST", "/api/people/{ann}/disable", {}),
    ("POST", "/api/people/{ann}/enable", {}),
    ("POST", "/api/people/{ann}/delete", {}),
]
LINK = {"label": "x", "days": 1, "max_guests": 1, "max_messages": 1, "max_tokens": 1}
FOR_MEMBERS = [
    ("GET", "/guests", None),
    ("POST", "/api/guest-links", LINK),
    ("POST", "/api/guest-links/{link}/revoke", {}),
    ("GET", "/keys", None),
    ("POST", "/api/keys", {"name": "x"}),
    ("POST", "/api/keys/{key}/revoke", {}),
]


@pytest.mark.parametrize(
    ("name", "method", "path", "body"),
    [
        *(("bob", *request) for request in FOR_ADMINS),
        *(("gus", *request) for request in FOR_ADMINS + FOR_MEMBERS),
    ],
)
async def test_routes_of_a_higher_role_are_not_found(
    town: Town, name: str, method: str, path: str, body: object
) -> None:
    ann = await town.user("ann")
    path = path.replace("{ann}", ann.id).replace("{link}", town.link_id)
    path = path.replace("{key}", town.key.id)
    async with town.client(name) as client:
        answer = await client.request(method, path, json=body)
        missing = await client.get("/api/not-there")
    assert answer.status_code == missing.status_code == 404
    assert (await town.user("ann")) == ann


async def test_the_domain_checks_permissions_without_the_edge(town: Town) -> None:
    gus, bob, ann = [await town.user(name) for name in ("gus", "bob", "ann")]
    accounts = town.house.accounts
    for call in (
        accounts.users.list(bob),
        accounts.users.audit_entries(bob),
        accounts.one_time_links.invite(bob, AccountRole.MEMBER),
        accounts.users.disable(bob, ann.id),
        accounts.users.delete(gus, ann.id),
        accounts.guests.links(gus),
        accounts.guests.revoke_link(gus, town.link_id),
        accounts.guests.revoke_link(bob, town.link_id),
        accounts.keys.list(gus),
        accounts.keys.add(gus, name="gus's program"),
        accounts.keys.revoke(gus, town.key.id),
        accounts.keys.revoke(await town.user("carol"), town.key.id),
    ):
        with pytest.raises(NotFound):
            await call


async def test_guests_cannot_share_presets(town: Town) -> None:
    number = town.number("PresetPanel.share")
    body = {"fn_index": number, "data": ["", "en", None], "session_hash": "x", "event_data": {}}
    async with town.client("gus") as gus, town.client("bob") as member:
        refused = await gus.post("/gradio_api/run/predict", json=body)
        allowed = await member.post("/gradio_api/run/predict", json=body)
    assert refused.status_code == 404
    assert allowed.status_code != 404


@pytest.mark.parametrize("fn_index", ["{share}", "{share}.0", None, True, [1], 10**6, -1])
@pytest.mark.parametrize("path", ["/gradio_api/run/share", "/gradio_api/queue/join"])
async def test_an_event_with_an_ambiguous_fn_index_is_refused(
    town: Town, path: str, fn_index: Any
) -> None:
    if isinstance(fn_index, str):
        fn_index = fn_index.replace("{share}", str(town.number("PresetPanel.share")))
    async with town.client("gus") as gus:
        body = {"fn_index": fn_index, "data": [], "session_hash": "x"}
        assert (await gus.post(path, json=body)).status_code == 404
        twice = json.dumps(body)[:-1] + f', "fn_index": {town.number("PresetPanel.share")}}}'
        kind = {"Content-Type": "application/json"}
        assert (await gus.post(path, content=twice, headers=kind)).status_code == 404


# --- other users' rows ------------------------------------------------------------------------


async def test_another_users_rows_look_like_missing_rows(
    town: Town, bob: httpx.AsyncClient, carol: httpx.AsyncClient
) -> None:
    user = await town.user("bob")
    preset = await town.house.store.add_preset(user.id, PresetText("bob's", "secret", Sampling()))
    sessions = await town.house.accounts.sessions.of(user)
    bobs_link, _ = await town.house.accounts.guests.add_link(
        user, label="b", days=1, max_guests=1, max_messages=1, max_tokens=1, preset_id=None
    )
    matrix = [
        ("GET", "/api/conversations/{}/export?format=json", town.conversation_id),
        ("GET", "/api/conversations/{}/export?format=html", town.conversation_id),
        ("GET", "/api/presets/{}/export", preset.ref.id),
        ("POST", "/api/account/sessions/{}/end", sessions[0].id),
        ("POST", "/api/guest-links/{}/revoke", bobs_link.id),
        ("POST", "/api/keys/{}/revoke", town.key.id),
        ("POST", "/api/people/{}/disable", user.id),
    ]
    for method, path, thing in matrix:
        theirs = await carol.request(method, path.format(thing))
        missing = await carol.request(method, path.format("0" * 32))
        assert theirs.status_code == missing.status_code == 404, path
        assert theirs.content == missing.content, path
    exported = await carol.get("/api/export?format=json")
    assert b"secret of bob" not in exported.content
    own = await bob.get(f"/api/conversations/{town.conversation_id}/export?format=json")
    assert b"secret of bob" in own.content
    assert await town.house.accounts.sessions.of(user) == sessions


async def read_events(client: httpx.AsyncClient, session_hash: str) -> list[dict[str, Any]]:
    """The events of the page's stream for that session hash."""
    received: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        answer = await client.get("/gradio_api/queue/data", params={"session_hash": session_hash})
    for line in answer.text.splitlines():
        if line.startswith("data: "):
            received.append(json.loads(line.removeprefix("data: ")))
    return received


def place(conversation_id: str) -> list[Any]:
    return [conversation_id, "en", None]


async def test_an_event_shows_only_its_own_users_data(
    town: Town, bob: httpx.AsyncClient, carol: httpx.AsyncClient
) -> None:
    load = {"fn_index": town.number("Transcript.load"), "data": place(town.conversation_id)}
    own = await bob.post("/gradio_api/run/load", json=load | {"session_hash": "b"})
    theirs = await carol.post("/gradio_api/run/load", json=load | {"session_hash": "c"})
    missing = await carol.post(
        "/gradio_api/run/load",
        json=load | {"session_hash": "d", "data": place("0" * 32)},
    )
    assert "secret of bob" in own.text
    assert theirs.status_code == missing.status_code == 200
    assert "secret of bob" not in theirs.text
    assert theirs.json()["data"] == missing.json()["data"]


@dataclass(frozen=True)
class Things:
    """The ids in an event: a conversation, a message in it, a preset."""

    conversation: str
    message: str
    preset: str

    def event_values(self) -> dict[str, Any]:
        """All values that the page's script may send with an event, with these ids."""
        return {
            "id": self.conversation,
            "first": self.conversation,
            "left_out": {"picture": 1},
            "not_read": [],
            "not_read_count": 0,
            "message": self.message,
            "preset": self.preset,
            "title": "taken",
            "seen": "",
            "text": "taken",
            "words": "secret",
            "fields": {"name": "taken", "system_prompt": "", "questions": []},
            "files": [],
            "file": "1",
            "count": 1,
            "pinned": True,
            "archived": True,
            "folder": "trash",
            "shared": True,
            "opens": True,
            "place": 0,
            "request": "1",
            "asked": "1",
            "code": "",
            "why": "",
            "conversation": self.conversation,
            "opinion": {"verdict": "up", "comment": "taken"},
            "verdict": "up",
            "quick": True,
            "key": "1",
            "task": "1",
            "done": True,
        }

    def unnamed(self, answer: str) -> str:
        """A response without the requested ids, which it may repeat."""
        for name in (self.conversation, self.message, self.preset):
            answer = answer.replace(name, "it")
        return answer


def inputs_of(town: Town, number: int, things: Things) -> list[Any]:
    """The inputs of an event: the open conversation, and a text in the box."""
    texts = {"bridge": things.conversation, "message": "taken"}
    values: list[Any] = []
    for component in town.house.page.fns[number].inputs:
        languages = [value for _, value in getattr(component, "choices", ())]
        values.append("en" if "en" in languages else texts.get(component.elem_id or ""))
    return values


async def test_no_page_event_reads_or_changes_another_users_data(town: Town) -> None:
    user, store = await town.user("bob"), town.house.store
    preset = await store.add_preset(user.id, PresetText("bob's own", "secret of bob", Sampling()))
    before = await store.archive(user.id, town.conversation_id)
    theirs = Things(town.conversation_id, before.messages[-1].id, preset.ref.id)
    nothing = Things("0" * 32, "1" * 32, "2" * 32)
    names = event_names(town.house.page)
    for number in sorted(names):
        if names[number] == "Transcript.listen":  # streamed: the tests below
            continue
        answers = []
        for things in (theirs, nothing):
            body = {
                "fn_index": number,
                "data": inputs_of(town, number, things),
                "event_data": things.event_values(),
                "session_hash": f"{number}{things.conversation}",
            }
            async with town.client("carol") as carol:
                answer = await carol.post("/gradio_api/run/predict", json=body)
            assert "secret of bob" not in answer.text, names[number]
            answers.append((answer.status_code, things.unnamed(str(answer.json().get("data")))))
        assert answers[0] == answers[1], names[number]
        assert answers[0][0] == 200, names[number]
    assert await store.archive(user.id, town.conversation_id) == before
    assert await store.preset(user.id, preset.ref.id) == preset


async def join(client: httpx.AsyncClient, town: Town, session_hash: str) -> str:
    body = {
        "fn_index": town.number("Transcript.listen"),
        "data": place(""),
        "session_hash": session_hash,
    }
    answer = await client.post("/gradio_api/queue/join", json=body)
    assert answer.status_code == 200
    return str(answer.json()["event_id"])


async def test_another_users_session_hash_gives_no_access_to_its_stream(
    town: Town, bob: httpx.AsyncClient, carol: httpx.AsyncClient
) -> None:
    event_id = await join(bob, town, "bobs-hash")
    theirs, unknown = await read_events(carol, "bobs-hash"), await read_events(carol, "no-hash")
    assert theirs == unknown
    assert event_id not in str(theirs)
    received = await read_events(bob, "bobs-hash")
    assert event_id in {event.get("event_id") for event in received}


async def test_two_users_with_the_same_session_hash_have_separate_sessions(
    town: Town, bob: httpx.AsyncClient, carol: httpx.AsyncClient
) -> None:
    bobs, carols = await join(bob, town, "same"), await join(carol, town, "same")
    received = [
        {event.get("event_id") for event in await read_events(client, "same")}
        for client in (bob, carol)
    ]
    assert bobs in received[0]
    assert bobs not in received[1]
    assert carols in received[1]
    assert carols not in received[0]


async def test_repeated_or_encoded_session_hashes_stay_separate(
    town: Town, bob: httpx.AsyncClient, carol: httpx.AsyncClient
) -> None:
    event_id = await join(bob, town, "twice")
    for query in (
        "session_hash=x&session_hash=twice",
        "session%5Fhash=twice",
        "session_hash=%74wice",
    ):
        answer = await carol.get(f"/gradio_api/queue/data?{query}")
        assert event_id not in answer.text
    assert event_id in str(await read_events(bob, "twice"))


@pytest.mark.parametrize("path", ["cancel", "reset", "stream/x", "stream/x/close"])
async def test_no_user_can_cancel_an_event_by_its_id(
    town: Town, bob: httpx.AsyncClient, carol: httpx.AsyncClient, path: str
) -> None:
    event_id = await join(bob, town, f"ended by {path}")
    body = {"session_hash": f"ended by {path}", "event_id": event_id, "fn_index": 0, "data": []}
    for client in (carol, bob):
        answer = await client.post(f"/gradio_api/{path.replace('x', event_id)}", json=body)
        assert answer.status_code == 404
    assert event_id in str(await read_events(bob, f"ended by {path}"))


async def test_another_users_heartbeat_ends_nothing(town: Town, bob: httpx.AsyncClient) -> None:
    seen: list[str] = []

    async def inner(scope: Scope, receive: object, send: object) -> None:
        seen.append(scope["path"])

    carol, bobs = await town.user("carol"), await town.user("bob")
    options = town.house.edge
    middleware = edge_middleware(options, town.house.authenticator, {}, Metrics(), PageEvents())
    guard = middleware[-1]
    app = guard.cls(inner, *guard.args, **guard.kwargs)
    for user in (bobs, carol, bobs):
        state = {"signed_in": SignedIn(user, "s")}
        scope = {"type": "http", "path": "/gradio_api/heartbeat/h", "state": state}
        await app(scope, None, None)  # type: ignore[arg-type]
    assert seen[0] == seen[2] != seen[1]
    assert all(path.startswith("/gradio_api/heartbeat/") for path in seen)


# --- changes take effect ----------------------------------------------------------------------


async def stream_until_cut(
    town: Town, name: str, change: Coroutine[Any, Any, object]
) -> tuple[list[Message], bool]:
    """Stream to that user while `change` runs; the messages, and whether the stream ended."""
    messages: list[Message] = []
    cut = asyncio.Event()

    async def endless(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x", "more_body": True})
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            cut.set()
            raise

    async def send(message: Message) -> None:
        messages.append(message)

    authenticator = town.house.authenticator
    signed_in = await authenticator.authenticate(town.tokens[name])
    cookie = f"qwen_chat_session={town.tokens[name]}".encode()
    scope = {
        "type": "http",
        "path": "/gradio_api/queue/data",
        "headers": [(b"cookie", cookie)],
        "state": {"signed_in": signed_in},
    }
    watched = StreamExpiry(endless, town.house.edge, authenticator, every_s=0.02)
    stream = asyncio.create_task(watched(scope, None, send))  # type: ignore[arg-type]
    await asyncio.sleep(0.1)
    assert not stream.done()
    await change
    async with asyncio.timeout(5):
        await stream
    return messages, cut.is_set()


@pytest.mark.parametrize(
    "how", ["disable", "sign out everywhere", "end session", "delete", "revoke"]
)
async def test_a_stream_ends_when_its_user_loses_access(how: str) -> None:
    town = await Town().build()
    accounts, ann, bobs = town.house.accounts, await town.user("ann"), await town.user("bob")
    signed_in = await accounts.sessions.find(town.tokens["bob"])
    assert signed_in
    changes: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
        "disable": lambda: accounts.users.disable(ann, bobs.id),
        "sign out everywhere": lambda: accounts.sessions.end_all(signed_in.user),
        "end session": lambda: accounts.sessions.end(bobs, signed_in.session_id),
        "delete": lambda: accounts.users.delete(ann, bobs.id),
        "revoke": lambda: accounts.guests.revoke_link(ann, town.link_id),
    }
    name = "gus" if how == "revoke" else "bob"
    messages, cut = await stream_until_cut(town, name, changes[how]())
    assert cut
    assert messages[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    async with town.client(name) as client:
        assert (await client.get("/api/account")).status_code == 401


async def test_a_demoted_administrator_loses_the_accounts_page() -> None:
    town = await Town().build()
    ann, bobs = await town.user("ann"), await town.user("bob")
    await town.house.accounts.users.set_role(ann, bobs.id, AccountRole.ADMIN)
    async with town.client("bob") as client:
        assert (await client.get("/people")).status_code == 200
        await town.house.accounts.users.set_role(ann, bobs.id, AccountRole.MEMBER)
        assert (await client.get("/people")).status_code == 404


async def test_a_new_password_ends_the_other_sessions() -> None:
    town = await Town().build()
    other = await town.house.accounts.passwords.sign_in(
        "bob", "correct horse battery", address="", device="phone"
    )
    async with client_of(town.app, other) as phone, town.client("bob") as context:
        body = {"old": "correct horse battery", "new": "another good one"}
        assert (await context.post("/api/account/password", json=body)).status_code == 200
        assert (await phone.get("/api/account")).status_code == 401
        assert (await context.get("/api/account")).status_code == 200
