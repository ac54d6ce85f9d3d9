"""Votes over HTTP: access, escaping, and links."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from api.edge.options import EdgeOptions
from api.server import build_api
from chat.accounts.models import AccountRole, AuditEntry, User
from chat.campaigns.models import Campaign, Mode, Plan, Side, Task, Variant, VoteChoice
from chat.conversations.models import Question
from chat.conversations.presets import Presets
from chat.errors import NotFound
from chat.feedback.vote_models import VoteFilter
from chat.feedback.votes import Votes
from chat.models import ChatOptions
from store import RoutingStore, open_store
from store.schema.campaigns import ComparisonRow
from tests.contract.feedback_rows import add_rows
from tests.contract.stores import ENDED, START
from tests.fakes import ScriptedEngine
from tests.hosting import StoreAccounts, hosting_of
from tests.house import client_of

HOSTILE = "\"><img src=x onerror=alert(1)>'{0}"
ANSWER = f"So \\(x^2 = 9\\). {HOSTILE}"
PLAN = Plan(
    f"Which? {HOSTILE}",
    Mode.BLIND,
    (Variant("Short"), Variant("Sung")),
    tasks=(Task("t1", "Rivers"), Task("t2", "Lakes")),
)


@dataclass
class Hosts:
    """An administrator, two members, a comparison of the first, and a client for each."""

    store: RoutingStore
    admin: httpx.AsyncClient
    bob: httpx.AsyncClient
    cy: httpx.AsyncClient
    users: dict[str, User]

    async def vote(self, name: str, choice: VoteChoice = VoteChoice.LEFT, **more: object) -> None:
        """The left answer is the second variant's."""
        tester, sides = self.users["cy"].id, []
        for variant in (1, 0):
            turn = await self.store.add_turn(
                tester,
                conversation_id=None,
                question=Question("Hi", f"{name} {variant}", campaign_id="campaign"),
                options=ChatOptions(),
            )
            ended = replace(ENDED, content=f"{ANSWER} {variant}")
            await self.store.finish_answer(tester, turn.answer.id, ended)
            sides.append(Side(variant, turn.conversation.id, turn.answer.id))
        values = {
            "left": sides[0],
            "right": sides[1],
            "question": f"{name}?",
            "campaign_id": "campaign",
            "user_id": tester,
            "task_id": "t1",
            "comment": "",
            "voted_at": START,
        }
        row = ComparisonRow(
            id=name,
            request_id=name,
            asked_at=START,
            choice=choice,
            **{**values, **more},
        )
        await add_rows(self.store, row)


@pytest.fixture
async def hosts(tmp_path: Path) -> AsyncIterator[Hosts]:
    store = open_store(tmp_path)
    await store.open()
    accounts = StoreAccounts(store)
    tokens = {"admin": await accounts.add("admin", AccountRole.ADMIN)}
    for name in ("bob", "cy"):
        tokens[name] = await accounts.add(name)
    users = {name: await accounts.user(token) for name, token in tokens.items()}
    campaign = Campaign("campaign", users["bob"].id, PLAN, START)
    await store.feedback.campaigns.add(campaign, AuditEntry(START, "", "test"))
    app = build_api(
        engine=ScriptedEngine(),
        edge=EdgeOptions(),
        presets=Presets(store),
        sign_in=accounts.sign_in,
        hosting=hosting_of(store),
    )
    admin, bob, cy = (client_of(app, token) for token in tokens.values())
    async with admin, bob, cy:
        yield Hosts(store, admin, bob, cy, users)
    await store.close()


async def test_votes_are_visible_to_hosts_and_not_to_testers(
    hosts: Hosts,
) -> None:
    await hosts.vote("Inside")
    for client, seen in ((hosts.admin, True), (hosts.bob, True), (hosts.cy, False)):
        page = (await client.get("/results/votes")).text
        assert ("Inside?" in page) is seen
        for path in ("/results/votes/Inside", "/results/votes/Inside?campaign=campaign"):
            assert (await client.get(path)).status_code == (200 if seen else 404)
        missing = await client.get("/results/votes/nowhere")
        assert missing.status_code == 404
    hosts.cy.cookies.clear()
    for path in ("/results/votes", "/results/votes/Inside"):
        assert (await hosts.cy.get(path)).status_code in (303, 401)
    guest = replace(hosts.users["admin"], role=AccountRole.GUEST)
    votes = Votes(hosts.store.feedback.votes)
    for call in (
        votes.page(guest, VoteFilter()),
        votes.counts(guest, VoteFilter()),
        votes.choices(guest),
        votes.read(guest, "Inside"),
    ):
        with pytest.raises(NotFound):
            await call


async def test_an_unknown_address_of_a_host_is_a_page_in_the_language_of_the_reader(
    hosts: Hosts,
) -> None:
    for language, words in (("zh-CN", "这里没有内容"), ("en", "Nothing here")):
        asked = {"Accept": "text/html", "Accept-Language": language}
        for path in ("/campaigns/zzz", "/results/votes/zzz"):
            answer = await hosts.bob.get(path, headers=asked)
            assert answer.status_code == 404, path
            assert words in answer.text, path
            assert '<p><a href="/">' in answer.text, path


async def test_votes_of_three_variants_are_listed_counted_and_filtered(hosts: Hosts) -> None:
    variants = (*PLAN.variants, Variant("Third"))
    plan = replace(PLAN, variants=variants)
    campaign = Campaign("three", hosts.users["bob"].id, plan, START)
    await hosts.store.feedback.campaigns.add(campaign, AuditEntry(START, "", "test"))
    for name, left, right in (("One", 2, 0), ("Two", 1, 2)):
        a, b = Side(left, "gone", "gone"), Side(right, "gone", "gone")
        await hosts.vote(name, campaign_id="three", left=a, right=b)
    listed = (await hosts.bob.get("/results/votes?campaign=three")).text
    for index, name in enumerate(("Short", "Sung", "Third")):
        assert f'<option value="{index}">{name}</option>' in listed
        count = 0 if name == "Short" else 1
        assert f"{name} was better</dt><dd>{count}</dd>" in listed
    for winner, seen, unseen in ((2, "One?", "Two?"), (1, "Two?", "One?")):
        found = (await hosts.bob.get(f"/results/votes?campaign=three&winner={winner}")).text
        assert (seen in found, unseen in found) == (True, False)
    assert "Third" in (await hosts.bob.get("/results/votes")).text
    beyond = await hosts.bob.get("/results/votes?campaign=three&winner=8")
    assert beyond.status_code == 422


async def test_a_vote_is_described_by_variant_and_side(hosts: Hosts) -> None:
    await hosts.vote("Won", comment="It rhymes")
    await hosts.vote("Bad", VoteChoice.BOTH_BAD)
    page = (await hosts.bob.get("/results/votes?campaign=campaign")).text
    assert "<b><bdi>Sung</bdi></b> <br><em>Answer A</em>" in page
    for words in ("<td>Both bad</td>", "It rhymes", "<bdi>Rivers</bdi>", "<bdi>cy</bdi>"):
        assert words in page
    one = (await hosts.bob.get("/results/votes/Won")).text
    left, right = one.split('<article class="side')[1:]
    assert left.startswith(' won"')
    assert "Answer A · <bdi>Sung</bdi>" in left
    assert "Answer B · <bdi>Short</bdi>" in right
    for side in (left, right):
        assert "<math" in side
        assert "<bdi>Qwen2.5</bdi>" in side
        assert "<dt>Quantization</dt><dd>none</dd>" in side
    assert "It rhymes" in right


async def test_the_hosts_trial_is_marked_as_excluded(hosts: Hosts) -> None:
    await hosts.vote("Tester")
    assert "own trial" not in (await hosts.bob.get("/results/votes")).text
    await hosts.vote("Host", user_id=hosts.users["bob"].id)
    assert (await hosts.bob.get("/results/votes")).text.count("own trial") == 1
    assert "own trial" in (await hosts.bob.get("/results/votes/Host")).text


async def test_a_filter_of_votes_is_an_address(hosts: Hosts) -> None:
    await hosts.vote("First", comment="Rhymes")
    await hosts.vote("Second", VoteChoice.TIE, task_id="t2")
    query = "campaign=campaign&choice=left&winner=1&task=t1&tester=&commented=1&since=&words=rhymes"
    page = (await hosts.bob.get(f"/results/votes?{query}")).text
    assert "First?" in page
    assert "Second?" not in page
    assert '<option value="1" selected>Sung</option>' in page
    assert '<option value="t1" selected>Rivers</option>' in page
    assert "/results/votes/First?campaign=campaign&amp;choice=left&amp;winner=1&amp;task=t1" in page
    for wrong in ("choice=up", "winner=8", "since=yesterday", f"words={'x' * 201}"):
        assert (await hosts.bob.get(f"/results/votes?{wrong}")).status_code == 422
    assert (await hosts.bob.get("/results/votes?after=nowhere")).status_code == 200
    assert (await hosts.bob.get("/results/votes?campaign=%3Cimg%3E")).status_code == 200


async def test_the_list_of_votes_and_its_detail_continue_with_the_next_page(
    hosts: Hosts,
) -> None:
    for number in range(53):
        await hosts.vote(f"v{number:02}", voted_at=START + timedelta(minutes=number))
    first = (await hosts.bob.get("/results/votes")).text
    (link,) = {part.split('"')[0] for part in first.split('href="') if "after=" in part}
    second = (await hosts.bob.get(link.replace("&amp;", "&"))).text
    questions = [f"v{number:02}?" for number in range(53)]
    assert [text in first for text in questions] == [False] * 3 + [True] * 50
    assert [text in second for text in questions] == [True] * 3 + [False] * 50
    one = (await hosts.bob.get("/results/votes/v03?choice=left")).text
    assert 'href="/results/votes/v02?choice=left" data-next' in one
    assert "data-next" not in (await hosts.bob.get("/results/votes/v00")).text


async def test_hostile_text_of_testers_is_escaped(hosts: Hosts) -> None:
    await hosts.vote("e", question=HOSTILE, comment=HOSTILE, task_id=HOSTILE)
    for path in ("/results/votes", "/results/votes?campaign=campaign", "/results/votes/e"):
        page = (await hosts.admin.get(path)).text
        assert "<img" not in page
        assert "{0}" in page


async def test_a_deleted_answer_leaves_the_vote_and_the_other_answer(hosts: Hosts) -> None:
    await hosts.vote("e")
    voted_comparison = await hosts.store.feedback.votes.voted_comparison(None, "e")
    await hosts.store.delete(hosts.users["cy"].id, voted_comparison.comparison.left.conversation_id)
    page = (await hosts.bob.get("/results/votes/e")).text
    assert page.count("This answer was deleted.") == 1
    assert page.count('<div class="answer"') == 1


async def test_a_comparison_links_to_its_votes_and_they_are_exported(hosts: Hosts) -> None:
    await hosts.vote("e")
    page = (await hosts.bob.get("/campaigns/campaign")).text
    assert 'href="/results/votes?campaign=campaign">See the votes</a>' in page
    assert "See the rated answers" not in page
    for query in ("?campaign=campaign", "", "?model=Qwen2.5"):
        results = (await hosts.bob.get(f"/results{query}")).text
        assert "Export 1 vote" in results
        assert 'value="json" checked' in results
        assert f"/results/votes{'?campaign=campaign' if 'campaign' in query else ''}" in results
    for query in ("?verdict=up", "?until=2025-12-31", "?words=Inside", "?model=Other"):
        results = (await hosts.bob.get(f"/results{query}")).text
        assert "Export 0 rated answers" in results
        assert "/results/votes" not in results
    assert "Export ≤ 1 votes" in (await hosts.bob.get("/results?language=en")).text
    exported = (await hosts.bob.get("/api/results/export?format=json&campaign=campaign")).json()
    assert [one["duel"]["id"] for one in exported["votes"]] == ["e"]
