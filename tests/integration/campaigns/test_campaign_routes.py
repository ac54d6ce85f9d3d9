"""Campaigns over HTTP: pages by role, refusals with their texts, withdrawal."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.edge.options import EdgeOptions
from api.server import HostServices, build_api
from chat.accounts.models import AccountRole
from chat.campaigns.models import Campaign
from chat.conversations.presets import Presets
from chat.models import Sampling
from chat.serving.engines import Engines
from store import RoutingStore, open_store
from tests.chat import make_generation
from tests.fakes import ScriptedEngine
from tests.hosting import StoreAccounts, hosting_of
from tests.house import client_of
from tests.migrated import migrated

PLAN: dict[str, Any] = {
    "title": "River test",
    "mode": "single",
    "variants": [
        {
            "name": "A",
            "system_prompt": "Be brief.",
            "preset": "maths.en@2",
            "temperature": 0.5,
            "stop": '["END"]',
        }
    ],
    "tasks": [{"title": "Ask", "instructions": None}],
    "survey": [{"kind": "scale", "text": "How?"}, {"kind": "text", "text": "Why?"}],
    "reasons": "dull\nwrong",
    "ends_at": "2099-01-01T00:00:00.000Z",
}


@dataclass
class Place:
    """The app over a database, and browsers that are signed in."""

    store: RoutingStore
    accounts: StoreAccounts
    app: FastAPI
    tokens: dict[str, str]

    def client(self, name: str | None = None) -> httpx.AsyncClient:
        return client_of(self.app, self.tokens[name] if name else None)

    async def add(self, client: httpx.AsyncClient, **changes: object) -> Campaign:
        answer = await client.post("/api/campaigns", json=PLAN | changes)
        assert answer.status_code == 200, answer.text
        campaign_id = answer.json()["next"].removeprefix("/campaigns/")
        return await self.store.feedback.campaigns.campaign(campaign_id)

    async def guest_token(self, host: httpx.AsyncClient, campaign: Campaign) -> str:
        """The secret of a new link to that campaign."""
        terms = {"label": "day", "days": 1, "max_guests": 2, "max_messages": 5, "max_tokens": 99}
        answer = await host.post(f"/api/campaigns/{campaign.id}/links", json=terms)
        return str(answer.json()["link"].removeprefix("/guest#"))


def app_of(
    store: RoutingStore, accounts: StoreAccounts, hosting: HostServices | None = None
) -> FastAPI:
    return build_api(
        engine=ScriptedEngine(),
        edge=EdgeOptions(),
        presets=Presets(store),
        sign_in=accounts.sign_in,
        hosting=hosting or hosting_of(store),
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RoutingStore]:
    store = open_store(migrated(tmp_path))
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def place(store: RoutingStore) -> Place:
    accounts = StoreAccounts(store)
    tokens = {
        name: await accounts.add(name, role)
        for name, role in (
            ("root", AccountRole.ADMIN),
            ("host", AccountRole.MEMBER),
            ("other", AccountRole.MEMBER),
        )
    }
    return Place(store, accounts, app_of(store, accounts), tokens)


async def test_an_edited_plan_keeps_the_settings_that_its_form_has_no_field_for(
    place: Place,
) -> None:
    hidden = {
        "stop": '["a\\nb"]',
        "presence_penalty": "0.5",
        "frequency_penalty": "-0.25",
        "min_new_tokens": "3",
    }
    variant: dict[str, Any] = PLAN["variants"][0] | hidden
    expected = Sampling(
        temperature=0.5,
        stop=("a\nb",),
        presence_penalty=0.5,
        frequency_penalty=-0.25,
        min_new_tokens=3,
    )
    async with place.client("host") as host:
        campaign = await place.add(host, variants=[variant])
        assert campaign.plan.variants[0].sampling == expected
        page = (await host.get(f"/campaigns/{campaign.id}/edit")).text
        inputs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
        first = {name: unescape(value) for name, value in reversed(inputs)}  # of the first variant
        assert {name: first[name] for name in hidden} == hidden


async def test_a_form_becomes_a_plan_and_can_be_edited(place: Place) -> None:
    async with place.client("host") as host:
        campaign = await place.add(host)
        variant = campaign.plan.variants[0]
        assert (variant.preset and variant.preset.id, variant.sampling.stop) == (
            "maths.en",
            ("END",),
        )
        assert campaign.plan.reasons == ("dull", "wrong")
        for path in (
            "",
            "/new",
            f"/{campaign.id}",
            f"/{campaign.id}/edit",
            f"/new?copy={campaign.id}",
        ):
            page = await host.get(f"/campaigns{path}")
            assert page.status_code == 200
        assert "River test" in page.text
        changed = await host.post(f"/api/campaigns/{campaign.id}", json=PLAN | {"title": "New"})
        assert changed.json() == {"next": f"/campaigns/{campaign.id}"}
        for turn, closed in (("close", True), ("reopen", False)):
            await host.post(f"/api/campaigns/{campaign.id}/{turn}")
            stored = await place.store.feedback.campaigns.campaign(campaign.id)
            assert bool(stored.closed_at) is closed
        deleted = await host.post(f"/api/campaigns/{campaign.id}/delete")
        assert deleted.json() == {"next": "/campaigns", "rows": 1}


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"consent": "x" * 1_000_000}, 400, "bad_plan", "consent"),
        ({"title": None}, 400, "bad_plan", "title"),
        ({"variants": []}, 400, "bad_plan", "variants"),
        ({"tasks": [{"title": "x"}] * 51}, 400, "bad_plan", "tasks"),
        ({"mode": "other"}, 422, "invalid_request", "body.mode"),
        ({"ends_at": "2026-01-01T00:00"}, 422, "invalid_request", "body.ends_at"),
        ({"variants": [{"name": "A", "temperature": 9}]}, 400, "invalid_setting", None),
    ],
)
async def test_a_refused_plan_names_its_field(
    place: Place, change: dict[str, object], status: int, code: str, param: str | None
) -> None:
    async with place.client("host") as host:
        answer = await host.post("/api/campaigns", json=PLAN | change)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param)


async def test_a_second_model_is_offered_stored_and_reported_missing(
    store: RoutingStore,
) -> None:
    second = ScriptedEngine(quantization="nf4")
    generation = make_generation(Engines(ScriptedEngine(), second))
    accounts, name = StoreAccounts(store, sign_in_needed=False), "Scripted-1B-Instruct (nf4)"
    app = app_of(store, accounts, hosting_of(store, generation=generation))
    place = Place(store, accounts, app, {})
    async with place.client() as host:
        assert f'<option value="{name}">' in (await host.get("/campaigns/new")).text
        variants = [{"name": "A", "engine": name}]
        campaign = await place.add(host, variants=variants)
        assert campaign.plan.variants[0].engine == name
        page = (await host.get(f"/campaigns/{campaign.id}")).text
        plan = page.partition("<h2>Plan</h2>")[2]
        assert "<td><bdi>A</bdi></td>" in plan
        assert f"<td><bdi>{name}</bdi></td>" in plan
        assert "not running: Scripted" not in page
        second.model = "Other-3B"
        page = (await host.get(f"/campaigns/{campaign.id}")).text
        assert f"not running: {name}" in page
        form = (await host.get(f"/campaigns/{campaign.id}/edit")).text
        assert f'<option value="{name}" selected>{name} – not running</option>' in form
        refused = await host.post("/api/campaigns", json=PLAN | {"variants": variants})
        assert refused.json()["error"]["param"] == "variants.engine"


async def test_with_one_model_there_is_no_choice(place: Place) -> None:
    async with place.client("host") as host:
        form = (await host.get("/campaigns/new")).text
    assert '<select name="engine"' not in form


@pytest.mark.parametrize(
    ("change", "param", "limit"),
    [
        ({"title": "x" * 201}, "title", 200),
        ({"consent": "x" * 20_001}, "consent", 20_000),
        ({"tasks": [{"title": "x"}] * 51}, "tasks", 50),
        ({"tasks": [{"title": "x" * 501}]}, "tasks.title", 500),
        ({"tasks": [{"title": "x", "question": "x" * 20_001}]}, "tasks.question", 20_000),
        ({"survey": [{"kind": "scale", "text": "x", "low": "x" * 61}]}, "survey.low", 60),
        ({"variants": [{"name": "x" * 61}]}, "variants.name", 60),
        ({"variants": [{"name": " "}]}, "variants.name", 0),
    ],
)
async def test_a_long_text_is_refused_with_its_field_and_limit(
    place: Place, change: dict[str, object], param: str, limit: int
) -> None:
    async with place.client("host") as host:
        answer = await host.post("/api/campaigns", json=PLAN | change)
    error = answer.json()["error"]
    assert (error["code"], error["param"], error["limit"]) == ("bad_plan", param, limit)
    assert error["message"].endswith("too much of it.")


async def test_another_members_campaign_is_not_found(place: Place) -> None:
    async with place.client("host") as host:
        campaign = await place.add(host)
    at, api = f"/campaigns/{campaign.id}", f"/api/campaigns/{campaign.id}"
    terms = {"label": "x", "days": 1, "max_guests": 1, "max_messages": 1, "max_tokens": 1}
    async with place.client("other") as other:
        answers = [await other.get(path) for path in (at, f"{at}/edit", f"{api}/progress")]
        answers += [await other.get(f"/campaigns/new?copy={campaign.id}")]
        answers += [await other.post(f"{api}/{do}") for do in ("close", "reopen", "delete")]
        answers += [await other.post(api, json=PLAN), await other.post(f"{api}/links", json=terms)]
        assert "River test" not in (await other.get("/campaigns")).text
    assert {answer.status_code for answer in answers} == {404}
    async with place.client("root") as root:
        assert "River test" in (await root.get("/campaigns")).text
        assert (await root.get(at)).status_code == 200


async def test_a_guest_of_a_campaign_consents_answers_and_withdraws(place: Place) -> None:
    async with place.client("host") as host, place.client() as guest:
        campaign = await place.add(host)
        secret, at = await place.guest_token(host, campaign), f"/campaign/{campaign.id}"
        entered = await guest.post("/api/account/enter", json={"token": secret, "nickname": "Gus"})
        assert entered.json() == {"next": at}
        again = await guest.post("/api/account/guest-link", json={"token": secret})
        assert again.json()["next"] == at
        answer = await guest.post(f"/api{at}/survey", json={"answers": {}, "send": True})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "consent_needed")
        page = (await guest.get(at)).text
        digest = page.partition('name="digest" value="')[2][:64]
        agreed = await guest.post(f"/api{at}/consent", json={"digest": digest})
        assert agreed.json() == {"next": "/"}
        scale, words = campaign.plan.survey
        answers = {scale.id: 4, words.id: None}
        stored = await guest.post(f"/api{at}/survey", json={"answers": answers, "send": "yes"})
        assert stored.json() == {"next": at}
        progress = (await host.get(f"/api/campaigns/{campaign.id}/progress")).json()
        assert (progress["finished"], progress["waiting"]) == (1, 0)
        assert (await guest.get("/campaigns")).status_code == 404
        withdrawn = await guest.post(f"/api{at}/withdraw")
        assert withdrawn.json()["rows"] > 1
        assert (await guest.get("/account")).status_code == 401
    assert "Gus" not in [user.name for user in await place.store.accounts.users()]


async def test_a_members_way_into_a_campaign_is_its_link_and_not_a_guessed_address(
    place: Place,
) -> None:
    async with place.client("host") as host, place.client("other") as other:
        campaign = await place.add(host)
        at = f"/campaign/{campaign.id}"
        for path in (at, f"{at}/survey", f"{at}/compare"):
            page = await other.get(path)
            assert page.status_code == 404
            assert "River test" not in page.text
        answer = await other.post(f"/api{at}/consent", json={"digest": "x"})
        assert answer.status_code == 404
        progress = (await host.get(f"/api/campaigns/{campaign.id}/progress")).json()
        assert progress["came"] == 0
        page = await host.get(f"/campaigns/{campaign.id}")
        assert f'{at}"' not in page.text.partition("<h2>Invite testers")[2]  # the link does
        assert (await host.get(at)).status_code == 200

        secret = await place.guest_token(host, campaign)
        welcomed = await other.post("/api/account/guest-link", json={"token": secret})
        assert welcomed.json()["next"] == at
        assert "River test" in (await other.get(at)).text
        mine = await host.post("/api/account/guest-link", json={"token": secret})
        assert "next" not in mine.json()  # a host tries the link as a guest


async def test_an_unknown_campaign_is_reported_on_a_page(place: Place) -> None:
    async with place.client("host") as host, place.client() as guest:
        mine, another = await place.add(host), await place.add(host, title="Another")
        secret = await place.guest_token(host, mine)
        await guest.post("/api/account/enter", json={"token": secret, "nickname": "Gus"})
        for path in (f"/campaign/{another.id}", "/campaign/x", f"/campaign/{another.id}/survey"):
            page = await guest.get(path)
            assert page.status_code == 404
            assert "not open to you" in page.text


async def test_without_accounts_there_are_campaigns_and_no_links(store: RoutingStore) -> None:
    accounts = StoreAccounts(store, sign_in_needed=False)
    place = Place(store, accounts, app_of(store, accounts), {})
    async with place.client() as local:
        campaign = await place.add(local)
        page = (await local.get(f"/campaigns/{campaign.id}")).text
        assert f'value="http://localhost:7860/campaign/{campaign.id}"' in page
        assert "Only this machine can open this link" in page
        assert '<svg viewBox="0 0' in page
        assert "max_guests" not in page
        terms = {"label": "x", "days": 1, "max_guests": 1, "max_messages": 1, "max_tokens": 1}
        refused = await local.post(f"/api/campaigns/{campaign.id}/links", json=terms)
        assert refused.status_code == 404
