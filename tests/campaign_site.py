"""The whole app with two models, a campaign that compares them, and what a guest receives."""

import re
from dataclasses import dataclass, field

import httpx

from api.edge.options import EdgeOptions
from api.ops.metrics import Metrics
from app import build_site
from chat.accounts.models import AccountRole
from chat.campaigns.models import Campaign, Comparison, Mode, Plan, Task, Variant
from chat.models import PresetRef, Sampling
from chat.serving.engines import Engines
from config import read_settings
from parts import build_parts
from store import RoutingStore
from tests.fakes import Script, ScriptedEngine
from tests.hosting import StoreAccounts
from tests.house import client_of

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


@dataclass
class Fair:
    """The whole app with two models, its administrator, and all that a guest receives."""

    store: RoutingStore
    said: list[Script] = field(default_factory=lambda: [Script(["A river."])])
    traffic: list[str] = field(default_factory=list)

    async def open(self, mode: Mode) -> Campaign:
        accounts = StoreAccounts(self.store)
        settings = read_settings(["--data-dir", "unused"], {})
        engines = Engines(
            ScriptedEngine(
                self.said, model=FIRST, quantization="secret-kind", notes=("starter-model",)
            ),
            ScriptedEngine(self.said, model=SECOND, quantization="hidden-kind"),
        )
        self.parts = build_parts(settings, engines, self.store, Metrics())
        self.app = build_site(settings, self.parts, EdgeOptions(), accounts.sign_in, Metrics())
        self.root = await accounts.add("root", AccountRole.ADMIN)
        self.member = await accounts.add("ann")
        root = self.user = await accounts.user(self.root)
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

    def host(self) -> httpx.AsyncClient:
        return client_of(self.app, self.root)

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
