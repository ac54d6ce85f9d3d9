"""Where variants are compared, nothing that a tester receives names what answered."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from api.edge.options import EdgeOptions
from api.ops.metrics import Metrics
from app import build_site
from chat.accounts.models import AccountRole
from chat.campaigns.models import Campaign, Comparison, Mode, Plan, Task, Variant
from chat.models import PresetRef, Sampling
from chat.serving.engines import Engines
from config import read_settings
from parts import build_parts
from store import RoutingStore, open_store
from tests.fakes import Script, ScriptedEngine
from tests.hosting import StoreAccounts
from tests.house import client_of
from tests.migrated import migrated
from tests.page_client import PageClient
from tests.programs import until

FIRST, SECOND = "Secret-Llama-9B", "Hidden-Gemma-3B"
SECRETS = (
    FIRST,
    SECOND,
    "secret-kind",
    "hidden-kind",
    "Prompt-of-",
    "0.321",
    "0.654",
    "bf16",
    "ttft_s",
)
"""Models, quantizations, system prompts and settings."""

VARIANTS = tuple(
    Variant(f"Name-of-{letter}", f"Prompt-of-{letter}", Sampling(temperature=at), preset, engine)
    for letter, at, preset, engine in (
        ("A", 0.321, PresetRef("Preset-of-A", 3), f"{FIRST} (secret-kind)"),
        ("B", 0.654, PresetRef("Preset-of-B", 4), f"{SECOND} (hidden-kind)"),
    )
)
NAMES = ("Name-of-", "Preset-of-")
PROGRAM = {"model": "default", "messages": [{"role": "user", "content": "Who are you?"}]}


@dataclass
class Fair:
    """The whole app with two models, its administrator, and all that a guest receives."""

    store: RoutingStore
    traffic: list[str] = field(default_factory=list)

    async def open(self, mode: Mode) -> Campaign:
        accounts = StoreAccounts(self.store)
        settings = read_settings(["--data-dir", "unused"], {})
        said = [Script(["A river."])]
        engines = Engines(
            ScriptedEngine(said, model=FIRST, quantization="secret-kind", notes=("starter-model",)),
            ScriptedEngine(said, model=SECOND, quantization="hidden-kind"),
        )
        self.parts = build_parts(settings, engines, self.store, Metrics())
        self.app = build_site(settings, self.parts, EdgeOptions(), accounts.sign_in, Metrics())
        root = await accounts.user(await accounts.add("root", AccountRole.ADMIN))
        plan = Plan(
            "Rivers",
            mode,
            VARIANTS[: 1 if mode is Mode.SINGLE else 2],
            tasks=(Task("t1", "Ask", question="Which?"),),
        )
        campaign = await self.parts.campaigns.add(root, plan)
        _, self.secret = await accounts.service.guests.add_link(
            root, label="day", days=1, max_guests=2, max_messages=9, max_tokens=9999,
            campaign_id=campaign.id,
        )  # fmt: skip
        return campaign

    async def note(self, answer: httpx.Response) -> None:
        self.traffic.append(f"{answer.url} {answer.headers} {(await answer.aread()).decode()}")

    async def enter(self, guest: httpx.AsyncClient, at: str) -> None:
        """A guest enters and agrees; from then on all that comes is kept."""
        guest.event_hooks["response"] = [self.note]
        await guest.post("/api/account/enter", json={"token": self.secret, "nickname": "Gus"})
        digest = re.findall(r'name="digest" value="(\w+)"', (await guest.get(at)).text)[0]
        assert (await guest.post(f"/api{at}/consent", json={"digest": digest})).is_success

    async def user_id(self) -> str:
        users = await self.store.accounts.users()
        return next(user.id for user in users if user.name == "Gus")

    async def stored(self, comparison_id: str) -> Comparison:
        of = self.store.feedback.comparisons
        return (await of.comparison(await self.user_id(), comparison_id)).comparison

    def found(self, *more: str) -> list[tuple[str, str]]:
        return [
            (word, answer[:120])
            for answer in self.traffic
            for word in (*SECRETS, *NAMES, *more)
            if word in answer
        ]


@pytest.fixture
async def fair(tmp_path: Path) -> AsyncIterator[Fair]:
    store = open_store(migrated(tmp_path))
    await store.open()
    fair = Fair(store)
    yield fair
    await fair.parts.drain(0)
    await store.close()


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
