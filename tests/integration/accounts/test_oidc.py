"""Sign-in with an OpenID provider: accepted users, and rejected forgeries."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from joserfc.jwk import RSAKey

from auth.oidc import DESCRIPTION_S, OpenIdProvider
from chat.accounts.errors import ProviderRefused
from chat.accounts.models import AccountRole
from tests.house import Clock, House, client_of
from tests.openid import CLIENT, SECRET, OpenId, serve_openid

GO = "/api/account/provider"


@pytest.fixture
def openid() -> Iterator[OpenId]:
    with serve_openid() as provider:
        yield provider


@pytest.fixture
async def house(openid: OpenId) -> House:
    house = House(provider=OpenIdProvider(openid.issuer, CLIENT, SECRET), allow_new=True)
    await house.add("root")
    return house


@pytest.fixture
def app(house: House) -> FastAPI:
    return house.app()


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


async def go_and_return(
    browser: httpx.AsyncClient, openid: OpenId, next_page: str = ""
) -> httpx.Response:
    sent = await browser.get(GO, params={"next": next_page})
    assert sent.status_code == 303
    return await browser.get(openid.authorize(sent.headers["location"]))


async def name_of(browser: httpx.AsyncClient) -> str | None:
    answer = await browser.get("/api/account")
    return answer.json().get("name") if answer.status_code == 200 else None


async def test_a_user_of_the_provider_becomes_a_member(
    browser: httpx.AsyncClient, openid: OpenId, house: House
) -> None:
    page = await browser.get("/sign-in?next=/account")
    assert f'href="{GO}?next=/account"' in page.text
    answer = await go_and_return(browser, openid, "/account")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    me = (await browser.get("/api/account")).json()
    assert me == {"name": "Ann", "rank": "member"}


async def test_an_account_is_identified_by_the_subject_not_the_name(
    browser: httpx.AsyncClient, openid: OpenId, house: House
) -> None:
    await go_and_return(browser, openid)
    openid.name = "root"
    await go_and_return(browser, openid)
    assert await name_of(browser) == "Ann"
    openid.subject = "43"
    await go_and_return(browser, openid)
    assert await name_of(browser) == "root 2"
    roles = sorted((p.name, p.role) for p in house.users.by_id.values())
    assert roles == [
        ("Ann", AccountRole.MEMBER),
        ("root", AccountRole.ADMIN),
        ("root 2", AccountRole.MEMBER),
    ]


async def refused(browser: httpx.AsyncClient, answer: httpx.Response) -> bool:
    assert answer.headers["location"] == "/sign-in?refused=1"
    page = await browser.get(answer.headers["location"])
    assert "did not work" in page.text
    return await name_of(browser) is None


@pytest.mark.parametrize(
    "lies",
    [
        {"iss": "https://evil.example"},
        {"aud": "another-app"},
        {"aud": ["another-app"]},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"sub": None},
        {"azp": "another-app"},
    ],
    ids=str,
)
async def test_a_token_for_another_sign_in_is_rejected(
    browser: httpx.AsyncClient, openid: OpenId, lies: dict[str, Any]
) -> None:
    openid.lies = lies
    assert await refused(browser, await go_and_return(browser, openid))


async def test_a_token_signed_by_another_party_is_rejected(
    browser: httpx.AsyncClient, openid: OpenId
) -> None:
    openid.sign_with = RSAKey.generate_key(2048, {"kid": "1"})
    assert await refused(browser, await go_and_return(browser, openid))


async def test_a_callback_counts_once_and_only_in_the_same_browser(
    browser: httpx.AsyncClient, openid: OpenId, house: House
) -> None:
    sent = await browser.get(GO)
    back = openid.authorize(sent.headers["location"])
    async with client_of(house.app()) as victim:
        assert await refused(victim, await victim.get(back))
    assert (await browser.get(back)).headers["location"] == "/"
    await browser.post("/api/account/sign-out")
    assert await refused(browser, await browser.get(back))


@pytest.mark.parametrize("changed", ["state=x", "iss=https%3A%2F%2Fevil.example", "code="])
async def test_a_modified_callback_is_rejected(
    browser: httpx.AsyncClient, openid: OpenId, changed: str
) -> None:
    sent = await browser.get(GO)
    back = openid.authorize(sent.headers["location"])
    assert await refused(browser, await browser.get(f"{back}&{changed}"))


async def test_an_unreachable_provider_is_reported_on_the_sign_in_page(house: House) -> None:
    house.provider = OpenIdProvider("http://127.0.0.1:9", CLIENT, None)
    async with client_of(house.app()) as client:
        assert await refused(client, await client.get(GO))


async def test_many_started_sign_ins_evict_none_and_ask_the_provider_once(
    app: FastAPI, browser: httpx.AsyncClient, openid: OpenId
) -> None:
    sent = await browser.get(GO)
    async with client_of(app) as attacker:
        for _ in range(30):
            assert (await attacker.get(GO)).status_code == 303
    assert openid.described == 1
    answer = await browser.get(openid.authorize(sent.headers["location"]))
    assert answer.headers["location"] == "/"
    assert await name_of(browser) == "Ann"


async def test_simultaneous_starts_share_one_request_to_the_provider(
    browser: httpx.AsyncClient, openid: OpenId
) -> None:
    answers = await asyncio.gather(*(browser.get(GO) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {303}
    assert openid.described == 1


async def test_a_failed_request_for_the_providers_description_is_repeated(openid: OpenId) -> None:
    clock = Clock()
    provider = OpenIdProvider(openid.issuer, CLIENT, SECRET, clock.timer)
    openid.is_down = True
    with pytest.raises(ProviderRefused):
        await provider.begin("https://here/return")
    openid.is_down = False
    await provider.begin("https://here/return")
    clock.advance(seconds=DESCRIPTION_S)
    await provider.begin("https://here/return")
    assert openid.described == 3


async def test_a_long_path_to_return_to_leads_home(
    browser: httpx.AsyncClient, openid: OpenId
) -> None:
    answer = await go_and_return(browser, openid, "/" + "x" * 5_000)
    assert answer.headers["location"] == "/"


async def test_unknown_users_are_refused_unless_they_may_become_members(
    openid: OpenId, house: House
) -> None:
    house.allow_new = False
    async with client_of(house.app()) as client:
        assert await refused(client, await go_and_return(client, openid))


async def test_no_user_signs_in_by_the_provider_before_the_administrator(openid: OpenId) -> None:
    empty = House(provider=OpenIdProvider(openid.issuer, CLIENT, SECRET), allow_new=True)
    async with client_of(empty.app()) as client:
        answer = await go_and_return(client, openid)
        assert answer.headers["location"] == "/sign-in?refused=1"
    assert await empty.accounts.one_time_links.set_up()


async def test_a_disabled_user_is_rejected(
    browser: httpx.AsyncClient, openid: OpenId, house: House
) -> None:
    await go_and_return(browser, openid)
    users_by_name = {user.name: user for user in house.users.by_id.values()}
    await house.accounts.users.disable(users_by_name["root"], users_by_name["Ann"].id)
    assert await refused(browser, await go_and_return(browser, openid))


async def test_the_return_path_never_leads_to_another_host(
    browser: httpx.AsyncClient, openid: OpenId
) -> None:
    answer = await go_and_return(browser, openid, "//evil.example")
    assert answer.headers["location"] == "/"
