"""What a question in a campaign is asked with: decided here, whatever the page says.

Owns the check that somebody may ask there at all. Knows no page and no SQL.
"""

from datetime import datetime, timedelta

from chat.accounts.models import LOCAL, Clock, GuestLink, User, utc_now
from chat.accounts.ports import GuestLinkReader
from chat.campaigns.errors import (
    CampaignNotBegun,
    CampaignOver,
    CompareOnly,
    ConsentNeeded,
    OutsideCampaign,
)
from chat.campaigns.models import Campaign, Mode, Participant
from chat.campaigns.ports import EnrolmentUsers, Participants
from chat.campaigns.validation import options_of
from chat.conversations.models import EffectiveOptions
from chat.errors import NotFound
from chat.models import ChatOptions

SEEN_EVERY = timedelta(seconds=30)
"""How exactly it is kept when somebody was there last."""


class Enrolment:
    """Puts questions under the plan of their campaign."""

    def __init__(self, users: EnrolmentUsers, store: Participants, clock: Clock = utc_now) -> None:
        self._users = users
        self._store = store
        self._clock = clock

    async def enrol(
        self, user_id: str, options: ChatOptions, *, campaign_id: str | None, variant: int | None
    ) -> EffectiveOptions:
        """What a question is asked with; `options` are used outside of campaigns only.

        `campaign_id` is that of the conversation, empty if it is held for none. None, for a new
        one, is a guest's own campaign. `variant` is the one that is asked of the two that a blind
        comparison has.

        Raises NotFound, OutsideCampaign, ConsentNeeded, CampaignNotBegun, CampaignOver,
        CompareOnly.
        """
        link = await self._link_of(user_id)
        bound = link.campaign_id if link else None
        target_id = bound if campaign_id is None else campaign_id
        if bound and target_id != bound:
            raise OutsideCampaign
        if not target_id:
            return EffectiveOptions(options)
        campaign, now = await self._store.campaign(target_id), self._clock()
        refuse_unless_open(campaign, link, now)
        participant = await self._store.participant(target_id, user_id)
        if participant is None or participant.consented_at is None:
            raise ConsentNeeded
        chosen = campaign.plan.variants[_variant(campaign, participant, variant)]
        if participant.seen_at is None or now - participant.seen_at >= SEEN_EVERY:
            await self._store.seen(target_id, user_id, now)
        return EffectiveOptions(options_of(chosen), target_id, chosen.engine)

    async def _link_of(self, user_id: str) -> GuestLink | None:
        user = LOCAL if user_id == LOCAL.id else await self._users.user(user_id)
        return await link_of(user, self._users)


async def link_of(user: User, links: GuestLinkReader) -> GuestLink | None:
    """The link that a guest came by; None for everybody else. Raises NotFound."""
    if user.guest_link_id is None:
        return None
    return await links.guest_link(user.guest_link_id)


def refuse_unless_open(campaign: Campaign, link: GuestLink | None, now: datetime) -> None:
    """Raises CampaignNotBegun, CampaignOver. `link` is the one that a guest came by."""
    starts_at = campaign.plan.starts_at
    if starts_at is not None and now < starts_at:
        raise CampaignNotBegun(starts_at=starts_at.isoformat())
    if campaign.end is not None and now >= campaign.end:
        raise CampaignOver
    if link is not None and (link.revoked or now >= link.expires_at):
        raise CampaignOver


def _variant(campaign: Campaign, participant: Participant, requested: int | None) -> int:
    """Which variant answers. Raises CompareOnly, NotFound."""
    if campaign.plan.mode is Mode.BLIND:
        if requested is None:
            raise CompareOnly
        if requested not in range(len(campaign.plan.variants)):
            raise NotFound
        return requested
    return participant.variant or 0
