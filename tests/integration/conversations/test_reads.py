"""What one message and one completion read of accounts, through the whole app over a database."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.edge.options import EdgeOptions
from api.ops.metrics import Metrics
from app import build_site
from chat.accounts.models import AccountRole
from chat.campaigns.models import Mode, Plan, Variant
from chat.campaigns.validation import consent_digest
from chat.serving.engines import Engines
from config import read_settings
from parts import build_parts
from store import open_store
from tests.counting import CountingStore
from tests.fakes import ScriptedEngine
from tests.hosting import StoreAccounts
from tests.house import client_of
from tests.migrated import migrated
from tests.page_client import PageClient
from tests.programs import CHAT, HI, until

PLAN = Plan("River test", Mode.SINGLE, (Variant("A", "Be brief."),))
READS = ("user", "guest_link", "account", "key")
"""The methods of the store that find out who asks; `key` finds the user too. Sessions have a cache
and are not counted."""


class Place:
    """The app, with an administrator, a member, and guests with and without a campaign."""

    def __init__(self, store: CountingStore) -> None:
        self.store = store
        self.accounts = StoreAccounts(store)
        settings = read_settings(["--data-dir", "unused"], {})
        self.parts = build_parts(settings, Engines(ScriptedEngine()), store, Metrics())
        edge = EdgeOptions()
        self.app = build_site(settings, self.parts, edge, self.accounts.sign_in, Metrics())
        self.tokens: dict[str, str] = {}

    async def open(self) -> None:
        accounts, campaigns = self.accounts.service, self.parts.campaigns
        for name, role in (("root", AccountRole.ADMIN), ("ann", AccountRole.MEMBER)):
            self.tokens[name] = await self.accounts.add(name, role)
        ann = await self.accounts.user(self.tokens["ann"])
        campaign = await campaigns.add(ann, PLAN)
        for name, campaign_id in (("gus", None), ("gwen", campaign.id)):
            _, link = await accounts.guests.add_link(
                ann,
                label=name,
                days=9,
                max_guests=9,
                max_messages=9,
                max_tokens=9_000,
                campaign_id=campaign_id,
            )
            self.tokens[name] = await accounts.guests.enter(link, name, address="", device="")
        gwen = await self.accounts.user(self.tokens["gwen"])
        await self.parts.participation.agree(gwen, campaign.id, consent_digest(PLAN))
        _, self.key = await accounts.keys.add(ann, name="program")

    def client(self, name: str) -> httpx.AsyncClient:
        return client_of(self.app, self.tokens[name])

    async def reads_of_message(self, name: str) -> Counter[str]:
        """The reads of an event of the page that asks a question."""
        async with self.client(name) as client:
            await client.get("/gradio_api/startup-events")
            tab = PageClient(client)
            await tab.open()
            tab.put("message", "Why?")
            self.store.calls.clear()
            await tab.fire("send", "click")
            reads = Counter({name: self.store.calls[name] for name in READS})
            assert tab.value("message") == ""
            await until(lambda: not self.parts.jobs.users())
        return +reads

    async def reads_of_completion(self) -> Counter[str]:
        async with client_of(self.app, headers={"Authorization": f"Bearer {self.key}"}) as client:
            self.store.calls.clear()
            answer = await client.post(CHAT, json=HI)
        assert answer.status_code == 200
        return +Counter({name: self.store.calls[name] for name in READS})


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    database = open_store(migrated(tmp_path))
    store = CountingStore(database.database, database.temporary)
    await store.open()
    place = Place(store)
    await place.open()
    yield place
    await place.parts.drain(0)
    await store.close()


@pytest.mark.parametrize("name", ["ann", "gus", "gwen"])
async def test_a_message_of_the_page_reads_user_and_guest_link_once(
    place: Place, name: str
) -> None:
    assert await place.reads_of_message(name) == {"account": 1}


async def test_a_completion_reads_the_user_with_the_key_alone(place: Place) -> None:
    assert await place.reads_of_completion() == {"key": 1}
