"""Enrolment: the options of a question in a campaign, whatever the page sends.

Owns when and with what a tester may ask in a campaign. Knows no page and no SQL.
"""

from datetime import datetime, timedelta

from chat.accounts.models import LOCAL, Account, Clock, GuestLink, User, utc_now
from chat.accounts.ports import AccountReader, GuestLinkReader
from chat.campaigns.access import refuse_uninvited
from chat.campaigns.errors import (
    CampaignNotBegun,
    CampaignOver,
    CampaignPaused,
    CompareOnly,
    ConsentNeeded,
    OutsideCampaign,
)
from chat.campaigns.models import Campaign, Mode, Participant
from chat.campaigns.ports import Participants
from chat.campaigns.validation import options_of
from chat.conversations.models import EffectiveOptions
from chat.errors import NotFound
from chat.models import ChatOptions

SEEN_EVERY = timedelta(seconds=30)
"""Accuracy of `Participant.seen_at`: it is written at most this often."""


class Enrolment:
    """Applies the plan of a campaign to its questions."""

    def __init__(
        self, accounts: AccountReader, store: Participants, clock: Clock = utc_now
    ) -> None:
        self._accounts = accounts
        self._store = store
        self._clock = clock

    async def enrol(
        self, user_id: str, options: ChatOptions, *, campaign_id: str | None, variant: int | None
    ) -> EffectiveOptions:
        """The options of a question. `options` are used outside campaigns only.

        `campaign_id` is that of the conversation; empty outside campaigns; None for a new
        conversation, which belongs to a guest's own campaign. `variant` selects one of the variants
        of a blind comparison.

        Raises NotFound, OutsideCampaign, ConsentNeeded, CampaignNotBegun, CampaignOver,
        CampaignPaused, CompareOnly.
        """
        is_local = user_id == LOCAL.id
        account = Account(LOCAL) if is_local else await self._accounts.account(user_id)
        user, link = account.user, account.link
        bound = link.campaign_id if link else None
        target_id = bound if campaign_id is None else campaign_id
        if bound and target_id != bound:
            raise OutsideCampaign
        if not target_id:
            return EffectiveOptions(options, account=account)
        campaign, now = await self._store.campaign(target_id), self._clock()
        participant = await self._store.participant(target_id, user_id)
        refuse_uninvited(user, campaign, link, participant)
        refuse_unless_open(campaign, link, now)
        if campaign.paused_at is not None:
            raise CampaignPaused
        if participant is None or participant.consented_at is None:
            raise ConsentNeeded
        chosen = campaign.plan.variants[_variant(campaign, participant, variant)]
        if participant.seen_at is None or abs(now - participant.seen_at) >= SEEN_EVERY:
            await self._store.seen(target_id, user_id, now)
        concealed = campaign.plan.conceals_variants
        return EffectiveOptions(options_of(chosen), target_id, chosen.engine, account, concealed)

    async def conceals(self, campaign_id: str) -> bool:
        """Whether the campaign's testers are not told what answered. Raises NotFound."""
        return (await self._store.campaign(campaign_id)).plan.conceals_variants


async def link_of(user: User, links: GuestLinkReader) -> GuestLink | None:
    """The link of a guest; None for other users. Raises NotFound."""
    if user.guest_link_id is None:
        return None
    return await links.guest_link(user.guest_link_id)


def refuse_unless_open(campaign: Campaign, link: GuestLink | None, now: datetime) -> None:
    """Raises CampaignNotBegun, CampaignOver. `link` is the guest's link."""
    starts_at = campaign.plan.starts_at
    if starts_at is not None and now < starts_at:
        raise CampaignNotBegun(starts_at=starts_at.isoformat())
    if campaign.end is not None and now >= campaign.end:
        raise CampaignOver
    if link is not None and (link.revoked or now >= link.expires_at):
        raise CampaignOver


def _variant(campaign: Campaign, participant: Participant, requested: int | None) -> int:
    """The index of the variant that answers. Raises CompareOnly, NotFound."""
    if campaign.plan.mode is Mode.BLIND:
        if requested is None:
            raise CompareOnly
        if requested not in range(len(campaign.plan.variants)):
            raise NotFound
        return requested
    return participant.variant or 0
