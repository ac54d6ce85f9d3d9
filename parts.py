"""The domain, wired together on engines and a store."""

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
from chat.campaigns.participation import Participation
from chat.campaigns.ports import CampaignStore
from chat.conversations.jobs import Jobs
from chat.conversations.ports import Store
from chat.conversations.presets import Presets
from chat.conversations.service import Conversations
from chat.conversations.turns import Turns
from chat.evaluation.cases import Cases
from chat.evaluation.runs import Runs
from chat.evaluation.shipped_cases import load_shipped_cases
from chat.feedback.dashboard import Dashboard
from chat.feedback.ratings import Ratings
from chat.feedback.reports import Reports
from chat.feedback.results import Results
from chat.feedback.votes import Votes
from chat.serving.admission import Admission
from chat.serving.completions import Completions
from chat.serving.engines import Engines
from chat.serving.generation import Generation, Timeouts
from chat.serving.response_cache import ResponseCache
from config import Settings
from judging.judge import ProcessJudge
from store import RoutingStore
from store.accounts.store import DatabaseAccounts


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs, wired together."""

    engines: Engines
    store: Store
    jobs: Jobs
    answers: Turns
    conversations: Conversations
    presets: Presets
    completions: Completions
    campaigns: Campaigns
    participation: Participation
    comparisons: Comparisons
    ratings: Ratings
    casebook: Cases
    replays: Runs
    results: Results
    reports: Reports
    votes: Votes
    figures: Dashboard

    @property
    def hosting(self) -> HostServices:
        """What hosts and testers do."""
        return HostServices(
            self.campaigns,
            self.participation,
            self.casebook,
            self.replays,
            self.results,
            self.reports,
            self.comparisons,
            self.votes,
        )

    async def drain(self, grace_s: float) -> None:
        """Let what is being written end for `grace_s` seconds, then save or end the rest."""
        await self.replays.close()
        await asyncio.gather(self.jobs.close(grace_s), self.completions.close(grace_s))


def build_quotas(settings: Settings, spending: QuotaStore, rates: Rates) -> Quotas:
    """What people may use once there are accounts."""
    everybody = Allowance(
        running=settings.user_running,
        waiting=settings.user_waiting,
        requests_per_minute=settings.requests_per_minute or None,
    )
    member = replace(everybody, tokens_per_day=settings.tokens_per_day or None)
    return Quotas(
        spending,
        rates,
        {AccountRole.ADMIN: everybody, AccountRole.MEMBER: member, AccountRole.GUEST: everybody},
        per_address=settings.address_requests_per_minute or None,
    )


def build_generation(
    settings: Settings, engines: Engines, admission: Admission, quotas: Quotas, metrics: Metrics
) -> Generation:
    """What writes answers, in the order that `admission` gives."""
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
    settings: Settings, generation: Generation, people: DatabaseAccounts, rates: Rates
) -> Completions:
    """What answers programs."""
    return Completions(
        generation=generation,
        key_limits=KeyLimits(people, rates),
        cache=ResponseCache(settings.response_cache_mib * MIB),
    )


def build_campaigns(store: CampaignStore, admission: Admission, engines: Engines) -> Campaigns:
    """What hosts plan and watch."""
    return Campaigns(store, waiting=lambda: admission.waiting, engines=lambda: engines.names)


def build_parts(
    settings: Settings, engines: Engines, store: RoutingStore, metrics: Metrics
) -> Parts:
    """The domain on engines and a store."""
    people, kept, judge, rates = store.people, store.feedback, ProcessJudge(), MinuteWindows()
    admission = Admission(max_running=settings.max_concurrent, max_waiting=settings.queue_size)
    metrics.watch(engines, lambda: admission.waiting)
    quotas = build_quotas(settings, people, rates)
    generation = build_generation(settings, engines, admission, quotas, metrics)
    jobs = Jobs(generation=generation, store=store)
    answers = Turns(
        engines=engines,
        store=store,
        jobs=jobs,
        keep_turns=settings.keep_turns,
        enrolment=Enrolment(people, kept.campaigns),
    )
    conversations = Conversations(store=store, jobs=jobs)
    campaigns = build_campaigns(kept.campaigns, admission, engines)
    participation = Participation(kept.campaigns, people, stop=answers.stop)
    completions = build_completions(settings, generation, people, rates)
    return Parts(
        engines=engines,
        store=store,
        jobs=jobs,
        answers=answers,
        conversations=conversations,
        presets=Presets(store),
        completions=completions,
        campaigns=campaigns,
        participation=participation,
        comparisons=Comparisons(kept.votes, participation, answers),
        ratings=Ratings(conversations=store, store=kept.ratings, programs=completions),
        casebook=Cases(kept.cases, kept.results, judge, load_shipped_cases()),
        replays=Runs(kept.cases, generation, judge),
        results=Results(kept.results, people),
        reports=Reports(campaigns, kept.reports),
        votes=Votes(kept.ballots),
        figures=Dashboard(campaigns, kept.figures),
    )
