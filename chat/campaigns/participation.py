"""Campaigns for testers: consent, tasks, survey, withdrawal.

Owns who may take part in which campaign, and until when. A guest of a campaign's link takes part in
that campaign only; members where they own it or came by one of its links; administrators and the
local user in any. Knows no page and no SQL.
"""

import secrets
from collections.abc import Callable, Sequence

from chat.accounts.models import Account, Clock, GuestLink, User, utc_now
from chat.accounts.ports import GuestLinkReader
from chat.campaigns.access import invites_member, refuse_uninvited
from chat.campaigns.enrolment import link_of, refuse_unless_open
from chat.campaigns.errors import CampaignNotBegun, CampaignOver, ConsentNeeded
from chat.campaigns.models import (
    Campaign,
    Participant,
    SurveyAnswers,
    SurveyInput,
    Visit,
    VisitStage,
)
from chat.campaigns.ports import ParticipationStore
from chat.campaigns.survey import checked_answer
from chat.errors import NotFound


class Participation:
    """The service of campaigns for testers. A campaign that the user may not see raises NotFound.

    `stop` stops the running answer in a conversation of a user; `choose` draws one of several
    variants.
    """

    def __init__(
        self,
        store: ParticipationStore,
        guest_links: GuestLinkReader,
        *,
        choose: Callable[[Sequence[int]], int] = secrets.choice,
        stop: Callable[[str, str], None] = lambda _user, _conversation: None,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._guest_links = guest_links
        self._choose = choose
        self._stop = stop
        self._clock = clock

    async def current(
        self, user: User, campaign_id: str, account: Account | None = None
    ) -> Visit | None:
        """The visit of a guest's own campaign, else of `campaign_id`; None without a campaign.

        `account` is the user's, where this request has read it already. Raises NotFound.
        """
        link = account.link if account else await link_of(user, self._guest_links)
        campaign_id = (link and link.campaign_id) or campaign_id
        return await self._visit(user, campaign_id, link) if campaign_id else None

    async def open_link(self, user: User, link: GuestLink) -> bool:
        """Let a member take part whom a valid link invites; whether it does. Raises NotFound."""
        if not (link.campaign_id and invites_member(user, link)):
            return False
        await self.admit(user, link.campaign_id)
        return True

    async def admit(self, user: User, campaign_id: str) -> None:
        """Let a member take part. The calling code has checked a link of that campaign.

        Raises NotFound.
        """
        await self._store.join(campaign_id, user.id, self._clock())

    async def visit(self, user: User, campaign_id: str) -> Visit:
        """Raises NotFound."""
        return await self._visit(user, campaign_id, await link_of(user, self._guest_links))

    async def arrive(self, user: User, campaign_id: str) -> Visit:
        """As `visit`, and count a first visit of the consent page. Raises NotFound."""
        visit = await self.visit(user, campaign_id)
        if visit.stage is VisitStage.CONSENT and visit.participant is None:
            await self._store.join(campaign_id, user.id, self._clock())
        return visit

    async def agree(
        self, user: User, campaign_id: str, digest: str, *, page_language: str = ""
    ) -> Participant:
        """Consent to the text with that digest.

        Raises NotFound, CampaignNotBegun, CampaignOver, and ConsentNeeded when the text has
        changed meanwhile.
        """
        link = await link_of(user, self._guest_links)
        campaign, _ = await self._open_to(user, campaign_id, link)
        refuse_unless_open(campaign, link, self._clock())
        return await self._store.agree(
            campaign_id,
            user.id,
            digest=digest,
            at=self._clock(),
            page_language=page_language,
            choose=self._choose,
        )

    async def tick(self, user: User, campaign_id: str, task_id: str, *, done: bool) -> Participant:
        """Mark a task as done or not done. Raises NotFound, ConsentNeeded."""
        campaign = (await self._agreed(user, campaign_id)).campaign
        if task_id not in {task.id for task in campaign.plan.tasks}:
            raise NotFound
        at = self._clock()
        return await self._store.tick(campaign_id, user.id, task_id, done=done, at=at)

    async def keep_survey(
        self, user: User, campaign_id: str, answers: SurveyInput, *, send: bool
    ) -> Participant:
        """Save answers, which may be incomplete; `send` submits the survey.

        Raises NotFound, ConsentNeeded, BadRequest kinds, and CampaignOver a day after the end.
        """
        visit = await self._agreed(user, campaign_id)
        if self._too_late(visit.campaign):
            raise CampaignOver
        checked = _checked(visit.campaign, answers)
        at = self._clock()
        return await self._store.keep_survey(campaign_id, user.id, checked, at=at, send=send)

    async def withdraw(self, user: User, campaign_id: str) -> int:
        """Delete all data of the user in the campaign; return the row count. Raises NotFound.

        A guest's account stays: deleting the account deletes these data too.
        """
        await self._open_to(user, campaign_id, await link_of(user, self._guest_links))
        for conversation_id in await self._store.conversations(campaign_id, user.id):
            self._stop(user.id, conversation_id)
        return await self._store.withdraw(campaign_id, user.id)

    async def _agreed(self, user: User, campaign_id: str) -> Visit:
        visit = await self.visit(user, campaign_id)
        if visit.participant is None or visit.participant.consented_at is None:
            raise ConsentNeeded
        return visit

    async def _visit(self, user: User, campaign_id: str, link: GuestLink | None) -> Visit:
        campaign, participant = await self._open_to(user, campaign_id, link)
        return Visit(campaign, participant, self._stage(campaign, link, participant))

    async def _open_to(
        self, user: User, campaign_id: str, link: GuestLink | None
    ) -> tuple[Campaign, Participant | None]:
        """The campaign, and the user's part in it. Raises NotFound."""
        campaign = await self._store.campaign(campaign_id)
        participant = await self._store.participant(campaign_id, user.id)
        refuse_uninvited(user, campaign, link, participant)
        return campaign, participant

    def _stage(
        self, campaign: Campaign, link: GuestLink | None, participant: Participant | None
    ) -> VisitStage:
        if participant and participant.survey_sent_at:
            return VisitStage.FINISHED
        agreed = participant is not None and participant.consented_at is not None
        try:
            refuse_unless_open(campaign, link, self._clock())
        except CampaignNotBegun:
            return VisitStage.NOT_BEGUN
        except CampaignOver:
            return VisitStage.SURVEY if agreed and not self._too_late(campaign) else VisitStage.OVER
        return VisitStage.WORK if agreed else VisitStage.CONSENT

    def _too_late(self, campaign: Campaign) -> bool:
        return campaign.survey_end is not None and self._clock() >= campaign.survey_end


def _checked(campaign: Campaign, answers: SurveyInput) -> SurveyAnswers:
    """The answers in the form in which they are stored. Raises NotFound, BadRequest kinds."""
    questions = {question.id: question for question in campaign.plan.survey}
    if not answers.keys() <= questions.keys():
        raise NotFound
    return {key: checked_answer(questions[key], answer) for key, answer in answers.items()}
