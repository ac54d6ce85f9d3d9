"""The routes and the page of keys."""

from dataclasses import replace

import httpx
import pytest

from chat.accounts.models import AccountRole
from i18n import Language
from pages.i18n import words
from tests.house import House, client_of

NEW = {"name": "nightly <script>", "days": 1, "requests_per_minute": 5, "tokens_per_day": 1000}


@pytest.fixture
def house() -> House:
    return House()


async def keys_html(client: httpx.AsyncClient, language: str = "en") -> str:
    answer = await client.get("/keys", headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return answer.text


async def test_a_key_is_created_displayed_once_and_revoked(house: House) -> None:
    async with client_of(house.app(), await house.add("ann")) as ann:
        created = (await ann.post("/api/keys", json=NEW)).json()
        principal = await house.accounts.keys.principal(created["key"], address="")
        page = await keys_html(ann)
        assert "nightly &lt;script&gt;" in page
        assert f"{created['key'][:8]}…" in page
        assert created["key"] not in page
        assert "5 requests/min<br>1,000 tokens/day" in page
        assert f"/api/keys/{principal.id}/revoke" in page
        assert (await ann.post(f"/api/keys/{created['id']}/revoke")).status_code == 200
        page = await keys_html(ann)
        assert f"/api/keys/{principal.id}/revoke" not in page
        assert words(Language.EN)["revoked"] in page


async def test_members_see_their_own_keys_and_administrators_all_with_owners(house: House) -> None:
    tokens = {name: await house.add(name) for name in ("ann", "bob")}
    app = house.app()
    async with client_of(app, tokens["ann"]) as ann, client_of(app, tokens["bob"]) as bob:
        await ann.post("/api/keys", json=NEW | {"name": "ann's own"})
        bobs = (await bob.post("/api/keys", json=NEW | {"name": "bob's own"})).json()
        assert "ann&#39;s own" not in await keys_html(bob)
        assert "metrics" not in await keys_html(bob)
        page = await keys_html(ann, "zh")
        assert "<bdi>bob</bdi>" in page
        assert "bob&#39;s own" in page
        assert 'value="metrics"' in page
        assert (await ann.post(f"/api/keys/{bobs['id']}/revoke")).status_code == 200


async def test_an_expired_key_is_marked(house: House) -> None:
    async with client_of(house.app(), await house.add("ann")) as ann:
        await ann.post("/api/keys", json=NEW)
        house.users.api_keys = {
            digest: replace(key, expires_at=key.created_at)
            for digest, key in house.users.api_keys.items()
        }
        assert f"<em>{words(Language.EN)['expired']}</em>" in await keys_html(ann)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"name": ""}, 400),
        ({"days": 0}, 422),
        ({"days": 10_000}, 400),
        ({"requests_per_minute": "5"}, 422),
        ({"scopes": []}, 400),
        ({"scopes": ["root"]}, 422),
        ({"scopes": ["metrics"]}, 403),
    ],
)
async def test_an_invalid_key_request_is_refused(
    house: House, wrong: dict[str, object], status: int
) -> None:
    await house.add("ann")
    async with client_of(house.app(), await house.add("bob", AccountRole.MEMBER)) as bob:
        assert (await bob.post("/api/keys", json=NEW | wrong)).status_code == status
    assert house.users.api_keys == {}


async def test_without_accounts_there_is_no_page_of_keys() -> None:
    async with client_of(House(sign_in_needed=False).app()) as client:
        assert (await client.get("/keys")).status_code == 404
        assert (await client.post("/api/keys", json=NEW)).status_code == 404
