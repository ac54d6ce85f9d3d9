"""The access policy of ratings, results with their reviews, votes, reports and the dashboard."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from chat.accounts.models import AccountRole, User
from chat.campaigns.hosts import Campaigns
from chat.campaigns.models import Mode, VoteChoice
from chat.feedback.dashboard import Dashboard
from chat.feedback.models import RatingInput, Verdict
from chat.feedback.reports import Reports
from chat.feedback.result_models import RatingFilter, ReviewChange, ReviewStatus
from chat.feedback.results import Results
from chat.feedback.tables import CampaignTables
from chat.feedback.vote_models import VoteFilter
from chat.feedback.votes import Votes
from formats.datasets import DataFormat, data_file
from formats.tables import TablesFormat, tables_file
from formats.words import ExportLanguage
from store import RoutingStore
from tests.access import (
    AT,
    A,
    Act,
    N,
    Policy,
    actions_of,
    add_users,
    guest_link,
    make_user,
    outcomes,
)
from tests.contract.feedback_rows import (
    LATER,
    SNAPSHOT,
    add_rows,
    campaign,
    comparison,
    participant,
    review,
)
from tests.contract.users import JOINED
from tests.feedback import rated_chat
from tests.migrated import opened_store

GOOD = RatingInput(Verdict.UP)
ALL, ALL_VOTES = RatingFilter(), VoteFilter()

ROOT, ANN, BOB, CY = (
    make_user("root", AccountRole.ADMIN),
    make_user("ann"),
    make_user("bob"),
    make_user("cy"),
)
GUS = make_user("gus", AccountRole.GUEST, "link")

USERS = (ROOT, ANN, BOB, CY, GUS)
"""An administrator, the host of the campaign, another member, the member to whom the review is
assigned, and the guest who rated and voted."""

POLICY: Policy = {
    # one answer
    "Results.read": (A, A, N, A, N),
    "Results.review": (A, A, N, A, N),
    "Results.next_open": (A, A, N, A, N),
    # lists, of what each of them sees
    "Results.page": (A, A, A, A, N),
    "Results.look": (A, A, A, A, N),
    "Results.choices": (A, A, A, A, N),
    "Results.export": (A, A, A, A, N),
    "Results.names": (A, A, A, A, N),
    "Results.reviewers": (A, A, A, A, N),
    # one vote, and lists of votes
    "Votes.read": (A, A, N, N, N),
    "Votes.page": (A, A, A, A, N),
    "Votes.counts": (A, A, A, A, N),
    "Votes.choices": (A, A, A, A, N),
    "Votes.next_id": (A, A, A, A, N),
    # of the campaign, and of all that the user sees
    "Reports.report": (A, A, N, N, N),
    "CampaignTables.export": (A, A, N, N, N),
    "Dashboard.overview": (A, A, N, N, N),
    "Dashboard.campaigns": (A, A, A, A, N),
}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RoutingStore]:
    async with opened_store(tmp_path) as store:
        await add_users(store.accounts, (ROOT, ANN, BOB, CY))
        link = guest_link("link", ANN.id, "campaign")
        await store.accounts.add_guest_link("token", link, JOINED)
        await add_users(store.accounts, [GUS])
        vote = comparison(GUS.id)
        vote.choice, vote.voted_at = VoteChoice.LEFT, AT
        await add_rows(store, campaign(ANN.id, Mode.BLIND), participant(GUS.id), vote)
        snapshot = replace(SNAPSHOT, owner_id=GUS.id, campaign_id="campaign")
        await store.feedback.ratings.rate(snapshot, GUS.id, GOOD, LATER)
        await add_rows(store, review(snapshot.id, ANN.id, assignee=CY.id))
        yield store


async def test_hosts_see_results_of_their_campaigns_reviewers_what_is_assigned(
    store: RoutingStore,
) -> None:
    stored, vote_id = store.feedback, f"duel of {GUS.id}"
    results, votes = Results(stored.results, store.accounts), Votes(stored.votes)
    campaigns = Campaigns(stored.campaigns)
    reports, dashboard = Reports(campaigns, stored.reports), Dashboard(campaigns, stored.dashboard)
    vote = (await votes.read(ROOT, vote_id)).comparison
    tables = CampaignTables(campaigns, stored.results, stored.tables, store.accounts)
    archive = tables_file(TablesFormat.TABLES, ExportLanguage.EN)
    change = ReviewChange(ReviewStatus.USABLE)

    async def export(user: User) -> None:
        async for _ in results.export(user, ALL, data_file(DataFormat.CSV, ALL)):
            pass

    acts: Mapping[str, Act] = {
        "Results.read": lambda user: results.read(user, SNAPSHOT.id),
        "Results.review": lambda user: results.review(user, SNAPSHOT.id, change),
        "Results.next_open": lambda user: results.next_open(user, ALL, SNAPSHOT.id),
        "Results.page": lambda user: results.page(user, ALL),
        "Results.look": lambda user: results.look(user, ALL),
        "Results.choices": results.choices,
        "Results.export": export,
        "Results.names": results.names,
        "Results.reviewers": results.reviewers,
        "Votes.read": lambda user: votes.read(user, vote_id),
        "Votes.page": lambda user: votes.page(user, ALL_VOTES),
        "Votes.counts": lambda user: votes.counts(user, ALL_VOTES),
        "Votes.choices": votes.choices,
        "Votes.next_id": lambda user: votes.next_id(user, ALL_VOTES, vote),
        "Reports.report": lambda user: reports.report(user, "campaign"),
        "CampaignTables.export": lambda user: tables.export(user, "campaign", archive),
        "Dashboard.overview": lambda user: dashboard.overview(user, "campaign"),
        "Dashboard.campaigns": dashboard.campaigns,
    }
    assert acts.keys() == actions_of(Results, Votes, Reports, CampaignTables, Dashboard)
    assert await outcomes(acts, USERS) == POLICY


async def test_the_lists_have_the_rows_that_the_user_sees(store: RoutingStore) -> None:
    results = Results(store.feedback.results, store.accounts)
    votes = Votes(store.feedback.votes)
    seen = {
        user.name: (
            len((await results.page(user, ALL)).items),
            (await votes.counts(user, ALL_VOTES)).votes,
        )
        for user in (ROOT, ANN, BOB, CY)
    }
    assert seen == {"root": (1, 1), "ann": (1, 1), "bob": (0, 0), "cy": (1, 0)}


async def test_reviewers_are_members_who_are_not_disabled(store: RoutingStore) -> None:
    await store.accounts.change_user(BOB.id, JOINED, disabled=True)
    results = Results(store.feedback.results, store.accounts)
    assert {user.name for user in await results.reviewers(ANN)} == {"root", "ann", "cy"}


async def test_users_rate_the_answers_to_their_own_questions_only(tmp_path: Path) -> None:
    async with rated_chat(tmp_path) as chat:
        await add_users(chat.store.accounts, (ROOT, ANN, BOB))
        job = await chat.ask_and_wait("Why?", user=ANN)
        acts: Mapping[str, Act] = {
            "Ratings.look": lambda user: chat.ratings.look(
                user, job.conversation_id, job.message_id
            ),
            "Ratings.rate": lambda user: chat.rate(job, GOOD, user=user),
        }
        policy: Policy = {"Ratings.look": (N, A, N), "Ratings.rate": (N, A, N)}
        assert await outcomes(acts, (ROOT, ANN, BOB)) == policy
