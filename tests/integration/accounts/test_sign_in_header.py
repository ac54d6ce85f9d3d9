"""Users that a proxy has signed in: accepted only from trusted proxies."""

import httpx
import pytest

from api.edge.options import EdgeOptions
from tests.house import House

HEADER = "X-Remote-User"
BROWSER = {"Accept": "text/html"}
PROXY, STRANGER = "10.0.0.9", "203.0.113.5"


@pytest.fixture
async def house() -> House:
    house = House(edge=EdgeOptions(trusted_proxies=(PROXY,), sign_in_header=HEADER))
    await house.add("root")
    return house


def at(house: House, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=house.app(), client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:7860")


async def arrive(client: httpx.AsyncClient, *names: str) -> httpx.Response:
    headers = [*BROWSER.items(), *((HEADER, name) for name in names)]
    return await client.get("/sign-in?next=/account", headers=headers)


async def test_a_user_named_by_the_proxy_is_signed_in_with_a_stable_account(house: House) -> None:
    for _ in range(2):
        async with at(house, PROXY) as client:
            assert (await arrive(client, "ann")).headers["location"] == "/account"
            me = await client.get("/api/account", headers={HEADER: "ann"})
            assert me.json() == {"name": "ann", "rank": "member"}
    assert len(house.users.by_id) == 2


async def test_only_the_proxy_can_name_a_user(house: House) -> None:
    async with at(house, STRANGER) as client:
        assert (await arrive(client, "root")).status_code == 200
        assert (await client.get("/api/account", headers={HEADER: "root"})).status_code == 401


async def test_a_proxy_name_does_not_match_a_password_account(house: House) -> None:
    async with at(house, PROXY) as client:
        await arrive(client, "root")
        me = await client.get("/api/account", headers={HEADER: "root"})
    assert me.json() == {"name": "root 2", "rank": "member"}


async def test_two_proxy_names_at_once_are_refused(house: House) -> None:
    async with at(house, PROXY) as client:
        assert (await arrive(client, "ann", "root")).status_code == 200


async def test_a_session_ends_when_the_proxy_names_another_user(house: House) -> None:
    async with at(house, PROXY) as client:
        await arrive(client, "ann")
        assert (await client.get("/api/account", headers={HEADER: "bob"})).status_code == 401
        await arrive(client, "bob")
        me = await client.get("/api/account", headers={HEADER: "bob"})
        assert me.json()["name"] == "bob"


async def test_no_user_signs_in_by_a_header_before_the_administrator() -> None:
    empty = House(edge=EdgeOptions(trusted_proxies=(PROXY,), sign_in_header=HEADER))
    async with at(empty, PROXY) as client:
        assert (await arrive(client, "ann")).status_code == 200
    assert empty.users.by_id == {}
