"""Guest links over HTTP: what guests read and have left, new limits, and open invitations."""

import re
from datetime import date

import pytest

from chat.accounts.models import AccountUsage
from tests.house import House, client_of

LINK = {"label": "Rivals of ACME", "days": 1, "max_guests": 1, "max_messages": 2}
LINK |= {"max_tokens": 1000}
MORE = {"days": 9, "max_guests": 2, "max_messages": 5, "max_tokens": 2000}


@pytest.fixture
def house() -> House:
    return House()


async def test_guests_read_the_welcome_and_never_the_label(house: House) -> None:
    app = house.app()
    async with client_of(app, await house.add("ann")) as ann, client_of(app) as guest:
        made = (await ann.post("/api/guest-links", json=LINK | {"welcome": " Hello 您好 "})).json()
        assert made["address"] == f"http://localhost:7860{made['link']}"
        assert "Only this machine can open this link" in made["html"]
        assert '<svg viewBox="0 0' in made["html"]
        token = {"token": made["link"].partition("#")[2]}
        told = await guest.post("/api/account/guest-link", json=token)
        assert told.json()["welcome"] == "Hello 您好"
        assert "ACME" not in told.text
        page = (await ann.get("/guests")).text
        assert "Rivals of ACME" in page
        assert "Hello 您好" in page
        too_long = await ann.post("/api/guest-links", json=LINK | {"welcome": "x" * 501})
        error = too_long.json()["error"]
        assert (error["code"], error["limit"]) == ("message_too_long", 500)


async def test_a_used_up_link_is_topped_up_and_the_guest_sees_what_is_left(house: House) -> None:
    app = house.app()
    async with client_of(app, await house.add("ann")) as ann, client_of(app) as guest:
        token = (await ann.post("/api/guest-links", json=LINK)).json()["link"].partition("#")[2]
        await guest.post("/api/account/enter", json={"token": token, "nickname": "Gil"})
        assert "You have 2 questions left," in (await guest.get("/account")).text
        gil = next(user for user in house.users.by_id.values() if user.name == "Gil")
        await house.users.spend(gil.id, date(2026, 1, 1), AccountUsage(2, 10))
        page = (await guest.get("/account")).text
        assert "You have 0 questions left," in page
        assert "it can be topped up" in page
        (link,) = house.users.links.values()
        extended = await ann.post(f"/api/guest-links/{link.id}/extend", json=MORE)
        assert extended.status_code == 200
        assert "You have 3 questions left," in (await guest.get("/account")).text
        refused = await ann.post(f"/api/guest-links/{link.id}/extend", json=MORE | {"days": 400})
        assert refused.json()["error"]["code"] == "invalid_setting"
        assert (
            await guest.post(f"/api/guest-links/{link.id}/extend", json=MORE)
        ).status_code == 404


async def test_a_guest_is_warned_before_signing_out_and_a_member_is_not(house: House) -> None:
    app = house.app()
    async with client_of(app, await house.add("ann")) as ann, client_of(app) as guest:
        token = (await ann.post("/api/guest-links", json=LINK)).json()["link"].partition("#")[2]
        await guest.post("/api/account/enter", json={"token": token, "nickname": "Gil"})
        of_guest, of_member = (await guest.get("/account")).text, (await ann.get("/account")).text
    sign_out = r'data-post="/api/account/sign-out[^"]*" data-then="go" data-sure="Yes, sign out'
    assert len(re.findall(sign_out, of_guest)) == 2
    assert "cannot sign in again" in of_guest
    assert not re.findall(sign_out, of_member)


async def test_an_open_invitation_is_listed_and_can_be_withdrawn(house: House) -> None:
    app = house.app()
    async with client_of(app, await house.add("ann")) as ann, client_of(app) as new:
        link = (await ann.post("/api/people/invite", json={"rank": "member"})).json()["link"]
        token = {"token": link.partition("#")[2]}
        assert (await new.post("/api/account/pass", json=token)).json() == {"kind": "invite"}
        found = re.search(
            r"/api/people/invitations/(\w+)/withdraw", (await ann.get("/people")).text
        )
        assert found
        assert found[1] not in link
        assert (await ann.post(found[0])).status_code == 200
        assert (await ann.post(found[0])).status_code == 404
        assert (await new.post("/api/account/pass", json=token)).status_code == 404
        assert found[0] not in (await ann.get("/people")).text
