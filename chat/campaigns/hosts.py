"""Campaigns for hosts: create, change, open, close, monitor, delete.

Owns the access rules: members manage their own campaigns, administrators all, guests none. Knows no
page and no SQL; the side of the testers is in `chat.campaigns.participation`.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import uuid4

from chat.accounts.access import refuse_guests, refuse_unless_visible, visible_owner
from chat.accounts.models import Action, AuditEntry, Clock, GuestLink, User, utc_now
from chat.campaigns.models import Campaign, CampaignCounts, Comparison, Plan, VariantProgress
from chat.campaigns.ports import CampaignStore
from chat.campaigns.validation import (
    check_draft,
    check_plan,
    engines_of,
    refuse_unknown_engines,
)
from chat.serving.background import run_each

ACTIVE = timedelta(minutes=5)
"""A tester seen within this time is active."""

SILENT = timedelta(minutes=30)
"""A tester who has consented, not finished, and not been seen for this long has dropped out."""

MAX_SKIPPED = 100
"""Skipped comparisons that a host sees at most."""


class Campaigns:
    """The service of campaigns for hosts. Another user's campaign raises NotFound.

    `waiting` returns the length of the queue of all users; `engines` the names of the engines that
    a variant can use.
    """

    def __init__(
        self,
        store: CampaignStore,
        *,
        waiting: Callable[[], int] = lambda: 0,
        engines: Callable[[], Sequence[str]] = tuple,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._waiting = waiting
        self._engines = engines
        self._clock = clock

    @property
    def waiting(self) -> int:
        """The length of the queue of all users."""
        return self._waiting()

    @property
    def engines(self) -> Sequence[str]:
        """The names of the engines; the first one is the default."""
        return self._engines()

    async def add(self, user: User, plan: Plan) -> Campaign:
        """Raises what `check_plan` raises, NotFound for guests."""
        refuse_guests(user)
        checked = check_plan(plan)
        refuse_unknown_engines(checked, self.engines)
        campaign = Campaign(uuid4().hex, user.id, checked, self._clock())
        await self._store.add(campaign, self._audit_entry(user, Action.NEW_CAMPAIGN, campaign.id))
        return campaign

    async def get(self, user: User, campaign_id: str) -> Campaign:
        """Raises NotFound."""
        refuse_guests(user)
        campaign = await self._store.campaign(campaign_id)
        refuse_unless_visible(user, campaign)
        return campaign

    async def list(self, user: User) -> Sequence[Campaign]:
        """The user's own campaigns, for administrators all, newest first.

        Raises NotFound for guests.
        """
        return await self._store.campaigns(visible_owner(user))

    async def change(self, user: User, campaign_id: str, plan: Plan) -> Campaign:
        """Change the plan; a draft is opened to testers by it.

        Raises NotFound, PlanInUse, and what `check_plan` raises.
        """
        before = await self.get(user, campaign_id)
        checked = check_plan(plan)
        refuse_unknown_engines(checked, [*self.engines, *engines_of(before.plan)])
        action = Action.OPEN_CAMPAIGN if before.is_draft else Action.CHANGE_CAMPAIGN
        audit_entry = self._audit_entry(user, action, campaign_id)
        return await self._store.change_plan(campaign_id, checked, audit_entry)

    async def add_draft(self, user: User, plan: Plan) -> Campaign:
        """A campaign that nobody sees but its host; anything may be missing in its plan.

        Raises what `check_draft` raises, NotFound for guests.
        """
        refuse_guests(user)
        campaign = Campaign(uuid4().hex, user.id, check_draft(plan), self._clock(), is_draft=True)
        await self._store.add(campaign, self._audit_entry(user, Action.NEW_CAMPAIGN, campaign.id))
        return campaign

    async def save_draft(self, user: User, campaign_id: str, plan: Plan) -> Campaign:
        """Raises NotFound, also for a campaign that is no draft, and what `check_draft` raises."""
        await self.get(user, campaign_id)
        return await self._store.save_draft(campaign_id, check_draft(plan))

    async def close(self, user: User, campaign_id: str) -> Campaign:
        """Close it now: no more questions; the survey can be sent for CAMPAIGN_GRACE."""
        await self.get(user, campaign_id)
        audit_entry = self._audit_entry(user, Action.CLOSE_CAMPAIGN, campaign_id)
        return await self._store.close(campaign_id, self._clock(), audit_entry)

    async def reopen(self, user: User, campaign_id: str) -> Campaign:
        await self.get(user, campaign_id)
        audit_entry = self._audit_entry(user, Action.REOPEN_CAMPAIGN, campaign_id)
        return await self._store.close(campaign_id, None, audit_entry)

    async def delete(self, user: User, campaign_id: str) -> int:
        """Delete it with all data of its testers; return the row count."""
        await self.get(user, campaign_id)
        audit_entry = self._audit_entry(user, Action.DELETE_CAMPAIGN, campaign_id)
        return await self._store.delete(campaign_id, audit_entry)

    async def counts(self, user: User, campaign_id: str) -> CampaignCounts:
        """The current counts. Raises NotFound."""
        await self.get(user, campaign_id)
        now = self._clock()
        return await self._store.counts(
            campaign_id, active_since=now - ACTIVE, silent_since=now - SILENT
        )

    async def testers(self, user: User, campaign_id: str) -> Sequence[VariantProgress]:
        """The current testers by variant of a split test. Raises NotFound."""
        await self.get(user, campaign_id)
        return await self._store.testers(campaign_id, silent_since=self._clock() - SILENT)

    async def skipped(self, user: User, campaign_id: str) -> Sequence[Comparison]:
        """The newest comparisons that testers skipped, newest first. Raises NotFound."""
        await self.get(user, campaign_id)
        return await self._store.skipped(campaign_id, MAX_SKIPPED)

    async def links(self, user: User, campaign_id: str) -> Sequence[GuestLink]:
        """The guest links of the campaign, newest first. Raises NotFound."""
        await self.get(user, campaign_id)
        return await self._store.links(campaign_id)

    async def destroy_due(self) -> int:
        """Delete tester data of campaigns past their retention time; return the row count.

        Raises the first failure when all campaigns have been handled.
        """
        now, deleted = self._clock(), 0

        async def destroy(campaign: Campaign) -> None:
            nonlocal deleted
            due = campaign.destroyed_at
            if due and due <= now:
                audit_entry = AuditEntry(now, "", Action.RETENTION, campaign.id)
                deleted += await self._store.destroy_tester_data(campaign.id, audit_entry)

        await run_each(await self._store.campaigns(None), destroy)
        return deleted

    def _audit_entry(self, user: User, action: Action, campaign_id: str) -> AuditEntry:
        return AuditEntry(self._clock(), user.id, action, campaign_id)
