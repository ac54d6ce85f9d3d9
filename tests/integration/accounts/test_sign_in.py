"""Sign-in over HTTP: set-up, passwords, links and cookies."""

import re
from collections.abc import AsyncIterator
from datetime import datetime

import httpx
import pytest

from api.edge.options import EdgeOptions
from chat.accounts.models import AccountRole, utc_now
from tests.house import PASSWORD, House, client_of

COOKIE = "qwen_chat_session"
BROWSER = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def visitor(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(house.app()) as client:
        yield client


async def sign_in(
    client: httpx.AsyncClient, name: str = "ann", password: str = PASSWORD, **more: str
) -> httpx.Response:
    body = {"name": name, "password": password, **more}
    return await client.post("/api/account/sign-in", json=body)


# --- without a session ------------------------------------------------------------------------


async def test_a_page_redirects_to_sign_in_and_back(
    visitor: httpx.AsyncClient,
) -> None:
    answer = await visitor.get("/people?a=1&b=2", headers=BROWSER)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/people%3Fa%3D1%26b%3D2"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/api/export", "/gradio_api/app_id", "/nothing", "/config"])
async def test_everything_else_is_answered_with_401(visitor: httpx.AsyncClient, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "sign_in_needed"


@pytest.mark.parametrize("path", ["/api/export", "/gradio_api/queue/data"])
async def test_an_api_never_redirects(visitor: httpx.AsyncClient, path: str) -> None:
    assert (await visitor.get(path, headers=BROWSER)).status_code == 401


async def test_before_the_set_up_the_sign_in_page_explains_where_the_link_is(
    visitor: httpx.AsyncClient,
) -> None:
    answer = await visitor.get("/sign-in", headers=BROWSER)
    assert "./start.sh status" in answer.text
    assert "<form" not in answer.text


# --- set-up -----------------------------------------------------------------------------------


async def test_the_set_up_link_makes_an_administrator_once(
    house: House, visitor: httpx.AsyncClient
) -> None:
    token = await house.accounts.one_time_links.set_up()
    assert (await visitor.post("/api/account/pass", json={"token": token})).json() == {
        "kind": "setup"
    }
    body = {"token": token, "name": "ann", "password": PASSWORD}
    answer = await visitor.post("/api/account/accept", json=body)
    assert (answer.status_code, answer.json()) == (200, {"next": "/"})
    assert house.set_up == 1
    assert (await visitor.get("/api/account")).json() == {"name": "ann", "rank": "admin"}
    again = await visitor.post("/api/account/accept", json=body | {"name": "eve"})
    assert again.status_code == 404


async def test_without_users_loopback_requests_are_the_local_users() -> None:
    house = House(sign_in_needed=False)
    async with client_of(house.app()) as client:
        assert (await client.get("/api/account")).json() == {"name": "local", "rank": "admin"}
        for path in ("/account", "/people", "/guests"):
            assert (await client.get(path)).status_code == 404
        await house.add("ann")
        house.clock.advance(seconds=2)
        assert (await client.get("/api/account")).status_code == 401


# --- signing in -------------------------------------------------------------------------------


async def test_signing_in_redirects_to_the_requested_page(
    house: House, visitor: httpx.AsyncClient
) -> None:
    await house.add("ann")
    answer = await sign_in(visitor, next="/people?a=1")
    assert answer.json() == {"next": "/people?a=1"}
    assert (await visitor.get("/api/account")).json()["name"] == "ann"


@pytest.mark.parametrize(
    "next_page",
    [
        "//evil.example",
        "////evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/a\r\nSet-Cookie: a=b",
        " //evil.example",
        "evil.example",
        "",
    ],
)
async def test_signing_in_never_leads_to_another_host(
    house: House, visitor: httpx.AsyncClient, next_page: str
) -> None:
    await house.add("ann")
    page = await visitor.get("/sign-in", params={"next": next_page}, headers=BROWSER)
    assert 'name="next" value="/"' in page.text
    assert (await sign_in(visitor, next=next_page)).json() == {"next": "/"}
    there = await visitor.get("/sign-in", params={"next": next_page}, headers=BROWSER)
    assert (there.status_code, there.headers["location"]) == (303, "/")


async def test_an_unknown_name_and_a_wrong_password_are_answered_alike(
    house: House, visitor: httpx.AsyncClient
) -> None:
    await house.add("ann")
    wrong, unknown = await sign_in(visitor, password="x" * 12), await sign_in(visitor, name="bob")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content
    assert COOKIE not in wrong.headers.get("set-cookie", "")


async def test_a_session_from_before_signing_in_is_replaced(house: House) -> None:
    planted = await house.add("ann")
    async with client_of(house.app(), planted) as client:
        answer = await sign_in(client)
        token = answer.cookies[COOKIE]
    assert token != planted
    assert await house.accounts.sessions.find(planted) is None
    assert await house.accounts.sessions.find(token)


async def test_a_client_chosen_token_is_never_accepted(house: House) -> None:
    await house.add("ann")
    async with client_of(house.app(), "made-by-eve") as client:
        answer = await sign_in(client)
    assert "made-by-eve" not in answer.headers["set-cookie"]
    assert await house.accounts.sessions.find("made-by-eve") is None


# --- the cookie -------------------------------------------------------------------------------


async def test_the_cookie_is_http_only_and_same_site(
    house: House, visitor: httpx.AsyncClient
) -> None:
    await house.add("ann")
    cookie = (await sign_in(visitor)).headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= parts
    assert "secure" not in parts
    assert not any(part.startswith("domain") for part in parts)


async def test_under_https_the_cookie_has_the_host_prefix() -> None:
    house = House(edge=EdgeOptions(trusted_proxies=("127.0.0.1",)))
    await house.add("ann")
    async with client_of(house.app(), headers={"X-Forwarded-Proto": "https"}) as client:
        cookie = (await sign_in(client)).headers["set-cookie"]
        assert cookie.startswith(f"__Host-{COOKIE}=")
        assert "; secure" in cookie.lower()
        token = cookie.partition("=")[2].partition(";")[0]
        client.cookies.clear()
        plain = await client.get("/api/account", headers={"Cookie": f"{COOKIE}={token}"})
        hosts = await client.get("/api/account", headers={"Cookie": f"__Host-{COOKIE}={token}"})
    assert (plain.status_code, hosts.status_code) == (401, 200)


async def test_an_untrusted_proxy_cannot_claim_https() -> None:
    house = House(edge=EdgeOptions(trusted_proxies=("10.9.9.9",)))
    await house.add("ann")
    async with client_of(house.app(), headers={"X-Forwarded-Proto": "https"}) as client:
        assert (await sign_in(client)).headers["set-cookie"].startswith(f"{COOKIE}=")


async def test_behind_a_proxy_path_cookie_and_redirects_stay_below_it() -> None:
    edge = EdgeOptions(trusted_proxies=("127.0.0.1",), root_path="/chat")
    house = House(edge=edge)
    await house.add("ann")
    async with client_of(house.app(), headers={"X-Forwarded-Proto": "https"}) as client:
        answer = await client.get("/chat/people", headers=BROWSER)
        assert answer.headers["location"] == "/chat/sign-in?next=/chat/people"
        body = {"name": "ann", "password": PASSWORD, "next": "/elsewhere"}
        answer = await client.post("/chat/api/account/sign-in", json=body)
    assert answer.json() == {"next": "/chat/"}
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"{COOKIE}=")
    assert "; path=/chat" in cookie
    assert "; secure" in cookie


async def test_brute_force_is_throttled_by_address_but_the_owner_can_sign_in(house: House) -> None:
    await house.add("ann")
    app = house.app()

    def at(address: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=app, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://localhost:7860")

    async with at("203.0.113.9") as eve, at("10.0.0.1") as ann:
        for _ in range(15):
            assert (await sign_in(eve, password="wrong password")).status_code == 401
        refused = await sign_in(eve)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert (await sign_in(ann)).status_code == 200


async def test_a_forged_forwarded_address_does_not_bypass_the_throttle(house: House) -> None:
    await house.add("ann")
    async with client_of(house.app()) as eve:
        for number in range(15):
            eve.headers["X-Forwarded-For"] = f"203.0.113.{number}"
            assert (await sign_in(eve, password="wrong password")).status_code == 401
        eve.headers["X-Forwarded-For"] = "203.0.113.99"
        assert (await sign_in(eve)).status_code == 429


# --- from other sites -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["sign-in", "sign-out", "sign-out-everywhere", "delete"])
async def test_another_site_cannot_act_for_a_visitor(
    house: House, headers: dict[str, str], path: str
) -> None:
    token = await house.add("ann")
    async with client_of(house.app(), token) as client:
        body = {"name": "ann", "password": PASSWORD}
        answer = await client.post(f"/api/account/{path}", json=body, headers=headers)
    assert answer.status_code == 403
    assert await house.accounts.sessions.find(token)


@pytest.mark.parametrize("path", ["sign-out", "sign-out-everywhere", "delete", "password"])
async def test_a_get_request_does_not_sign_out(house: House, path: str) -> None:
    token = await house.add("ann")
    async with client_of(house.app(), token) as client:
        assert (await client.get(f"/api/account/{path}")).status_code in (404, 405)
    assert await house.accounts.sessions.find(token)


async def test_a_form_of_another_site_is_rejected_as_no_json(house: House) -> None:
    await house.add("ann")
    async with client_of(house.app()) as client:
        form = {"name": "ann", "password": PASSWORD}
        assert (await client.post("/api/account/sign-in", data=form)).status_code == 415


# --- guests -----------------------------------------------------------------------------------


async def test_a_guest_signs_in_with_a_nickname_and_gets_the_preset(house: House) -> None:
    admin = await house.add("ann")
    app = house.app()
    async with client_of(app, admin) as ann, client_of(app) as guest:
        link_form = {"label": "open day", "days": 1, "max_guests": 1, "max_messages": 5}
        link_form |= {"max_tokens": 1000, "preset_id": "translator"}
        link = (await ann.post("/api/guest-links", json=link_form)).json()["link"]
        assert link.startswith("/guest#")
        token = link.partition("#")[2]
        reply = await guest.post("/api/account/guest-link", json={"token": token})
        told = reply.json()
        assert (told["kind"], told["welcome"], told["messages"]) == ("guest", "", "5")
        assert "open day" not in reply.text  # the label is the host's alone
        entrance = {"token": token, "nickname": "Zoë"}
        answer = await guest.post("/api/account/enter", json=entrance)
        assert answer.json() == {"next": "/#preset=translator"}
        own = (await guest.get("/api/account")).json()
        assert (own["name"], own["rank"], own["messages"]) == ("Zoë", "guest", 5)
        assert datetime.fromisoformat(own["until"]) > utc_now()
        async with client_of(app) as late:
            assert (await late.post("/api/account/enter", json=entrance)).status_code == 403


@pytest.mark.parametrize("page", ["/account", "/people", "/guests", "/sign-in", "/welcome"])
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_pages_allow_no_inline_script_and_no_external_request(
    house: House, page: str, language: str
) -> None:
    token = await house.add("<b>ann</b>")
    session = None if page in ("/sign-in", "/welcome") else token
    async with client_of(house.app(), session) as client:
        answer = await client.get(page, headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    policies = answer.headers.get_list("content-security-policy")
    assert any("unsafe" not in policy and "script-src 'self'" in policy for policy in policies)
    assert answer.headers["cache-control"] == "no-store"
    assert "<b>ann</b>" not in answer.text
    assert not re.search(r"\son\w+\s*=", answer.text)
    assert "http" not in answer.text


async def test_roles_see_their_own_pages(house: House) -> None:
    await house.add("ann")
    bob = await house.add("bob", AccountRole.MEMBER)
    async with client_of(house.app(), bob) as client:
        pages = {path: (await client.get(path)).status_code for path in ("/guests", "/people")}
    assert pages == {"/guests": 200, "/people": 404}
