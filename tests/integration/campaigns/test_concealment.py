"""Where variants are compared, nothing that a tester receives names what answered."""

import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from chat.campaigns.models import Mode
from chat.conversations.jobs import Job
from store import open_store
from tests.campaign_site import FIRST, Fair
from tests.fakes import Script
from tests.house import client_of
from tests.migrated import migrated
from tests.page_client import PageClient
from tests.programs import until

PROGRAM = {"model": "default", "messages": [{"role": "user", "content": "Who are you?"}]}


@pytest.fixture
async def fair(tmp_path: Path) -> AsyncIterator[Fair]:
    store = open_store(migrated(tmp_path))
    await store.open()
    fair = Fair(store)
    yield fair
    await fair.parts.drain(0)
    await store.close()


def _is_written(job: Job) -> bool:
    return job.progress.text == "A river."


async def other_channels(guest: httpx.AsyncClient) -> None:
    """What a guest can ask for besides the pages of the campaign."""
    for path in ("/account", "/readyz", "/healthz", "/manifest.json", "/openapi.json", "/docs"):
        await guest.get(path)
    for path in ("/v1", "/v1/models", f"/v1/models/{FIRST.lower()}", "/metrics", "/config"):
        await guest.get(path)
    for path in ("/v1/chat/completions", "/v1/responses", "/v1/tokenize"):
        await guest.post(path, json=PROGRAM)


async def test_the_chat_page_of_a_split_test_names_no_model_and_no_setting(fair: Fair) -> None:
    campaign = await fair.open(Mode.SPLIT)
    async with client_of(fair.app) as guest:
        await fair.enter(guest, f"/campaign/{campaign.id}")
        await guest.get("/gradio_api/startup-events")
        tab = PageClient(guest)
        await tab.open()
        assert "Not shown in this test" in fair.traffic[-1]
        tab.put("message", "Which river?")
        await tab.fire("send", "click")
        await until(lambda: not fair.parts.jobs.users())
        conversation_id = tab.value("bridge")
        await tab.open(conversation_id)
        await tab.fire("bridge", "tick")
        user_id = await fair.user_id()
        opened = await fair.parts.conversations.open(user_id, conversation_id)
        for event in ("details", "prompt", "rating"):
            await tab.fire("bridge", event, message=opened.messages[-1].id, key="k", verdict="")
        assert "are not shown to its testers" in " ".join(fair.traffic)
        export = f"/api/conversations/{conversation_id}/export"
        for kind in ("json", "md", "html", "sharegpt"):
            exported = await guest.get(export, params={"format": kind})
            assert (exported.status_code, "A river." in exported.text) == (200, True)
        assert "A river." in (await guest.get("/api/export?format=json")).text
        await other_channels(guest)
    assert "A river." in " ".join(fair.traffic)
    assert fair.found() == []


async def test_after_a_restart_an_open_page_of_a_split_test_names_no_model(fair: Fair) -> None:
    campaign = await fair.open(Mode.SPLIT)
    async with client_of(fair.app) as guest:
        await fair.enter(guest, f"/campaign/{campaign.id}")
        await guest.get("/gradio_api/startup-events")
        tab = PageClient(guest)
        await tab.open()
        tab.session_hash = "another tab"  # the server has nothing of this tab any more
        await tab.fire("bridge", "tick")
        assert "Not shown in this test" in fair.traffic[-1]
    assert fair.found() == []


async def test_a_blind_comparison_names_no_model_and_no_setting_anywhere(fair: Fair) -> None:
    campaign = await fair.open(Mode.BLIND)
    at = f"/campaign/{campaign.id}"
    async with client_of(fair.app) as guest:
        await fair.enter(guest, at)
        question = {"question": "Which?", "request_id": "12345678", "task_id": "t1"}
        asked = await guest.post(f"/api{at}/duels", json=question)
        comparison = re.findall(r'data-round="(\w+)"', asked.json()["html"])[0]
        await guest.get(f"/api/duel-events/{comparison}")
        for path in (at, f"{at}/compare", f"{at}/survey", "/api/export?format=json"):
            assert (await guest.get(path)).is_success
        for path, body in (
            ("vote", {"choice": "left"}),
            ("comment", {"comment": "because"}),
            ("again", {"request_id": "x" * 9}),
            ("skip", {"reason": ""}),
        ):
            await guest.post(f"/api/duels/{comparison}/{path}", json=body)
        await guest.get("/gradio_api/startup-events")
        tab = PageClient(guest)
        await tab.open()
        tab.put("message", "Which river?")
        await tab.fire("send", "click")
        assert "ask on its own page" in tab.value("note")
        await tab.fire("bridge", "tick")
        stored = await fair.stored(comparison)
        for side in (stored.left, stored.right):
            export = f"/api/conversations/{side.conversation_id}/export?format=json"
            assert (await guest.get(export)).is_success
        await other_channels(guest)
    assert fair.found("tokens/s") == []


async def test_a_single_variant_is_no_secret(fair: Fair) -> None:
    campaign = await fair.open(Mode.SINGLE)
    async with client_of(fair.app) as guest:
        await fair.enter(guest, f"/campaign/{campaign.id}")
        await guest.get("/gradio_api/startup-events")
        tab = PageClient(guest)
        await tab.open()
        assert FIRST in fair.traffic[-1]


@pytest.mark.parametrize(("mode", "shows_rate"), [(Mode.SPLIT, False), (Mode.SINGLE, True)])
async def test_the_rate_of_an_answer_in_the_making_is_told_where_nothing_is_compared(
    fair: Fair, mode: Mode, *, shows_rate: bool
) -> None:
    fair.said[:] = [Script(["A ", "river."], hangs=True)]
    campaign = await fair.open(mode)
    async with client_of(fair.app) as guest:
        await fair.enter(guest, f"/campaign/{campaign.id}")
        await guest.get("/gradio_api/startup-events")
        tab = PageClient(guest)
        await tab.open()
        tab.put("message", "Which river?")
        await tab.fire("send", "click")
        conversation_id = tab.value("bridge")
        for attempt in ("asked", "asked again"):
            job = fair.parts.jobs.find(await fair.user_id(), conversation_id)
            assert job
            await until(partial(_is_written, job))
            await tab.open(conversation_id)
            assert "Writing" in fair.traffic[-1], attempt
            assert ("tokens/s" in fair.traffic[-1]) is shows_rate, attempt
            job.cancel()
            await until(lambda: not fair.parts.jobs.users())
            if attempt == "asked":
                await tab.fire("bridge", "retry", message=job.message_id)


async def test_readyz_names_the_model_to_members_alone_where_people_sign_in(fair: Fair) -> None:
    campaign = await fair.open(Mode.SINGLE)
    async with client_of(fair.app) as visitor, client_of(fair.app, fair.member) as member:
        for who, name in ((visitor, None), (member, FIRST)):
            answer = await who.get("/readyz")
            assert (answer.status_code, answer.json()["ready"]) == (200, True)
            assert answer.json()["model"] == name
        visitor.cookies.set("qwen_chat_session", "forged")
        assert (await visitor.get("/readyz")).json()["model"] is None
        visitor.cookies.clear()
        await fair.enter(visitor, f"/campaign/{campaign.id}")
        assert (await visitor.get("/readyz")).json()["model"] is None
