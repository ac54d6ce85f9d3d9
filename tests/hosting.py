"""The services of hosts and testers, for tests: over a database, or without campaigns."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.accounts.routes import PageContext
from api.server import HostServices, SignIn
from chat.accounts.authentication import AccountAuthenticator
from chat.accounts.models import AccountRole, AuditEntry, Clock, GuestLink, User, utc_now
from chat.accounts.service import Accounts
from chat.campaigns.comparisons import Comparisons
from chat.campaigns.enrolment import Enrolment
from chat.campaigns.hosts import Campaigns
from chat.campaigns.live import LiveCampaigns
from chat.campaigns.models import (
    Campaign,
    CampaignCounts,
    Comparison,
    Participant,
    Plan,
    SurveyAnswers,
    VariantProgress,
)
from chat.campaigns.participation import Participation
from chat.conversations.turns import Turns
from chat.errors import NotFound
from chat.feedback.dashboard import Dashboard
from chat.feedback.dashboard_models import Count, DashboardScope
from chat.feedback.reports import Reports
from chat.feedback.results import Results
from chat.feedback.tables import CampaignTables
from chat.feedback.votes import Votes
from chat.serving.generation import Generation
from store import RoutingStore
from tests.cases import cases_of
from tests.chat import make_generation
from tests.databases import has_database
from tests.fakes import ScriptedEngine
from tests.memory_store import MemoryStore
from tests.memory_users import MemoryUsers, OpenHasher

Store = MemoryStore | RoutingStore


class NoCampaigns:
    """`chat.campaigns.ports.CampaignStore` and
    `chat.campaigns.ports.ParticipationStore`, without any campaign."""

    async def add(self, campaign: Campaign, audit_entry: AuditEntry) -> None:
        raise NotFound

    async def campaign(self, campaign_id: str) -> Campaign:
        raise NotFound

    async def campaigns(self, owner_id: str | None) -> Sequence[Campaign]:
        return ()

    async def change_plan(self, campaign_id: str, plan: Plan, audit_entry: AuditEntry) -> Campaign:
        raise NotFound

    async def save_draft(self, campaign_id: str, plan: Plan) -> Campaign:
        raise NotFound

    async def close(
        self, campaign_id: str, closed_at: datetime | None, audit_entry: AuditEntry
    ) -> Campaign:
        raise NotFound

    async def delete(self, campaign_id: str, audit_entry: AuditEntry) -> int:
        raise NotFound

    async def destroy_tester_data(self, campaign_id: str, audit_entry: AuditEntry) -> int:
        return 0

    async def links(self, campaign_id: str) -> Sequence[GuestLink]:
        return ()

    async def counts(
        self, campaign_id: str, *, active_since: datetime, silent_since: datetime
    ) -> CampaignCounts:
        raise NotFound

    async def testers(
        self, campaign_id: str, *, silent_since: datetime
    ) -> Sequence[VariantProgress]:
        return ()

    async def skipped(self, campaign_id: str, limit: int) -> Sequence[Comparison]:
        return []

    async def participant(self, campaign_id: str, user_id: str) -> Participant | None:
        return None

    async def join(self, campaign_id: str, user_id: str, at: datetime) -> Participant:
        raise NotFound

    async def agree(
        self,
        campaign_id: str,
        user_id: str,
        *,
        digest: str,
        at: datetime,
        page_language: str,
        choose: Callable[[Sequence[int]], int],
    ) -> Participant:
        raise NotFound

    async def seen(self, campaign_id: str, user_id: str, at: datetime) -> None: ...

    async def tick(
        self, campaign_id: str, user_id: str, task_id: str, *, done: bool, at: datetime
    ) -> Participant:
        raise NotFound

    async def keep_survey(
        self, campaign_id: str, user_id: str, answers: SurveyAnswers, *, at: datetime, send: bool
    ) -> Participant:
        raise NotFound

    async def conversations(self, campaign_id: str, user_id: str) -> Collection[str]:
        return ()

    async def withdraw(self, campaign_id: str, user_id: str) -> int:
        raise NotFound


class NoCounts:
    """`chat.feedback.ports.DashboardStore`, without data."""

    async def began(self, seen_by: str | None, campaign_id: str) -> datetime | None:
        return None

    async def counts(self, scope: DashboardScope) -> Count:
        return Count()


def dashboard_of(store: Store, clock: Clock = utc_now) -> Dashboard:
    """The dashboard's service over that store."""
    if has_database(store):
        return Dashboard(Campaigns(store.feedback.campaigns), store.feedback.dashboard, clock)
    return Dashboard(Campaigns(NoCampaigns()), NoCounts(), clock)


def enrolment_of(store: Store, clock: Clock = utc_now) -> Enrolment | None:
    """The enrolment of questions in campaigns."""
    if has_database(store):
        return Enrolment(store.accounts, store.feedback.campaigns, clock)
    return None


def hosting_of(
    store: Store,
    stop: Callable[[str, str], None] = lambda _user, _conversation: None,
    clock: Clock = utc_now,
    generation: Generation | None = None,
    answers: Turns | None = None,
) -> HostServices:
    """The services over that store."""
    engines = (generation := generation or make_generation(ScriptedEngine())).engines
    cases, runs = cases_of(store, generation, clock)
    if has_database(store):
        stored = store.feedback.campaigns
        participation = Participation(stored, store.accounts, stop=stop, clock=clock)
        results_store = store.feedback.results
        results = Results(results_store, store.accounts, clock)
        hosts = Campaigns(stored, engines=lambda: engines.names, clock=clock)
        votes = store.feedback.comparisons
        comparisons = Comparisons(votes, participation, answers, clock=clock) if answers else None
        reports = Reports(hosts, store.feedback.reports, clock)
        return HostServices(
            hosts,
            participation,
            cases,
            runs,
            results,
            reports,
            comparisons,
            Votes(store.feedback.votes),
            CampaignTables(hosts, results_store, store.feedback.tables, store.accounts, clock),
            LiveCampaigns(store.feedback.live, hosts, clock),
        )
    none = NoCampaigns()
    return HostServices(Campaigns(none), Participation(none, MemoryUsers()), cases, runs)


@dataclass
class StoreAccounts:
    """The accounts in the database of a store, and how to sign in to them.

    Without `sign_in_needed` every request is the local user's.
    """

    store: RoutingStore
    sign_in_needed: bool = True

    def __post_init__(self) -> None:
        stored = self.store.accounts
        self.service = Accounts(stored, OpenHasher())
        self.sign_in = SignIn(
            AccountAuthenticator(self.service, stored, self.sign_in_needed),
            PageContext(self.service),
        )

    async def add(self, name: str, role: AccountRole = AccountRole.MEMBER) -> str:
        """The token of a session of a new user; the first one is the administrator."""
        token = await self.service.one_time_links.set_up()
        if token is None:
            users = await self.store.accounts.users()
            admin = next(user for user in users if user.role is AccountRole.ADMIN)
            token = await self.service.one_time_links.invite(admin, role)
        return await self.service.one_time_links.accept(
            token, name=name, password="correct horse battery", address="", device="test"
        )

    async def user(self, token: str) -> User:
        signed_in = await self.service.sessions.find(token)
        assert signed_in
        return signed_in.user
