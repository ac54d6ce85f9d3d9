"""The access policy of campaigns: for hosts, for testers, and of one tester's comparisons."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from chat.accounts.models import AccountRole, User
from chat.campaigns.access import invites_member
from chat.campaigns.comparison_models import ComparisonRequest
from chat.campaigns.comparisons import Comparisons
from chat.campaigns.enrolment import Enrolment
from chat.campaigns.hosts import Campaigns
from chat.campaigns.live import LiveCampaigns
from chat.campaigns.models import Campaign, Mode, Plan, Task, Variant, VoteChoice
from chat.campaigns.participation import Participation
from chat.campaigns.validation import consent_digest
from chat.conversations.jobs import Jobs
from chat.conversations.models import Question
from chat.conversations.turns import Turns
from chat.models import ChatOptions
from chat.serving.engines import Engines
from store import RoutingStore
from tests.access import (
    AT,
    A,
    Act,
    F,
    N,
    Policy,
    actions_of,
    add_users,
    guest_link,
    make_user,
    outcomes,
)
from tests.chat import make_generation
from tests.contract.users import JOINED
from tests.fakes import ScriptedEngine
from tests.house import Clock
from tests.migrated import opened_store

PLAN = Plan("River test", Mode.SINGLE, (Variant("A"),), tasks=(Task("t1", "Ask"),))
BLIND = Plan("Which?", Mode.BLIND, (Variant("A"), Variant("B", "Sing.")))

ROOT = make_user("root", AccountRole.ADMIN)
ANN, BOB, EVE = make_user("ann"), make_user("bob"), make_user("eve")
GUS = make_user("gus", AccountRole.GUEST, "link")
GIL = make_user("gil", AccountRole.GUEST, "elsewhere")

HOSTS = (ROOT, ANN, BOB, GUS)
"""An administrator, the host, another member, and a guest of the campaign."""

TESTERS = (ROOT, ANN, BOB, EVE, GUS, GIL)
"""As HOSTS, with a member who came by a link, and a guest of another campaign."""

HOST_POLICY: Policy = {
    "Campaigns.add": (A, A, A, N),
    "Campaigns.list": (A, A, A, N),
    "Campaigns.get": (A, A, N, N),
    "Campaigns.change": (A, A, N, N),
    "Campaigns.add_draft": (A, A, A, N),
    "Campaigns.save_draft": (A, A, N, N),
    "Campaigns.counts": (A, A, N, N),
    "Campaigns.testers": (A, A, N, N),
    "Campaigns.skipped": (A, A, N, N),
    "Campaigns.links": (A, A, N, N),
    "Campaigns.close": (A, A, N, N),
    "Campaigns.reopen": (A, A, N, N),
    "Campaigns.delete": (A, A, N, N),
}

LIVE_POLICY: Policy = {
    "LiveCampaigns.version": (A, A, N, N),
    "LiveCampaigns.state": (A, A, N, N),
    "LiveCampaigns.chat": (A, A, N, N),
    "LiveCampaigns.pause": (A, A, N, N),
    "LiveCampaigns.resume": (A, A, N, N),
    "LiveCampaigns.tell": (A, A, N, N),
    "LiveCampaigns.extend": (A, A, N, N),
    "LiveCampaigns.raise_link": (A, A, N, N),
}

TESTER_POLICY: Policy = {
    "Participation.current": (A, A, N, A, A, A),
    "Participation.visit": (A, A, N, A, A, N),
    "Participation.arrive": (A, A, N, A, A, N),
    "ask without consent": (F, F, N, F, F, F),
    "tick without consent": (F, F, N, F, F, N),
    "Participation.agree": (A, A, N, A, A, N),
    "ask": (A, A, N, A, A, F),
    "Participation.tick": (A, A, N, A, A, N),
    "Participation.keep_survey": (A, A, N, A, A, N),
    "Participation.withdraw": (A, A, N, A, A, N),
}

COMPARISON_POLICY: Policy = {
    # one's own, in a campaign
    "Comparisons.visit": (A, A, N, A, A, N),
    "Comparisons.views": (A, A, N, A, A, N),
    "Comparisons.ask": (F, F, N, A, F, N),
    # the tester's own: hosts read votes among the results
    "Comparisons.view": (N, N, N, A, N, N),
    "Comparisons.watch": (N, N, N, A, N, N),
    "Comparisons.stop": (N, N, N, A, N, N),
    "Comparisons.skip": (N, N, N, A, N, N),
    "Comparisons.vote": (N, N, N, A, N, N),
    "Comparisons.comment": (N, N, N, A, N, N),
    "Comparisons.ask_again": (N, N, N, A, N, N),
}


@dataclass
class CampaignSetup:
    """The services over a store where `ann` has a campaign, and `eve` came by its link."""

    store: RoutingStore

    def __post_init__(self) -> None:
        stored, users, clock = self.store.feedback, self.store.accounts, Clock(AT)
        engines = Engines(ScriptedEngine(), ScriptedEngine(model="Other-3B"))
        self.jobs = Jobs(generation=make_generation(engines), store=self.store)
        self.enrolment = Enrolment(users, stored.campaigns, clock)
        self.answers = answers = Turns(
            engines=engines, store=self.store, jobs=self.jobs, enrolment=self.enrolment
        )
        self.campaigns = Campaigns(stored.campaigns, clock=clock)
        self.live = LiveCampaigns(stored.live, self.campaigns)
        self.part = Participation(stored.campaigns, users, clock=clock)
        self.comparisons = Comparisons(stored.comparisons, self.part, answers, clock=clock)

    async def open(self) -> None:
        await add_users(self.store.accounts, (ROOT, ANN, BOB, EVE))
        self.campaign = await self.add_campaign(PLAN)
        other = await self.add_campaign(PLAN)
        for guest, campaign in ((GUS, self.campaign), (GIL, other)):
            link = guest_link(guest.guest_link_id or "", ANN.id, campaign.id)
            await self.store.accounts.add_guest_link(f"token {link.id}", link, JOINED)
        await add_users(self.store.accounts, (GUS, GIL))

    async def add_campaign(self, plan: Plan) -> Campaign:
        """Of ann, with eve."""
        campaign = await self.campaigns.add(ANN, plan)
        await self.part.admit(EVE, campaign.id)
        return campaign


@pytest.fixture
async def setup(tmp_path: Path) -> AsyncIterator[CampaignSetup]:
    async with opened_store(tmp_path) as store:
        setup = CampaignSetup(store)
        await setup.open()
        yield setup
        await setup.jobs.close(0)


async def test_administrators_manage_all_campaigns_members_their_own_guests_none(
    setup: CampaignSetup,
) -> None:
    campaigns, campaign_id = setup.campaigns, setup.campaign.id
    spare = [(await setup.add_campaign(PLAN)).id for _ in HOSTS]
    draft = await campaigns.add_draft(ANN, PLAN)
    acts: Mapping[str, Act] = {
        "Campaigns.add": lambda user: campaigns.add(user, PLAN),
        "Campaigns.list": campaigns.list,
        "Campaigns.get": lambda user: campaigns.get(user, campaign_id),
        "Campaigns.change": lambda user: campaigns.change(user, campaign_id, PLAN),
        "Campaigns.add_draft": lambda user: campaigns.add_draft(user, PLAN),
        "Campaigns.save_draft": lambda user: campaigns.save_draft(user, draft.id, PLAN),
        "Campaigns.counts": lambda user: campaigns.counts(user, campaign_id),
        "Campaigns.testers": lambda user: campaigns.testers(user, campaign_id),
        "Campaigns.skipped": lambda user: campaigns.skipped(user, campaign_id),
        "Campaigns.links": lambda user: campaigns.links(user, campaign_id),
        "Campaigns.close": lambda user: campaigns.close(user, campaign_id),
        "Campaigns.reopen": lambda user: campaigns.reopen(user, campaign_id),
        "Campaigns.delete": lambda user: campaigns.delete(user, spare.pop()),
    }
    assert acts.keys() == actions_of(Campaigns)
    assert await outcomes(acts, HOSTS) == HOST_POLICY


async def test_a_running_campaign_is_watched_and_steered_by_those_who_manage_it(
    setup: CampaignSetup,
) -> None:
    live, campaign_id = setup.live, setup.campaign.id
    await setup.part.agree(EVE, campaign_id, consent_digest(PLAN))
    question = Question("Why?", "request of eve", campaign_id=campaign_id)
    job = await setup.answers.send(
        EVE.id, conversation_id=None, question=question, options=ChatOptions()
    )
    acts: Mapping[str, Act] = {
        "LiveCampaigns.version": lambda user: live.version(user, campaign_id),
        "LiveCampaigns.state": lambda user: live.state(user, campaign_id),
        "LiveCampaigns.chat": lambda user: live.chat(user, campaign_id, job.conversation_id),
        "LiveCampaigns.pause": lambda user: live.pause(user, campaign_id),
        "LiveCampaigns.resume": lambda user: live.resume(user, campaign_id),
        "LiveCampaigns.tell": lambda user: live.tell(user, campaign_id, "Hello"),
        "LiveCampaigns.extend": lambda user: live.extend(user, campaign_id, 1),
        "LiveCampaigns.raise_link": lambda user: live.raise_link(
            user, campaign_id, "link", guests=1
        ),
    }
    assert acts.keys() == actions_of(LiveCampaigns)
    assert await outcomes(acts, HOSTS) == LIVE_POLICY


async def test_only_the_invited_take_part_in_a_campaign(setup: CampaignSetup) -> None:
    part, campaign_id = setup.part, setup.campaign.id

    async def ask(user: User) -> object:
        return await setup.enrolment.enrol(
            user.id, ChatOptions(), campaign_id=campaign_id, variant=None
        )

    digest = consent_digest(PLAN)
    acts: Mapping[str, Act] = {
        "Participation.current": lambda user: part.current(user, campaign_id),
        "Participation.visit": lambda user: part.visit(user, campaign_id),
        "Participation.arrive": lambda user: part.arrive(user, campaign_id),
        "ask without consent": ask,
        "tick without consent": lambda user: part.tick(user, campaign_id, "t1", done=True),
        "Participation.agree": lambda user: part.agree(user, campaign_id, digest),
        "ask": ask,
        "Participation.tick": lambda user: part.tick(user, campaign_id, "t1", done=True),
        "Participation.keep_survey": lambda user: part.keep_survey(
            user, campaign_id, {}, send=True
        ),
        "Participation.withdraw": lambda user: part.withdraw(user, campaign_id),
    }
    invitations = {"Participation.admit", "Participation.open_link"}  # asked by the link's route
    assert actions_of(Participation) - invitations <= acts.keys()
    assert await outcomes(acts, TESTERS) == TESTER_POLICY


async def test_a_link_invites_members_but_neither_its_host_nor_administrators(
    setup: CampaignSetup,
) -> None:
    link = guest_link("new", ANN.id, setup.campaign.id)
    invited = (False, False, True, True, False, False)
    assert tuple(invites_member(user, link) for user in TESTERS) == invited
    assert tuple([await setup.part.open_link(user, link) for user in TESTERS]) == invited
    without_campaign = guest_link("plain", ANN.id)
    assert not any([await setup.part.open_link(user, without_campaign) for user in TESTERS])
    await setup.part.visit(BOB, setup.campaign.id)  # who takes part from now on


async def test_comparisons_belong_to_their_tester_alone(setup: CampaignSetup) -> None:
    campaign_id, comparisons = (await setup.add_campaign(BLIND)).id, setup.comparisons
    link = guest_link("blind", ANN.id, campaign_id)
    await setup.store.accounts.add_guest_link("token blind", link, JOINED)
    gus = make_user("gwen", AccountRole.GUEST, link.id)
    await add_users(setup.store.accounts, [gus])
    await setup.part.agree(EVE, campaign_id, consent_digest(BLIND))
    asked = await comparisons.ask(EVE, campaign_id, ComparisonRequest("Why?", "r1"))
    _ = [view async for view in comparisons.watch(EVE, asked.id)]

    async def watch(user: User) -> None:
        _ = [view async for view in comparisons.watch(user, asked.id)]

    acts: Mapping[str, Act] = {
        "Comparisons.visit": lambda user: comparisons.visit(user, campaign_id),
        "Comparisons.views": lambda user: comparisons.views(user, campaign_id),
        "Comparisons.ask": lambda user: comparisons.ask(
            user, campaign_id, ComparisonRequest("Why?", "r1")
        ),
        "Comparisons.view": lambda user: comparisons.view(user, asked.id),
        "Comparisons.watch": watch,
        "Comparisons.stop": lambda user: comparisons.stop(user, asked.id),
        "Comparisons.skip": lambda user: comparisons.skip(user, asked.id, "Alike."),
        "Comparisons.vote": lambda user: comparisons.vote(user, asked.id, VoteChoice.LEFT),
        "Comparisons.comment": lambda user: comparisons.comment(user, asked.id, "So."),
        "Comparisons.ask_again": lambda user: comparisons.ask_again(
            user, asked.id, request_id="r3"
        ),
    }
    assert acts.keys() == actions_of(Comparisons)
    users = (ROOT, ANN, BOB, EVE, gus, GIL)
    assert await outcomes(acts, users) == COMPARISON_POLICY


async def test_the_list_has_the_campaigns_that_the_user_manages(setup: CampaignSetup) -> None:
    counts = [len(await setup.campaigns.list(user)) for user in (ROOT, ANN, BOB)]
    assert counts == [2, 2, 0]
