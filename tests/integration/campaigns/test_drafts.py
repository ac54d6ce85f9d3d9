"""Drafts over HTTP: half-written plans that survive, a preview, and what nobody may see yet."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chat.accounts.models import AccountRole
from store import RoutingStore, open_store
from tests.hosting import StoreAccounts
from tests.integration.campaigns.test_campaign_routes import PLAN, Place, app_of
from tests.migrated import migrated

HALF: dict[str, Any] = {
    "title": None,
    "mode": "blind",
    "variants": [{"name": "A", "system_prompt": "Be brief."}, {"name": None}],
    "tasks": [{"title": None, "instructions": "Ask for a river"}],
    "survey": [{"kind": "choice", "text": None, "options": "red"}],
    "ends_at": "2020-01-01T00:00:00.000Z",
    "starts_at": "2021-01-01T00:00:00.000Z",
}
BOTH: dict[str, Any] = PLAN | {
    "language": "en",
    "other_title": "河流测试",
    "consent": "We keep it.",
    "other_consent": "我们会保存。",
    "tasks": [{"title": "Ask", "other_title": "提问"}, {"title": "Rate"}],
    "survey": [
        {"kind": "choices", "text": "Which?", "options": "red\nblue", "other_options": "红\n蓝"},
        {"kind": "choice", "text": "Best?", "other_text": "最好？", "options": "red\nblue"},
        {"kind": "rating", "text": "How much?", "low": "not", "other_low": "不"},
    ],
}
TERMS = {"label": "x", "days": 1, "max_guests": 1, "max_messages": 9, "max_tokens": 99}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RoutingStore]:
    store = open_store(migrated(tmp_path))
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def place(store: RoutingStore) -> Place:
    accounts = StoreAccounts(store)
    roles = {"root": AccountRole.ADMIN, "host": AccountRole.MEMBER, "other": AccountRole.MEMBER}
    tokens = {name: await accounts.add(name, role) for name, role in roles.items()}
    return Place(store, accounts, app_of(store, accounts), tokens)


async def test_a_half_written_plan_is_kept_and_found_again(place: Place) -> None:
    async with place.client("host") as host:
        made = (await host.post("/api/campaigns/drafts", json=HALF)).json()
        again = await host.post(made["draft"], json=HALF | {"thanks": "So long"})
        assert again.json() == made
        form = (await host.get(made["edit"])).text
        assert all(text in form for text in ("Be brief.", "Ask for a river", "So long", "red"))
        assert "Open for testers" in form
        overview = (await host.get("/campaigns")).text
        assert "Untitled" in overview
        assert "Draft" in overview
        page = await host.get(made["edit"].removesuffix("/edit"))
        assert (page.status_code, page.headers["location"]) == (303, made["edit"])
        refused = await host.post(made["draft"], json=HALF | {"title": "x" * 201})
        assert refused.json()["error"]["param"] == "title"
    async with place.client("other") as other:
        for path in (made["edit"], made["edit"].replace("edit", "preview")):
            assert (await other.get(path)).status_code == 404
        assert (await other.post(made["draft"], json=HALF)).status_code == 404


async def test_a_draft_is_opened_when_it_is_whole_and_is_no_draft_any_more(place: Place) -> None:
    async with place.client("host") as host:
        made = (await host.post("/api/campaigns/drafts", json=HALF)).json()
        campaign_id = made["post"].removeprefix("/api/campaigns/")
        refused = await host.post(made["post"], json=HALF)
        assert refused.json()["error"]["param"] == "title"
        link = await host.post(f"{made['post']}/links", json=TERMS)
        assert link.json()["error"]["code"] == "campaign_draft"
        for path in (f"/campaign/{campaign_id}", f"/campaign/{campaign_id}/survey"):
            assert (await host.get(path)).status_code == 404
        opened = await host.post(made["post"], json=PLAN)
        assert opened.json() == {"next": f"/campaigns/{campaign_id}"}
        assert (await host.get(f"/campaign/{campaign_id}")).status_code == 200
        assert (await host.post(made["draft"], json=PLAN)).status_code == 404
        assert (await host.post(f"{made['post']}/links", json=TERMS)).status_code == 200
    campaign = await place.store.feedback.campaigns.campaign(campaign_id)
    assert (campaign.is_draft, campaign.plan_version) == (False, 1)


async def test_the_preview_reads_as_for_a_tester_and_counts_nobody(place: Place) -> None:
    async with place.client("host") as host:
        campaign = await place.add(host, **BOTH)
        at = f"/campaigns/{campaign.id}/preview"
        english = (await host.get(at)).text
        assert all(text in english for text in ("We keep it.", "Ask", "Which?", "red"))
        assert "data-post" not in english
        chinese = (await host.get(at, headers={"Accept-Language": "zh"})).text
        assert all(
            text in chinese for text in ("我们会保存。", "提问", "Rate", "Which?", "红", "不")
        )
        assert "We keep it." not in chinese
        progress = (await host.get(f"/api/campaigns/{campaign.id}/progress")).json()
        assert progress["came"] == 0


async def test_answers_in_another_language_are_stored_in_the_plans_own(place: Place) -> None:
    async with place.client("host") as host, place.client() as guest:
        campaign = await place.add(host, **BOTH)
        several, one, rating = campaign.plan.survey
        secret, at = await place.guest_token(host, campaign), f"/campaign/{campaign.id}"
        await guest.post("/api/account/enter", json={"token": secret, "nickname": "Gus"})
        page = (await guest.get(at, headers={"Accept-Language": "zh"})).text
        assert "河流测试" in page
        digest = page.partition('name="digest" value="')[2][:64]
        assert (await guest.post(f"/api{at}/consent", json={"digest": digest})).status_code == 200
        answers = {several.id: [1, 0], one.id: 1, rating.id: 0}
        sent = await guest.post(f"/api{at}/survey", json={"answers": answers, "send": True})
        assert sent.status_code == 200
        form = (await guest.get(f"{at}/survey", headers={"Accept-Language": "zh"})).text
        assert form.count("checked") == 4
        for bad in ({several.id: [2]}, {one.id: 2}, {one.id: "red"}, {rating.id: 11}):
            refused = await guest.post(f"/api{at}/survey", json={"answers": bad})
            assert refused.status_code == 400
    (user,) = [one for one in await place.store.accounts.users() if one.name == "Gus"]
    stored = await place.store.feedback.campaigns.participant(campaign.id, user.id)
    assert stored
    assert stored.survey == {several.id: "red\nblue", one.id: "blue", rating.id: 0}


@pytest.mark.parametrize(
    ("question", "param", "limit"),
    [
        ({"kind": "choice", "options": "red"}, "survey.options", 0),
        ({"kind": "choice", "options": "red\n red "}, "survey.options", 0),
        ({"kind": "choices", "options": "\n".join("abcdefghijklmnopqrstu")}, "survey.options", 20),
        ({"kind": "choice", "options": "a\nb", "other_options": "c"}, "survey.other_options", 0),
        ({"kind": "scale", "other_high": "x" * 61}, "survey.other_high", 60),
        ({"kind": "text", "other_text": "x" * 501}, "survey.other_text", 500),
    ],
)
async def test_a_question_out_of_bounds_is_refused_with_its_field(
    place: Place, question: dict[str, object], param: str, limit: int
) -> None:
    async with place.client("host") as host:
        body = PLAN | {"survey": [question | {"text": "Which?"}]}
        error = (await host.post("/api/campaigns", json=body)).json()["error"]
    assert (error["code"], error["param"], error["limit"]) == ("bad_plan", param, limit)
