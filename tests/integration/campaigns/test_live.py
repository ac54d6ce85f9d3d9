"""A running campaign for its host over HTTP: what is new, every chat, and what the host does."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from chat.campaigns.models import Mode
from chat.campaigns.validation import MAX_NOTICE
from store import open_store
from tests.campaign_site import FIRST, SECOND, Fair
from tests.house import client_of
from tests.migrated import migrated
from tests.page_client import PageClient

QUESTION = {"question": "Which <b>river</b>?", "request_id": "12345678", "task_id": "t1"}


@pytest.fixture
async def fair(tmp_path: Path) -> AsyncIterator[Fair]:
    store = open_store(migrated(tmp_path))
    await store.open()
    fair = Fair(store)
    yield fair
    await fair.parts.drain(0)
    await store.close()


async def ask(guest: httpx.AsyncClient, at: str, **changes: object) -> str:
    """The id of an answered comparison."""
    asked = await guest.post(f"/api{at}/duels", json=QUESTION | changes)
    comparison = re.findall(r'data-round="(\w+)"', asked.json()["html"])[0]
    await guest.get(f"/api/duel-events/{comparison}")
    return str(comparison)


async def test_the_host_sees_testers_and_what_they_do_as_it_happens(fair: Fair) -> None:
    campaign = await fair.open(Mode.BLIND)
    at, live = f"/campaign/{campaign.id}", f"/api/campaigns/{campaign.id}/live"
    async with client_of(fair.app) as guest, fair.host() as host:
        await fair.enter(guest, at)
        first = await host.get(live)
        assert "agreed and takes part" in first.json()["parts"]["events"]
        assert (
            await host.get(live, headers={"If-None-Match": first.headers["etag"]})
        ).content == b""
        comparison = await ask(guest, at)
        second = await host.get(live, headers={"If-None-Match": first.headers["etag"]})
        assert (second.status_code, second.json()["figures"]["unvoted"]) == (200, 1)
        assert "has not voted yet" in second.json()["parts"]["events"]
        assert "Which &lt;b&gt;river" in second.json()["parts"]["events"]
        vote = f"/api/duels/{comparison}"
        for choice in ("left", "tie"):
            await guest.post(f"{vote}/vote", json={"choice": choice})
        await guest.post(f"{vote}/comment", json={"comment": "It rhymes."})
        third = await host.get(live, headers={"If-None-Match": second.headers["etag"]})
        events, testers = (third.json()["parts"][part] for part in ("events", "testers"))
        for text in (
            "equally good",
            "changed 1 time",
            "It rhymes.",
            f"/results/votes/{comparison}",
        ):
            assert text in events
        assert (
            "<bdi>Gus</bdi></td><td>1 / 1</td><td>1</td><td>1</td><td>0</td><td>0</td>" in testers
        )
        page = (await host.get(f"/campaigns/{campaign.id}")).text
        assert events in page
        assert testers in page
    assert FIRST not in " ".join(fair.traffic)


async def test_the_host_reads_every_chat_of_the_campaign_and_nobody_else_does(fair: Fair) -> None:
    campaign = await fair.open(Mode.BLIND)
    at, live = f"/campaign/{campaign.id}", f"/api/campaigns/{campaign.id}/live"
    async with client_of(fair.app) as guest, fair.host() as host:
        await fair.enter(guest, at)
        await ask(guest, at)
        listed = (await host.get(live)).json()["parts"]["chats"]
        chats = re.findall(r'href="(/campaigns/\w+/chats/\w+)"', listed)
        assert len(chats) == 2
        pages = " ".join([(await host.get(path)).text for path in chats])
        for text in ("Which &lt;b&gt;river", "A river.", FIRST, SECOND, "<bdi>Gus</bdi>"):
            assert text in pages
        other = await fair.parts.campaigns.add(fair.user, campaign.plan)
        elsewhere = chats[0].replace(campaign.id, other.id)
        assert (await host.get(elsewhere)).status_code == 404
        async with client_of(fair.app, fair.member) as member:
            for someone in (member, guest):
                for path in (*chats, live):
                    assert (await someone.get(path)).status_code == 404
    assert FIRST not in " ".join(fair.traffic)


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "can read your chats here"), ("zh", "主持人可以阅读您在这里的对话")],
)
async def test_testers_are_told_that_the_host_reads_their_chats(
    fair: Fair, language: str, told: str
) -> None:
    campaign = await fair.open(Mode.SPLIT)
    async with client_of(fair.app, headers={"Accept-Language": language}) as guest:
        await fair.enter(guest, f"/campaign/{campaign.id}")
        before = [text for text in fair.traffic if "digest" in text]
        assert told in before[0]
        assert told in (await guest.get(f"/campaign/{campaign.id}")).text


async def test_a_paused_test_takes_no_question_until_it_goes_on(fair: Fair) -> None:
    campaign = await fair.open(Mode.BLIND)
    at, steer = f"/campaign/{campaign.id}", f"/api/campaigns/{campaign.id}"
    another = QUESTION | {"request_id": "x" * 9}
    async with client_of(fair.app) as guest, fair.host() as host:
        await fair.enter(guest, at)
        comparison = await ask(guest, at)
        assert (await host.post(f"{steer}/pause")).is_success
        vote = f"/api/duels/{comparison}/vote"
        assert (await guest.post(vote, json={"choice": "tie"})).is_success
        refused = await guest.post(f"/api{at}/duels", json=another)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "campaign_paused")
        for path in (at, f"{at}/compare", f"{at}/survey"):
            assert "The host has paused this test." in (await guest.get(path)).text
        assert (await host.post(f"{steer}/resume")).is_success
        assert "paused this test" not in (await guest.get(f"/api{at}/notice")).text
        assert (await guest.post(f"/api{at}/duels", json=another)).is_success


async def test_testers_read_what_the_host_tells_them_until_it_is_withdrawn(fair: Fair) -> None:
    campaign = await fair.open(Mode.SPLIT)
    at, steer = f"/campaign/{campaign.id}", f"/api/campaigns/{campaign.id}"
    async with client_of(fair.app) as guest, fair.host() as host:
        await fair.enter(guest, at)
        await guest.get("/gradio_api/startup-events")
        tab = PageClient(guest)
        await tab.open()
        long = await host.post(f"{steer}/notice", json={"notice": "x" * (MAX_NOTICE + 1)})
        assert (long.status_code, long.json()["error"]["param"]) == (400, "notice")
        await host.post(f"{steer}/notice", json={"notice": "Five <b>more</b>\nminutes"})
        told = "Five &lt;b&gt;more&lt;/b&gt; minutes"
        assert told in (await guest.get(at)).text
        assert told in (await guest.get(f"/api{at}/notice")).json()["html"]
        await tab.fire("bridge", "tick")
        assert told in fair.traffic[-1]
        assert told in (await host.get(f"{steer}/live")).json()["parts"]["controls"]
        await host.post(f"{steer}/notice", json={"notice": None})
        await tab.fire("bridge", "tick")
        assert told not in fair.traffic[-1]
        assert (await guest.get(f"/api{at}/notice")).json() == {"html": ""}
    assert fair.found() == []


async def test_the_host_extends_the_test_and_raises_the_limits_of_its_link(fair: Fair) -> None:
    campaign = await fair.open(Mode.SPLIT)
    steer = f"/api/campaigns/{campaign.id}"
    async with fair.host() as host:
        (before,) = await fair.parts.campaigns.links(fair.user, campaign.id)
        more = f"{steer}/links/{before.id}/raise"
        for body in ({"guests": 1}, {"messages": 10}):
            assert (await host.post(more, json=body)).is_success
        for body in ({"guests": 1_000}, {"messages": 100_000}):
            assert (await host.post(more, json=body)).status_code == 400
        unknown = await host.post(f"{steer}/links/other/raise", json={"guests": 1})
        assert unknown.status_code == 404
        assert (await host.post(f"{steer}/extend", json={"hours": 0})).status_code == 400
        assert (await host.post(f"{steer}/extend", json={"hours": 48})).is_success
        (after,) = await fair.parts.campaigns.links(fair.user, campaign.id)
        assert (after.max_guests, after.max_messages) == (3, 19)
        assert after.expires_at > before.expires_at
        assert (await host.post(f"{steer}/pause")).is_success
        log = (await host.get("/api/people/audit.csv")).text
        page = (await host.get("/people")).text
    assert f"<td>{campaign.plan.title}</td>" in page
    assert f"<td>{before.label}</td>" in page
    for action in ("raise-guest-link", "extend-campaign", "pause-campaign"):
        assert action in log
