"""The whole app over a scripted engine and a SQLite database, with users of each role."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from api.edge.options import EdgeOptions
from api.server import build_api, cover_mounted
from chat.accounts.models import AccountRole, User
from chat.conversations.jobs import Jobs
from chat.conversations.presets import Presets
from chat.conversations.service import Conversations
from chat.conversations.turns import Turns
from chat.feedback.ratings import Ratings
from chat.serving.completions import Completions
from chat.serving.engines import Engines
from store import RoutingStore, open_store
from tests.chat import make_generation
from tests.fakes import Script, ScriptedEngine
from tests.hosting import StoreAccounts, dashboard_of, enrolment_of, hosting_of
from tests.house import client_of
from tests.migrated import migrated
from ui.gradio_adapter.mount import event_names, mount
from ui.page import build_page
from ui.services import Services

PLAN = {
    "title": "A campaign",
    "mode": "blind",
    "variants": [{"name": "A"}, {"name": "B", "system_prompt": "Be brief."}],
    "tasks": [{"title": "Ask"}],
    "survey": [{"kind": "scale", "text": "How?"}],
}


class ProofSite:
    """The app, the sessions of its users and the ids of the example data."""

    def __init__(self, store: RoutingStore) -> None:
        self.store = store
        self.accounts = StoreAccounts(store)
        self.tokens: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.app, self.page = self._build()

    def _build(self) -> tuple[Any, Any]:
        engine, store = ScriptedEngine([Script(["The ", "Rhine"])]), self.store
        generation = make_generation(engine)
        jobs, engines = Jobs(generation=generation, store=store), Engines(engine)
        answers = Turns(engines=engines, store=store, jobs=jobs, enrolment=enrolment_of(store))
        hosting = hosting_of(store, answers.stop, generation=generation, answers=answers)
        completions = Completions(generation=generation)
        ratings = Ratings(conversations=store, store=store.feedback.ratings, programs=completions)
        self.conversations, self.presets = Conversations(store=store, jobs=jobs), Presets(store)
        services = Services(
            engine,
            answers,
            self.conversations,
            self.presets,
            ratings,
            hosting.participation,
            dashboard_of(store),
        )
        page = build_page(services, open_to_network=False)
        api = build_api(
            engine=engine,
            edge=EdgeOptions(),
            archives=self.conversations,
            presets=self.presets,
            sign_in=self.accounts.sign_in,
            hosting=hosting,
            handlers=event_names(page),
            completions=completions,
            ratings=ratings,
        )
        site = mount(api, page, root_path="")
        cover_mounted(site)
        return site, page

    def client(self, name: str | None) -> httpx.AsyncClient:
        return client_of(self.app, self.tokens[name] if name else None)

    async def add_example_data(self) -> None:
        """Users, a conversation, a campaign, a rating, a case and a preset."""
        await self.presets.ship()
        for name, role in (("root", AccountRole.ADMIN), ("host", AccountRole.MEMBER)):
            self.tokens[name] = await self.accounts.add(name, role)
        async with self.client("host") as host:
            await host.get("/gradio_api/startup-events")
            made = await host.post("/api/campaigns", json=PLAN)
            self.ids["campaign"] = made.json()["next"].rpartition("/")[2]
            terms = {"label": "x", "days": 9, "max_guests": 9, "max_messages": 99, "max_tokens": 99}
            link = await host.post(f"/api/campaigns/{self.ids['campaign']}/links", json=terms)
            token = link.json()["link"].removeprefix("/guest#")
            file = [{"messages": [{"role": "user", "content": "Hi"}]}]
            read = await host.post("/api/import", json=file)
            self.ids["conversation"] = read.json()["first_id"]
        self.tokens["guest"] = await self.accounts.service.guests.enter(
            token, "gus", address="", device=""
        )
        host_user: User = await self.accounts.user(self.tokens["host"])
        archive = await self.store.archive(host_user.id, self.ids["conversation"])
        self.ids["message"] = archive.messages[-1].id
        presets = await self.presets.list(host_user.id, "en")
        self.ids["preset"] = presets[0].ref.id

    def events(self) -> dict[str, int]:
        """The numbers of the page's events by the functions that answer them."""
        return {name: number for number, name in event_names(self.page).items()}


@asynccontextmanager
async def proof_site(folder: Path) -> AsyncIterator[ProofSite]:
    store = open_store(migrated(folder))
    await store.open()
    site = ProofSite(store)
    try:
        await site.add_example_data()
        yield site
    finally:
        await store.close()


def as_json(value: object) -> bytes:
    """As a hostile program writes it: NaN, halves of surrogate pairs and NUL are written too."""
    return json.dumps(value).encode("ascii")
