"""Builds the domain services on engines and a store."""

import asyncio
from dataclasses import dataclass, replace

from api.edge.options import MIB
from api.ops.metrics import Metrics
from api.server import HostServices
from auth.rates import MinuteWindows
from chat.accounts.api_keys import KeyLimits
from chat.accounts.models import AccountRole, Allowance
from chat.accounts.ports import QuotaStore
from chat.accounts.quotas import Quotas, Rates
from chat.campaigns.comparisons import Comparisons
from chat.campaigns.enrolment import Enrolment
from chat.campaigns.hosts import Campaigns
from chat.campaigns.live import LiveCampaigns
from chat.campaigns.participation import Participation
from chat.campaigns.ports import CampaignStore
from chat.conversations.jobs import Jobs
from chat.conversations.ports import Store
from chat.conversations.presets import Presets
from chat.conversations.service import Conversations
from chat.conversations.shares import Shares
from chat.conversations.turns import Turns
from chat.evaluation.cases import Cases
from chat.evaluation.runs import Runs
from chat.evaluation.shipped_cases import load_shipped_cases
from chat.feedback.dashboard import Dashboard
from chat.feedback.ratings import Ratings
from chat.feedback.reports import Reports
from chat.feedback.results import Results
from chat.feedback.tables import CampaignTables
from chat.feedback.votes import Votes
from chat.serving.admission import Admission
from chat.serving.background import BackgroundJobs
from chat.serving.completions import Completions
from chat.serving.engines import Engines
from chat.serving.generation import Generation, Timeouts
from chat.serving.readiness import Readiness
from chat.serving.response_cache import ResponseCache
from config import Settings
from judging.judge import ProcessJudge
from store import RoutingStore
from store.accounts.store import DatabaseAccounts


@dataclass(frozen=True, slots=True)
class Parts:
    """The services of the running app."""

    engines: Engines
    store: Store
    jobs: Jobs
    answers: Turns
    conversations: Conversations
    presets: Presets
    shares: Shares
    completions: Completions
    campaigns: Campaigns
    participation: Participation
    comparisons: Comparisons
    live: LiveCampaigns
    ratings: Ratings
    cases: Cases
    runs: Runs
    results: Results
    reports: Reports
    votes: Votes
    tables: CampaignTables
    dashboard: Dashboard
    background: BackgroundJobs
    readiness: Readiness

    @property
    def hosting(self) -> HostServices:
        """The services of campaigns, evaluation and feedback."""
        return HostServices(
            self.campaigns,
            self.participation,
            self.cases,
            self.runs,
            self.results,
            self.reports,
            self.comparisons,
            self.votes,
            self.tables,
            self.live,
        )

    async def drain(self, grace_s: float) -> None:
        """Let running answers finish for `grace_s` seconds, then save or cancel the rest."""
        await self.runs.close()
        await asyncio.gather(self.jobs.close(grace_s), self.completions.close(grace_s))


def build_quotas(settings: Settings, spending: QuotaStore, rates: Rates) -> Quotas:
    """The quotas of accounts."""
    shared_allowance = Allowance(
        running=settings.user_running,
        waiting=settings.user_waiting,
        requests_per_minute=settings.requests_per_minute or None,
    )
    member = replace(shared_allowance, tokens_per_day=settings.tokens_per_day or None)
    return Quotas(
        spending,
        rates,
        {
            AccountRole.ADMIN: shared_allowance,
            AccountRole.MEMBER: member,
            AccountRole.GUEST: shared_allowance,
        },
        per_address=settings.address_requests_per_minute or None,
    )


def build_generation(
    settings: Settings, engines: Engines, admission: Admission, quotas: Quotas, metrics: Metrics
) -> Generation:
    """The generation service, watched by the metrics."""
    metrics.watch(engines, lambda: admission.waiting)
    return Generation(
        engines=engines,
        admission=admission,
        timeouts=Timeouts(
            queue_s=settings.queue_timeout_s,
            stall_s=settings.stall_timeout_s,
            request_s=settings.request_timeout_s,
        ),
        quotas=quotas,
        observer=metrics,
        share_prefixes=settings.prefix_sharing == "all",
    )


def build_completions(
    settings: Settings, generation: Generation, account_store: DatabaseAccounts, rates: Rates
) -> Completions:
    """The completions service for programs."""
    return Completions(
        generation=generation,
        key_limits=KeyLimits(account_store, rates),
        cache=ResponseCache(settings.response_cache_mib * MIB),
    )


def build_campaigns(store: CampaignStore, admission: Admission, engines: Engines) -> Campaigns:
    """The service of campaign hosts."""
    return Campaigns(store, waiting=lambda: admission.waiting, engines=lambda: engines.names)


def build_turns(
    settings: Settings, engines: Engines, store: RoutingStore, jobs: Jobs, enrolment: Enrolment
) -> Turns:
    """The service of questions and answers."""
    keep = settings.keep_turns
    return Turns(engines=engines, store=store, jobs=jobs, keep_turns=keep, enrolment=enrolment)


def build_background(metrics: Metrics) -> BackgroundJobs:
    """The app's background jobs, with their failures counted."""
    background = BackgroundJobs(metrics)
    metrics.watch_jobs(lambda: background.failing)
    return background


def build_readiness(engines: Engines, store: RoutingStore, background: BackgroundJobs) -> Readiness:
    """The readiness check behind `/readyz`."""

    return Readiness(engines.first, checks=(store.check, background.check))


def build_parts(
    settings: Settings, engines: Engines, store: RoutingStore, metrics: Metrics
) -> Parts:
    """All domain services."""
    accounts, feedback, background = store.accounts, store.feedback, build_background(metrics)
    judge, rates = ProcessJudge(), MinuteWindows()
    admission = Admission(max_running=settings.max_concurrent, max_waiting=settings.queue_size)
    quotas = build_quotas(settings, accounts, rates)
    generation = build_generation(settings, engines, admission, quotas, metrics)
    jobs = Jobs(generation=generation, store=store, background=background)
    enrolment = Enrolment(accounts, feedback.campaigns)
    answers = build_turns(settings, engines, store, jobs, enrolment)
    conversations = Conversations(store=store, jobs=jobs, background=background, policy=enrolment)
    campaigns = build_campaigns(feedback.campaigns, admission, engines)
    participation = Participation(feedback.campaigns, accounts, stop=answers.stop)
    return Parts(
        engines=engines,
        store=store,
        jobs=jobs,
        answers=answers,
        conversations=conversations,
        presets=Presets(store),
        shares=Shares(store, store.shares, enabled=settings.sharing),
        completions=(completions := build_completions(settings, generation, accounts, rates)),
        campaigns=campaigns,
        participation=participation,
        comparisons=Comparisons(feedback.comparisons, participation, answers),
        live=LiveCampaigns(feedback.live, campaigns),
        ratings=Ratings(conversations=store, store=feedback.ratings, programs=completions),
        cases=Cases(feedback.cases, feedback.results, judge, load_shipped_cases()),
        runs=Runs(feedback.cases, generation, judge, background=background),
        results=Results(feedback.results, accounts),
        reports=Reports(campaigns, feedback.reports),
        votes=Votes(feedback.votes),
        tables=CampaignTables(campaigns, feedback.results, feedback.tables, accounts),
        dashboard=Dashboard(campaigns, feedback.dashboard),
        background=background,
        readiness=build_readiness(engines, store, background),
    )
