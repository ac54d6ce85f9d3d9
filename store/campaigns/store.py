"""The ports of campaigns and comparisons over a SQL database: which query each method runs."""

from typing import Protocol

from sqlalchemy.orm import Session

from chat.accounts.models import AuditEntry
from chat.campaigns.models import Campaign, Plan
from store.campaigns import campaigns as campaign_queries
from store.campaigns import comparisons as comparison_queries
from store.campaigns import live, live_acts, progress
from store.queries import DatabaseStore, Read, Write
from store.transactions import Transactions


class CampaignErasure(Protocol):
    """Destroys rows across rooms, in the transaction of the caller: `store.erasure`."""

    def destroy_campaign(
        self, session: Session, campaign_id: str, audit_entry: AuditEntry
    ) -> int: ...

    def destroy_left(self, session: Session, campaign_id: str, audit_entry: AuditEntry) -> int: ...

    def destroy_part(self, session: Session, campaign_id: str, user_id: str) -> int: ...


class DatabaseCampaigns(DatabaseStore):
    """`chat.campaigns.ports.CampaignStore` and
    `chat.campaigns.ports.ParticipationStore` over SQLAlchemy.
    """

    add = Write(campaign_queries.add)
    campaign = Read(campaign_queries.campaign_of)
    save_draft = Write(campaign_queries.save_draft)
    close = Write(campaign_queries.close)
    links = Read(campaign_queries.links)
    counts = Read(progress.counts)
    testers = Read(progress.testers)
    skipped = Read(comparison_queries.skipped)

    participant = Read(campaign_queries.participant)
    join = Write(campaign_queries.join)
    agree = Write(campaign_queries.agree)
    seen = Write(campaign_queries.seen)
    tick = Write(campaign_queries.tick)
    keep_survey = Write(campaign_queries.keep_survey)
    conversations = Read(campaign_queries.conversations)
    campaigns = Read(campaign_queries.campaigns)

    def __init__(self, transactions: Transactions, erasure: CampaignErasure) -> None:
        super().__init__(transactions)
        self._erasure = erasure

    async def change_plan(self, campaign_id: str, plan: Plan, audit_entry: AuditEntry) -> Campaign:
        return await self.transactions.write(
            campaign_queries.change_plan, campaign_id, plan, audit_entry, self._erasure.destroy_part
        )

    async def withdraw(self, campaign_id: str, user_id: str) -> int:
        return await self.transactions.destroy(
            campaign_queries.withdraw, campaign_id, user_id, self._erasure.destroy_part
        )

    async def delete(self, campaign_id: str, audit_entry: AuditEntry) -> int:
        return await self.transactions.destroy(
            self._erasure.destroy_campaign, campaign_id, audit_entry
        )

    async def destroy_tester_data(self, campaign_id: str, audit_entry: AuditEntry) -> int:
        return await self.transactions.destroy(self._erasure.destroy_left, campaign_id, audit_entry)


class DatabaseLiveCampaigns(DatabaseStore):
    """`chat.campaigns.ports.LiveStore` over SQLAlchemy."""

    version = Read(live.version)
    state = Read(live.state)
    chat = Read(live.chat)
    pause = Write(live_acts.pause)
    tell = Write(live_acts.tell)
    extend = Write(live_acts.extend)
    raise_link = Write(live_acts.raise_link)


class DatabaseComparisons(DatabaseStore):
    """`chat.campaigns.ports.ComparisonStore` over SQLAlchemy."""

    ask = Write(comparison_queries.ask)
    pair_counts = Read(comparison_queries.pair_counts)
    of_request = Read(comparison_queries.of_request)
    comparison = Read(comparison_queries.comparison)
    vote = Write(comparison_queries.vote)
    skip = Write(comparison_queries.skip)
    comment = Write(comparison_queries.set_comment)
    comparisons = Read(comparison_queries.comparisons)
