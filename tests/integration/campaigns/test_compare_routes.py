"""Blind comparisons over HTTP: no response to a tester reveals a variant."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.edge.options import EdgeOptions
from api.server import build_api
from chat.accounts.models import AccountRole
from chat.campaigns.hosts import Campaigns
from chat.campaigns.models import Campaign, Mode, Plan, Task, Variant
from chat.campaigns.validation import MAX_VOTE_COMMENT, consent_digest
from chat.conversations.jobs import Jobs
from chat.conversations.presets import Presets
from chat.conversations.service import Conversations
from chat.conversations.turns import Turns
from chat.models import Sampling
from chat.serving.engines import Engines
from store import RoutingStore, open_store
from tests.chat import make_generation
from tests.fakes import Script, ScriptedEngine
from tests.hosting import StoreAccounts, enrolment_of, hosting_of
from tests.house import client_of
from tests.migrated import migrated

PLAN = Plan(
    "Which is better?",
    Mode.BLIND,
    (
        Variant("Name-of-A", "Prompt-of-A", Sampling(temperature=0.123)),
        Variant("Name-of-B", "Prompt-of-B", Sampling(temperature=0.456)),
    ),
    tasks=(Task("t1", "Ask", "Ask <b>anything</b>", "Name a river"),),
)
QUESTION = {"question": "Why?", "request_id": "0123456789", "task_id": None, "after": None}


@dataclass
class Ring:
    """The app over a database, a host's comparison, and testers with sessions."""

    store: RoutingStore
    engine: ScriptedEngine = field(
        default_factory=lambda: ScriptedEngine([Script(["**Yes** ", "<script>"])])
    )

    async def open(self) -> None:
        accounts = StoreAccounts(self.store)
        self.tokens = {
            name: await accounts.add(name, role)
            for name, role in (
                ("root", AccountRole.ADMIN),
                ("ann", AccountRole.MEMBER),
                ("bob", AccountRole.MEMBER),
            )
        }
        root, ann, bob = [await accounts.user(self.tokens[name]) for name in ("root", "ann", "bob")]
        generation = make_generation(self.engine)
        self.jobs = Jobs(generation=generation, store=self.store)
        answers = Turns(
            engines=Engines(self.engine),
            store=self.store,
            jobs=self.jobs,
            enrolment=enrolment_of(self.store),
        )
        hosting = hosting_of(self.store, answers.stop, generation=generation, answers=answers)
        self.app = build_api(
            engine=self.engine,
            edge=EdgeOptions(),
            archives=Conversations(store=self.store, jobs=self.jobs),
            presets=Presets(self.store),
            sign_in=accounts.sign_in,
            hosting=hosting,
        )
        self.campaign: Campaign = await Campaigns(self.store.feedback.campaigns).add(root, PLAN)
        for user in (ann, bob):
            await hosting.participation.admit(user, self.campaign.id)
        await hosting.participation.agree(ann, self.campaign.id, consent_digest(self.campaign.plan))

    def client(self, name: str) -> httpx.AsyncClient:
        return client_of(self.app, self.tokens[name])

    @property
    def at(self) -> str:
        return f"/campaign/{self.campaign.id}"


@pytest.fixture
async def ring(tmp_path: Path) -> AsyncIterator[Ring]:
    store = open_store(migrated(tmp_path))
    await store.open()
    ring = Ring(store)
    await ring.open()
    yield ring
    await ring.jobs.close(0)
    await store.close()


async def ask(ring: Ring, client: httpx.AsyncClient, **changes: Any) -> str:
    """The new comparison's id."""
    answer = await client.post(f"/api{ring.at}/duels", json=QUESTION | changes)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["html"].split('data-round="')[1].split('"')[0])


async def test_no_response_reveals_a_variant(ring: Ring) -> None:
    traffic: list[str] = []

    async def note(answer: httpx.Response) -> None:
        traffic.append(f"{answer.headers} {(await answer.aread()).decode()}")

    async with ring.client("ann") as ann:
        ann.event_hooks["response"] = [note]
        comparison = await ask(ring, ann)
        await ann.get(f"/api/duel-events/{comparison}")
        await ann.get(f"{ring.at}/compare")
        for path in (f"{ring.at}", f"{ring.at}/survey", "/api/export?format=json", "/account"):
            assert (await ann.get(path)).status_code == 200
        await ann.post(f"/api{ring.at}/tick", json={"task": "t1", "done": "yes"})
        await ann.post(f"/api/duels/{comparison}/vote", json={"choice": "left"})
        await ann.post(f"/api/duels/{comparison}/comment", json={"comment": "because"})
        await ask(ring, ann, request_id="1234567890", after=comparison)
    found = "\n".join(traffic)
    assert "You voted" in found
    stored = (
        await ring.store.feedback.comparisons.comparison(await _id(ring), comparison)
    ).comparison
    sides = (stored.left, stored.right)
    revealing = ["-of-A", "-of-B", "0.123", "0.456", "Scripted", "variant", "ttft", "tokens/s"]
    revealing += [side.conversation_id for side in sides] + [side.message_id for side in sides]
    assert [word for word in revealing if word in found] == []


async def _id(ring: Ring) -> str:
    users = await ring.store.accounts.users()
    return next(user.id for user in users if user.name == "ann")


async def test_answers_come_as_html_that_is_safe_until_both_are_whole(ring: Ring) -> None:
    async with ring.client("ann") as ann:
        comparison = await ask(ring, ann)
        events = (await ann.get(f"/api/duel-events/{comparison}")).text.strip().split("\n\n")
    views = [json.loads(event.removeprefix("data: ")) for event in events if event[0] == "d"]
    assert [one["open"] for one in views][-1:] == [False]
    for side in ("left", "right"):
        assert "<strong>Yes</strong> &lt;script&gt;" in views[-1][side]
    assert 'data-vote="left"' in views[-1]["foot"]


async def test_foreign_or_invalid_requests_are_refused_with_a_text(ring: Ring) -> None:
    async with ring.client("ann") as ann, ring.client("bob") as bob:
        empty = await ann.post(
            f"/api{ring.at}/duels", json=QUESTION | {"request_id": "x" * 9, "question": " "}
        )
        assert (empty.status_code, empty.json()["error"]["code"]) == (400, "empty_message")
        comparison = await ask(ring, ann)
        for path in (f"/api/duel-events/{comparison}", f"{ring.at}/no", "/campaign/no/compare"):
            assert (await bob.get(path)).status_code == 404
        refused = await bob.post(f"/api/duels/{comparison}/vote", json={"choice": "left"})
        assert refused.status_code == 404
        elsewhere = await bob.get(f"{ring.at}/compare")  # first what there is to agree to
        assert (elsewhere.status_code, elsewhere.headers["location"]) == (303, ring.at)
        unagreed = await bob.post(f"/api{ring.at}/duels", json=QUESTION)
        assert (unagreed.status_code, unagreed.json()["error"]["code"]) == (403, "consent_needed")
        long = {"comment": "x" * (MAX_VOTE_COMMENT + 1)}
        refused = await ann.post(f"/api/duels/{comparison}/comment", json=long)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "message_too_long")
        wrong = await ann.post(f"/api/duels/{comparison}/vote", json={"choice": "middle"})
        assert wrong.status_code == 422


async def test_a_vote_before_both_answers_are_whole_is_refused_with_a_sentence(
    ring: Ring,
) -> None:
    ring.engine.scripts = [Script(["so far"], hangs=True)]
    async with ring.client("ann") as ann:
        comparison = await ask(ring, ann)
        refused = await ann.post(f"/api/duels/{comparison}/vote", json={"choice": "left"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (
            409,
            "answers_unfinished",
        )
        await ann.post(f"/api/duels/{comparison}/stop", json={})
        await ann.get(f"/api/duel-events/{comparison}")
        page = (await ann.get(f"{ring.at}/compare")).text
        assert "Ask both again" in page
        assert "<b>anything</b>" not in page


async def test_a_changed_vote_is_marked_until_the_next_question_then_refused_with_a_sentence(
    ring: Ring,
) -> None:
    async with ring.client("ann") as ann, ring.client("root") as root:
        comparison = await ask(ring, ann)
        await ann.get(f"/api/duel-events/{comparison}")
        vote = f"/api/duels/{comparison}/vote"
        foot = (await ann.post(vote, json={"choice": "left"})).json()["html"]
        assert 'data-vote="right"' in foot
        assert re.findall(r'data-vote="([a-z-]+)" data-chosen="yes"', foot) == ["left"]
        await ann.post(f"/api/duels/{comparison}/comment", json={"comment": "It rhymes."})
        foot = (await ann.post(vote, json={"choice": "tie"})).json()["html"]
        assert re.findall(r'data-vote="([a-z-]+)" data-chosen="yes"', foot) == ["tie"]
        await ask(ring, ann, request_id="1234567890")
        refused = await ann.post(vote, json={"choice": "both-bad"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "vote_frozen")
        page = (await root.get(f"/results/votes/{comparison}")).text
        assert "Earlier votes of this tester" in page
        exported = (await root.get("/api/results/export?format=json")).json()
    (recorded,) = exported["votes"]
    (earlier,) = recorded["duel"]["earlier_votes"]
    assert (recorded["duel"]["choice"], earlier["choice"]) == ("tie", "left")
    assert earlier["comment"] == "It rhymes."


async def test_the_host_reads_the_votes_on_the_campaigns_page_and_testers_do_not(
    ring: Ring,
) -> None:
    async with ring.client("ann") as ann, ring.client("root") as root:
        comparison = await ask(ring, ann, task_id="t1")
        await ann.get(f"/api/duel-events/{comparison}")
        await ann.post(f"/api/duels/{comparison}/vote", json={"choice": "left"})
        stored = (
            await ring.store.feedback.comparisons.comparison(await _id(ring), comparison)
        ).comparison
        page = (await root.get(f"/campaigns/{ring.campaign.id}")).text
        assert (await ann.get(f"/campaigns/{ring.campaign.id}")).status_code == 404
    wins = "100%" if stored.left.variant == 0 else "0%"
    assert f"Name-of-A wins {wins} of the votes" in page
    assert "do not show which variant is better" in page
    assert "<bdi>ann</bdi>" in page
