"""Authentication of API requests: the headers of a key, and its scopes."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from api.edge.permissions import ROUTES, Permission
from chat.accounts.api_keys import KeyLimits
from chat.accounts.models import AccountRole, KeyScope, User
from chat.accounts.service import Accounts
from chat.conversations.jobs import Jobs
from chat.maintenance import Maintenance
from chat.serving.completions import Completions
from tests.chat import make_generation
from tests.fakes import Script, ScriptedEngine
from tests.house import House, client_of
from tests.users import CountedRates

CHAT_BODY = {"model": "Scripted-1B-Instruct", "messages": [{"role": "user", "content": "Hi"}]}
FORMS = ("Authorization: Bearer {}", "authorization: bearer  {}", "X-Api-Key: {}", "API-KEY: {}")


def header(form: str, key: str) -> dict[str, str]:
    name, _, value = form.format(key).partition(": ")
    return {name: value}


@dataclass
class Village:
    """Ann the administrator, Bob the member, Gus the guest, with keys, and the API over them."""

    house: House = field(default_factory=House)
    engine: ScriptedEngine = field(default_factory=ScriptedEngine)
    tokens: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    async def build(self) -> "Village":
        generation = make_generation(self.engine)
        self.jobs = Jobs(generation=generation, store=self.house.store)
        limits = KeyLimits(self.house.users, CountedRates())
        self.completions = Completions(generation=generation, key_limits=limits)
        self.app = self.house.app(completions=self.completions)
        accounts = self.house.accounts
        for name, role in (("ann", AccountRole.ADMIN), ("bob", AccountRole.MEMBER)):
            self.tokens[name] = await self.house.add(name, role)
            _, self.keys[name] = await accounts.keys.add(await self.user(name), name="api")
        ann = await self.user("ann")
        _, self.keys["figures"] = await accounts.keys.add(ann, name="m", scopes={KeyScope.METRICS})
        _, token = await accounts.guests.add_link(
            ann, label="l", days=1, max_guests=1, max_messages=9, max_tokens=9, preset_id=None
        )
        self.tokens["gus"] = await accounts.guests.enter(token, "gus", address="", device="")
        return self

    async def user(self, name: str) -> User:
        signed_in = await self.house.accounts.sessions.find(self.tokens[name])
        assert signed_in
        return signed_in.user

    async def ask(
        self,
        path: str,
        headers: Mapping[str, str] | list[tuple[str, str]] = {},  # noqa: B006 - never changed
        *,
        cookie: str = "",
        method: str = "GET",
    ) -> httpx.Response:
        async with client_of(self.app, self.tokens.get(cookie)) as client:
            body = CHAT_BODY if method == "POST" else None
            return await client.request(method, path, headers=headers, json=body)


@pytest.fixture
async def village() -> Village:
    return await Village().build()


def code_of(answer: httpx.Response) -> str | None:
    return None if answer.status_code == 200 else str(answer.json()["error"]["code"])


# --- the resolver -----------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
async def test_every_form_of_header_has_the_same_identity_scope_and_refusals(
    village: Village, form: str
) -> None:
    for key, path, expected in (
        ("bob", "/v1/models", (200, None)),
        ("bob", "/metrics", (403, "key_not_allowed")),
        ("figures", "/metrics", (200, None)),
        ("figures", "/v1/models", (403, "key_not_allowed")),
        ("wrong", "/v1/models", (401, "invalid_api_key")),
        ("wrong", "/metrics", (401, "invalid_api_key")),
    ):
        answer = await village.ask(path, header(form, village.keys.get(key, "sk-wrong")))
        assert (answer.status_code, code_of(answer)) == expected, (key, path)
    answer = await village.ask(
        "/v1/chat/completions", header(form, village.keys["bob"]), cookie="ann", method="POST"
    )
    assert answer.status_code == 200
    assert village.engine.salts == [(await village.user("bob")).id]


async def test_two_keys_at_once_are_refused_although_both_are_good(village: Village) -> None:
    key = village.keys["bob"]
    for first, second in itertools.product(FORMS, FORMS):
        headers = [*header(first, key).items(), *header(second, key).items()]
        answer = await village.ask("/v1/models", headers)
        assert (answer.status_code, code_of(answer)) == (400, "bad_request"), (first, second)


async def test_a_refusal_explains_authentication_and_hides_the_key(
    village: Village,
) -> None:
    for headers in ({}, {"X-Api-Key": "sk-0123456789abcdef"}):
        answer = await village.ask("/v1/models", headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "0123456789" not in answer.text


async def test_a_key_in_the_address_is_not_read(village: Village) -> None:
    key = village.keys["bob"]
    for query in ("api_key", "api-key", "key", "access_token", "x-api-key"):
        answer = await village.ask(f"/v1/models?{query}={key}")
        assert code_of(answer) == "invalid_api_key"


async def test_an_empty_key_is_rejected(village: Village) -> None:
    for form in FORMS:
        answer = await village.ask("/v1/models", header(form, ""), cookie="bob")
        assert code_of(answer) == "invalid_api_key", form


async def test_a_signed_in_user_may_call_the_api_without_a_key(village: Village) -> None:
    answer = await village.ask("/v1/chat/completions", cookie="bob", method="POST")
    assert answer.status_code == 200
    assert village.engine.salts == [(await village.user("bob")).id]


async def test_a_sessions_access_depends_on_its_role(village: Village) -> None:
    for cookie, path, status in (
        ("gus", "/v1/models", 404),
        ("gus", "/metrics", 404),
        ("bob", "/metrics", 404),
        ("ann", "/metrics", 200),
    ):
        assert (await village.ask(path, cookie=cookie)).status_code == status, (cookie, path)


async def test_a_session_does_not_replace_a_bad_key(village: Village) -> None:
    answer = await village.ask("/v1/models", {"X-Api-Key": "sk-wrong"}, cookie="ann")
    assert code_of(answer) == "invalid_api_key"


async def test_basic_credentials_for_a_proxy_are_no_api_key(village: Village) -> None:
    basic = {"Authorization": "Basic Ym9iOnBhc3N3b3Jk"}
    assert code_of(await village.ask("/v1/models", basic)) == "invalid_api_key"
    both = basic | {"X-Api-Key": village.keys["bob"]}
    assert (await village.ask("/v1/models", both)).status_code == 200
    assert (await village.ask("/v1/models", basic, cookie="bob")).status_code == 200


async def test_pages_of_other_origins_cannot_use_a_visitors_session(village: Village) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await village.ask("/v1/chat/completions", headers, cookie="bob", method="POST")
        assert code_of(answer) == "cross_origin"
    assert village.engine.prompts == []


async def test_a_wrong_api_path_is_reported_to_the_program(village: Village) -> None:
    good = {"X-Api-Key": village.keys["bob"]}
    assert code_of(await village.ask("/v1/made-up", good)) == "not_found"
    assert code_of(await village.ask("/v1/made-up")) == "invalid_api_key"


async def test_a_metrics_key_of_a_former_administrator_is_rejected(
    village: Village,
) -> None:
    accounts, ann, bob = village.house.accounts, *[await village.user(n) for n in ("ann", "bob")]
    await accounts.users.set_role(ann, bob.id, AccountRole.ADMIN)
    _, metrics_key = await accounts.keys.add(
        await village.user("bob"), name="m", scopes=set(KeyScope)
    )
    headers = {"X-Api-Key": metrics_key}
    assert (await village.ask("/metrics", headers)).status_code == 200
    await accounts.users.set_role(ann, bob.id, AccountRole.MEMBER)
    assert code_of(await village.ask("/metrics", headers)) == "key_not_allowed"
    assert (await village.ask("/v1/models", headers)).status_code == 200


async def test_a_key_gives_access_to_program_routes_only(village: Village) -> None:
    headers = {"Authorization": f"Bearer {village.keys['ann']}"}
    for path, needed in ROUTES.items():
        if needed in (Permission.ANYBODY, Permission.API, Permission.METRICS):
            continue
        for method in ("GET", "POST"):
            answer = await village.ask(
                path.replace("{", "").replace("}", ""), headers, method=method
            )
            assert code_of(answer) == "sign_in_needed", path


# --- without accounts -------------------------------------------------------------------------


async def test_without_accounts_any_key_is_accepted(village: Village) -> None:
    house = House(sign_in_needed=False)
    village.app = house.app(completions=village.completions)
    for headers in ({}, {"X-Api-Key": "whatever"}, {"Authorization": "Bearer sk-wrong"}):
        for path in ("/v1/models", "/metrics"):
            assert (await village.ask(path, headers)).status_code == 200
    await house.add("ann")
    house.authenticator.invalidate()
    assert code_of(await village.ask("/v1/models", {"X-Api-Key": "whatever"})) == "invalid_api_key"


async def test_before_the_set_up_every_key_is_rejected_where_sign_in_is_needed(
    village: Village,
) -> None:
    village.app = House(sign_in_needed=True).app(completions=village.completions)
    for headers in ({}, {"X-Api-Key": "whatever"}):
        for path in ("/v1/models", "/metrics"):
            assert code_of(await village.ask(path, headers)) == "invalid_api_key"


async def test_too_many_failures_are_throttled(village: Village) -> None:
    codes = [code_of(await village.ask("/v1/models", {"X-Api-Key": "sk-wrong"})) for _ in range(16)]
    assert codes == ["invalid_api_key"] * 15 + ["rate_limit_exceeded"]
    answer = await village.ask("/v1/models", {"X-Api-Key": village.keys["bob"]})
    assert answer.status_code == 200


# --- limits and ends --------------------------------------------------------------------------


async def test_the_limits_of_a_key_hold_over_http(village: Village) -> None:
    bob = await village.user("bob")
    _, narrow = await village.house.accounts.keys.add(bob, name="narrow", requests_per_minute=1)
    _, small = await village.house.accounts.keys.add(bob, name="small", tokens_per_day=3)
    for key in (narrow, small):
        headers = {"X-Api-Key": key}
        first = await village.ask("/v1/chat/completions", headers, method="POST")
        assert first.status_code == 200
        second = await village.ask("/v1/chat/completions", headers, method="POST")
        assert second.status_code == 429
        assert code_of(second) == "rate_limit_exceeded"
        assert int(second.headers["retry-after"]) >= 1
    wide = {"X-Api-Key": village.keys["bob"]}
    answer = await village.ask("/v1/chat/completions", wide, method="POST")
    assert answer.status_code == 200


async def stream(village: Village, key: str, chunks: list[bytes]) -> None:
    """Append the pieces of a streamed answer to `chunks` as they arrive."""
    body = json.dumps(CHAT_BODY | {"stream": True}).encode()
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/chat/completions",
        "raw_path": b"/v1/chat/completions",
        "query_string": b"",
        "root_path": "",
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 7860),
        "headers": [
            (b"host", b"localhost"),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"x-api-key", key.encode()),
        ],
    }
    received = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if not received:
            await asyncio.Event().wait()
        return received.pop()

    async def send(message: Any) -> None:
        chunks.append(message.get("body", b""))

    await village.app(scope, receive, send)


async def until_written(*chunks: list[bytes]) -> None:
    async with asyncio.timeout(10):
        while not all(b"so far" in b"".join(pieces) for pieces in chunks):  # noqa: ASYNC110 - as it is
            await asyncio.sleep(0.01)


async def revoke(accounts: Accounts, ann: User, bob: User) -> None:
    await accounts.keys.revoke(bob, (await accounts.keys.list(bob))[0].id)


async def disable(accounts: Accounts, ann: User, bob: User) -> None:
    await accounts.users.disable(ann, bob.id)


async def delete(accounts: Accounts, ann: User, bob: User) -> None:
    await accounts.users.delete(ann, bob.id)


@pytest.mark.parametrize("change", [revoke, disable, delete])
async def test_a_stream_ends_when_its_key_or_user_becomes_invalid(
    village: Village, change: Callable[[Accounts, User, User], Awaitable[None]]
) -> None:
    village.engine.scripts = [Script(["so far"], hangs=True)]
    ann, bob = [await village.user(name) for name in ("ann", "bob")]
    anns: list[bytes] = []
    bobs: list[bytes] = []
    staying = asyncio.create_task(stream(village, village.keys["ann"], anns))
    ending = asyncio.create_task(stream(village, village.keys["bob"], bobs))
    await until_written(anns, bobs)
    maintenance = Maintenance(village.jobs, village.house.users, programs=[village.completions])
    await maintenance.stop_removed_users()
    assert village.engine.running == 2
    await change(village.house.accounts, ann, bob)
    await maintenance.stop_removed_users()
    async with asyncio.timeout(10):
        await ending
    assert b'"code":"invalid_api_key"' in b"".join(bobs).replace(b": ", b":")
    assert village.engine.running == 1
    assert not staying.done()
    staying.cancel()
    await asyncio.wait({staying})
    await village.completions.close(0)
