"""A campaign while it runs, for its host: what happens in it, and every chat to be read.

Owns what a host may change while testers work, and by how much; who may is decided by the campaign.
Knows no page and no SQL.
"""

from datetime import timedelta
from functools import partial

from chat.accounts.guests import BOUNDS
from chat.accounts.models import Action, AuditEntry, Clock, GuestLink, User, utc_now
from chat.campaigns.hosts import Campaigns
from chat.campaigns.live_models import LinkLimits, LiveState
from chat.campaigns.ports import LiveStore
from chat.campaigns.validation import MOST_HOURS, check_notice
from chat.conversations.models import Archive
from chat.errors import InvalidSetting
from chat.validation import is_bounded, later


class LiveCampaigns:
    """The service of running campaigns. Another user's campaign raises NotFound."""

    def __init__(self, store: LiveStore, campaigns: Campaigns, clock: Clock = utc_now) -> None:
        self._store = store
        self._campaigns = campaigns
        self._clock = clock

    async def version(self, user: User, campaign_id: str) -> str:
        """A text that is another one after each change that the host would see."""
        await self._campaigns.get(user, campaign_id)
        return f"{await self._store.version(campaign_id)} {self._campaigns.waiting}"

    async def state(self, user: User, campaign_id: str) -> LiveState:
        """The testers, the newest events and the newest chats."""
        await self._campaigns.get(user, campaign_id)
        return await self._store.state(campaign_id)

    async def chat(self, user: User, campaign_id: str, conversation_id: str) -> Archive:
        """A conversation of the campaign with all its messages. Raises NotFound."""
        await self._campaigns.get(user, campaign_id)
        return await self._store.chat(campaign_id, conversation_id)

    async def pause(self, user: User, campaign_id: str) -> None:
        """Accept no more questions until `resume`; votes, ratings and the survey go on."""
        await self._campaigns.get(user, campaign_id)
        entry = self._entry(user, Action.PAUSE_CAMPAIGN, campaign_id)
        await self._store.pause(campaign_id, entry.at, entry)

    async def resume(self, user: User, campaign_id: str) -> None:
        """Accept questions again."""
        await self._campaigns.get(user, campaign_id)
        entry = self._entry(user, Action.RESUME_CAMPAIGN, campaign_id)
        await self._store.pause(campaign_id, None, entry)

    async def tell(self, user: User, campaign_id: str, notice: str) -> None:
        """Show a text on all testers' pages; an empty one withdraws it.

        Raises NotFound, MessageTooLong, BadText.
        """
        await self._campaigns.get(user, campaign_id)
        entry = self._entry(user, Action.TELL_TESTERS, campaign_id)
        await self._store.tell(campaign_id, check_notice(notice), entry)

    async def extend(self, user: User, campaign_id: str, hours: int) -> None:
        """Move the end, if there is one; links and guests stay until then at least.

        Counts from the end, or from now where that is over. Raises NotFound, InvalidSetting.
        """
        if not 1 <= hours <= MOST_HOURS:
            raise InvalidSetting(name="hours", low=1, high=MOST_HOURS)
        ends_at = (await self._campaigns.get(user, campaign_id)).plan.ends_at
        entry = self._entry(user, Action.EXTEND_CAMPAIGN, campaign_id, f"{hours} h")
        until = later(max(ends_at or entry.at, entry.at), timedelta(hours=hours))
        if not is_bounded(until):
            raise InvalidSetting(name="hours", low=1, high=MOST_HOURS)
        await self._store.extend(campaign_id, until if ends_at else None, until, entry)

    async def raise_link(
        self, user: User, campaign_id: str, link_id: str, *, guests: int = 0, messages: int = 0
    ) -> None:
        """Let so many more guests in by a link, and let each ask so many more questions.

        Raises NotFound, and InvalidSetting above the bounds of links.
        """
        await self._campaigns.get(user, campaign_id)
        entry = self._entry(user, Action.RAISE_GUEST_LINK, link_id)
        more = partial(_raised, guests=guests, messages=messages)
        await self._store.raise_link(campaign_id, link_id, more, entry)

    def _entry(self, user: User, action: Action, target: str, detail: str = "") -> AuditEntry:
        return AuditEntry(self._clock(), user.id, action, target, detail)


def _raised(link: GuestLink, *, guests: int, messages: int) -> LinkLimits:
    """Raises InvalidSetting."""
    limits = LinkLimits(link.max_guests + guests, link.max_messages + messages)
    for name, value in (("max_guests", limits.guests), ("max_messages", limits.messages)):
        low, high = BOUNDS[name]
        if not low <= value <= high:
            raise InvalidSetting(name=name, low=low, high=high)
    return limits
