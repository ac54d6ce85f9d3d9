"""Links to copies of conversations over HTTP: with and without a session."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from chat.conversations.shares import Shares
from store import RoutingStore
from tests.contract.stores import ask_and_answer
from tests.house import House, client_of
from tests.migrated import opened_store


@dataclass
class Town:
    """A member, signed in, and somebody who is not."""

    store: RoutingStore
    member: httpx.AsyncClient
    stranger: httpx.AsyncClient
    member_id: str

    async def shared(self, answer: str, **body: object) -> httpx.Response:
        turn = await ask_and_answer(self.store, user_id=self.member_id, answer=answer)
        asked = {"conversation_id": turn.conversation.id, "days": 7, **body}
        return await self.member.post("/api/shares", json=asked)


@pytest.fixture(params=[True, False], ids=["on", "off"])
async def town(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Town]:
    house = House()
    await house.add("Ann")
    token = await house.add("Bob")
    (bob,) = [user for user in house.users.by_id.values() if user.name == "Bob"]
    async with opened_store(tmp_path) as store:
        app = house.app(shares=Shares(store, store.shares, enabled=request.param))
        async with client_of(app, token) as member, client_of(app) as stranger:
            yield Town(store, member, stranger, bob.id)


@pytest.mark.parametrize("town", [True], indirect=True)
async def test_whoever_has_the_link_reads_the_copy_without_login(town: Town) -> None:
    made = await town.shared("**Because** <script>alert(1)</script>")
    link = made.json()["link"]
    page = await town.stranger.get(link)
    assert page.status_code == 200
    assert "<strong>Because</strong>" in page.text
    assert "<script>alert(1)" not in page.text
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert page.headers["cache-control"] == "no-store"
    assert "Bob" not in page.text
    listed = await town.member.get("/shares")
    assert link.rpartition("/")[2] not in listed.text
    assert made.json()["id"] in listed.text
    assert listed.text.count('aria-current="page"') == 1
    await town.member.post(f"/api/shares/{made.json()['id']}/revoke", json={})
    assert (await town.stranger.get(link)).status_code == 404
    assert (await town.stranger.get("/shares")).status_code in (303, 401)


@pytest.mark.parametrize("town", [False], indirect=True)
async def test_where_sharing_is_off_nothing_is_shared_and_no_form_is_offered(town: Town) -> None:
    refused = await town.shared("Because")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "sharing_off")
    page = await town.member.get("/shares")
    assert page.status_code == 200
    assert "turned off" in page.text
    assert "data-post=" not in page.text


@pytest.mark.parametrize("town", [True], indirect=True)
async def test_the_form_offers_the_conversation_of_the_address(town: Town) -> None:
    turn = await ask_and_answer(town.store, user_id=town.member_id, title="My <title>")
    page = await town.member.get("/shares", params={"conversation": turn.conversation.id})
    assert "My &lt;title&gt;" in page.text
    assert (await town.member.get("/shares", params={"conversation": "x"})).status_code == 404
