"""Questions in a campaign, over a real database: access, options and deadlines."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chat.accounts.models import AccountRole, Action, AuditEntry, GuestLink, User
from chat.campaigns.enrolment import Enrolment
from chat.campaigns.errors import (
    BadPlan,
    CampaignNotBegun,
    CampaignOver,
    CompareOnly,
    ConsentNeeded,
    OutsideCampaign,
)
from chat.campaigns.hosts import Campaigns
from chat.campaigns.models import (
    Campaign,
    Mode,
    Plan,
    QuestionKind,
    SurveyQuestion,
    Task,
    Variant,
    VisitStage,
)
from chat.campaigns.participation import Participation
from chat.campaigns.validation import MAX_SURVEY_TEXT, consent_digest
from chat.conversations.jobs import Job, Jobs
from chat.conversations.models import Question
from chat.conversations.service import Conversations
from chat.conversations.turns import Turns
from chat.errors import AppError, BadRequest, MessageTooLong, NotFound
from chat.models import ChatOptions, Sampling
from chat.serving.engines import Engines
from chat.serving.errors import EngineNotServing
from store import RoutingStore
from tests.chat import finished, make_generation
from tests.fakes import Script, ScriptedEngine
from tests.hosting import NoCampaigns
from tests.house import Clock
from tests.migrated import opened_store

PLAN = Plan(
    "River test",
    Mode.SINGLE,
    (Variant("A", "Be brief.", Sampling(temperature=0.25)),),
    tasks=(Task("t1", "Ask"),),
    consent="We keep your answers.",
    survey=(
        SurveyQuestion("q1", QuestionKind.SCALE, "How was it?"),
        SurveyQuestion("q2", QuestionKind.TEXT, "Why?"),
    ),
)
MINE = ChatOptions("Be a pirate.", Sampling(temperature=1.5))


@dataclass
class Fair:
    """A host with a campaign, a member, a guest of the campaign, and one of another link."""

    store: RoutingStore
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.engine = ScriptedEngine([Script(["The ", "Rhine"])])
        self.second = ScriptedEngine([Script(["The Po"])], 300, model="Other-3B")
        engines = Engines(self.engine, self.second)
        self.jobs = Jobs(generation=make_generation(engines), store=self.store)
        stored, users = self.store.feedback.campaigns, self.store.accounts
        enrolment = Enrolment(users, stored, self.clock)
        self.answers = Turns(engines=engines, store=self.store, jobs=self.jobs, enrolment=enrolment)
        self.conversations = Conversations(store=self.store, jobs=self.jobs)
        self.campaigns = Campaigns(stored, engines=lambda: engines.names, clock=self.clock)
        self.part = Participation(
            stored, users, choose=min, stop=self.answers.stop, clock=self.clock
        )
        self.root = self._user("root", AccountRole.ADMIN)
        self.host = self._user("host", AccountRole.MEMBER)
        self.member = self._user("member", AccountRole.MEMBER)
        self.guest = replace(self._user("guest", AccountRole.GUEST), guest_link_id="link")
        self.other = replace(self._user("other", AccountRole.GUEST), guest_link_id="plain")

    def _user(self, name: str, role: AccountRole) -> User:
        return User(name, name, role, self.clock.now)

    async def open(self) -> None:
        self.audit_entry = AuditEntry(self.clock.now, "", Action.JOIN)
        for user in (self.root, self.host, self.member):
            await self.store.accounts.add_user(user, "hash", self.audit_entry)
        self.campaign = await self.campaigns.add(self.host, PLAN)
        for guest, campaign_id in ((self.guest, self.campaign.id), (self.other, None)):
            link = self.link(guest.guest_link_id or "", campaign_id)
            await self.store.accounts.add_guest_link(f"token {link.id}", link, self.audit_entry)
            await self.store.accounts.admit_guest(link.id, guest, self.audit_entry)

    def link(self, link_id: str, campaign_id: str | None) -> GuestLink:
        ends = self.clock.now + timedelta(days=7)
        return GuestLink(
            link_id, "host", "x", self.clock.now, ends, 9, 99, 9999, campaign_id=campaign_id
        )

    async def agree(self, user: User) -> None:
        """A guest of a link of the campaign."""
        await self.part.admit(user, self.campaign.id)
        await self.part.agree(user, self.campaign.id, consent_digest(self.campaign.plan))

    async def ask(
        self,
        user: User,
        text: str = "Name a river",
        *,
        conversation_id: str | None = None,
        campaign_id: str = "",
        **more: object,
    ) -> Job:
        question = Question(text, f"{user.id} {text}", campaign_id=campaign_id, **more)  # type: ignore[arg-type]
        job = await self.answers.send(
            user.id, conversation_id=conversation_id, question=question, options=MINE
        )
        await finished(job)
        return job

    async def change(self, **changes: object) -> None:
        plan = replace(self.campaign.plan, **changes)  # type: ignore[arg-type]
        self.campaign = await self.campaigns.change(self.host, self.campaign.id, plan)


@pytest.fixture
async def fair(tmp_path: Path) -> AsyncIterator[Fair]:
    async with opened_store(tmp_path) as store:
        fair = Fair(store)
        await fair.open()
        yield fair
        await fair.jobs.close(0)


# --- what is asked with ----------------------------------------------------------------------


async def test_a_guests_question_belongs_to_the_campaign_regardless_of_the_request(
    fair: Fair,
) -> None:
    await fair.agree(fair.guest)
    job = await fair.ask(fair.guest, temporary=True)
    stored = await fair.store.conversation(fair.guest.id, job.conversation_id)
    assert stored.campaign_id == fair.campaign.id
    assert stored.options == ChatOptions("Be brief.", Sampling(temperature=0.25))
    (prompt,), (sampling,) = fair.engine.prompts, fair.engine.samplings
    assert [message.content for message in prompt] == ["Be brief.", "Name a river"]
    assert sampling.temperature == 0.25


async def test_a_member_asks_in_a_campaign_only_where_the_chat_is_its(fair: Fair) -> None:
    await fair.agree(fair.member)
    inside = await fair.ask(fair.member, campaign_id=fair.campaign.id)
    outside = await fair.ask(fair.member, "Outside?")
    # A conversation keeps its campaign, whatever later requests name.
    await fair.ask(fair.member, "More?", conversation_id=inside.conversation_id)
    await fair.ask(
        fair.member,
        "More outside?",
        conversation_id=outside.conversation_id,
        campaign_id=fair.campaign.id,
    )
    systems = [prompt[0].content for prompt in fair.engine.prompts]
    assert systems == ["Be brief.", "Be a pirate.", "Be brief.", "Be a pirate."]


async def test_another_answer_is_written_with_the_campaigns_settings_too(fair: Fair) -> None:
    await fair.agree(fair.guest)
    job = await fair.ask(fair.guest)
    await fair.conversations.set_options(fair.guest.id, job.conversation_id, MINE)
    again = await fair.answers.retry(
        fair.guest.id, conversation_id=job.conversation_id, message_id=job.message_id
    )
    await finished(again)
    assert [prompt[0].content for prompt in fair.engine.prompts] == ["Be brief."] * 2
    context_usage = await fair.answers.context_usage(
        fair.guest.id,
        conversation_id=job.conversation_id,
        question=Question("", ""),
        options=MINE,
    )
    assert context_usage.system == len("Be brief.")


async def test_in_a_split_test_each_tester_keeps_the_drawn_variant(fair: Fair) -> None:
    await fair.change(mode=Mode.SPLIT, variants=(Variant("A", "Be brief."), Variant("B", "Sing.")))
    for user in (fair.guest, fair.member):
        await fair.agree(user)
        for text in ("One?", "Two?"):
            await fair.ask(user, text, campaign_id=fair.campaign.id)
    systems = [prompt[0].content for prompt in fair.engine.prompts]
    assert systems == ["Be brief."] * 2 + ["Sing."] * 2


async def test_a_blind_comparison_needs_a_variant(fair: Fair) -> None:
    await fair.change(mode=Mode.BLIND, variants=(Variant("A", "Be brief."), Variant("B", "Sing.")))
    await fair.agree(fair.guest)
    with pytest.raises(CompareOnly):
        await fair.ask(fair.guest)
    for variant in (1, 0):
        job = await fair.answers.send(
            fair.guest.id,
            conversation_id=None,
            question=Question("Why?", f"side {variant}"),
            options=MINE,
            variant=variant,
        )
        await finished(job)
    assert [prompt[0].content for prompt in fair.engine.prompts] == ["Sing.", "Be brief."]


# --- access and deadlines --------------------------------------------------------------------


async def refused(fair: Fair, user: User, kind: type[AppError], **arguments: str) -> None:
    chats = len(await fair.store.conversations(user.id))
    with pytest.raises(kind):
        await fair.ask(user, "Now?", **arguments)
    assert len(await fair.store.conversations(user.id)) == chats


async def test_no_conversation_starts_before_the_consent(fair: Fair) -> None:
    await refused(fair, fair.guest, ConsentNeeded)
    await fair.part.arrive(fair.guest, fair.campaign.id)
    await refused(fair, fair.guest, ConsentNeeded)
    await fair.part.admit(fair.member, fair.campaign.id)
    await refused(fair, fair.member, ConsentNeeded, campaign_id=fair.campaign.id)
    await refused(fair, fair.host, ConsentNeeded, campaign_id=fair.campaign.id)


@pytest.mark.parametrize("state", ["open", "not begun", "over"])
async def test_an_uninvited_user_cannot_distinguish_a_campaign_from_a_missing_one(
    fair: Fair, state: str
) -> None:
    if state != "open":
        hours = 1 if state == "not begun" else -1
        at = fair.clock.now + timedelta(hours=hours)
        await fair.change(**{"starts_at" if hours > 0 else "ends_at": at})
    for user in (fair.member, fair.other):
        for campaign_id in (fair.campaign.id, "none"):
            await refused(fair, user, NotFound, campaign_id=campaign_id)


async def test_a_guest_of_a_campaign_cannot_ask_elsewhere(fair: Fair) -> None:
    await fair.agree(fair.guest)
    chat = await fair.ask(fair.guest)
    archive = await fair.conversations.archive(fair.guest.id, chat.conversation_id)
    bare = replace(archive, conversation=replace(archive.conversation, campaign_id=""))
    (imported,) = await fair.conversations.add_archives(fair.guest.id, [bare])
    await refused(fair, fair.guest, OutsideCampaign, conversation_id=imported.id)
    another = await fair.campaigns.add(fair.host, PLAN)
    await refused(fair, fair.guest, OutsideCampaign, campaign_id=another.id)
    await fair.ask(fair.other, "A guest of a plain link asks as before")


async def test_an_imported_conversation_belongs_to_no_campaign(fair: Fair) -> None:
    await fair.agree(fair.member)
    chat = await fair.ask(fair.member, campaign_id=fair.campaign.id)
    archive = await fair.conversations.archive(fair.member.id, chat.conversation_id)
    (copy,) = await fair.conversations.add_archives(fair.member.id, [archive])
    assert copy.campaign_id == ""


async def test_before_the_start_no_question_is_accepted(fair: Fair) -> None:
    await fair.agree(fair.guest)
    await fair.change(starts_at=fair.clock.now + timedelta(hours=1))
    await refused(fair, fair.guest, CampaignNotBegun)
    fair.clock.advance(hours=1)
    await fair.ask(fair.guest)


async def test_a_tester_is_seen_again_after_the_clock_was_set_back(fair: Fair) -> None:
    await fair.agree(fair.guest)
    fair.clock.advance(days=1)
    await fair.ask(fair.guest)
    fair.clock.now -= timedelta(hours=23)
    await fair.ask(fair.guest, "And now?")
    part = await fair.store.feedback.campaigns.participant(fair.campaign.id, fair.guest.id)
    assert part
    assert part.seen_at == fair.clock.now


@pytest.mark.parametrize("end", ["closed", "ended", "revoked", "expired"])
async def test_after_the_end_no_question_is_accepted_and_all_stays_readable(
    fair: Fair, end: str
) -> None:
    if end == "ended":
        await fair.change(ends_at=fair.clock.now + timedelta(hours=1))
    await fair.agree(fair.guest)
    chat = await fair.ask(fair.guest)
    if end == "closed":
        await fair.campaigns.close(fair.host, fair.campaign.id)
    elif end == "revoked":
        await fair.store.accounts.revoke_guest_link("link", fair.audit_entry)
    else:
        fair.clock.advance(days=7)
    await refused(fair, fair.guest, CampaignOver, conversation_id=chat.conversation_id)
    with pytest.raises(CampaignOver):
        await fair.answers.retry(
            fair.guest.id, conversation_id=chat.conversation_id, message_id=chat.message_id
        )
    opened = await fair.conversations.open(fair.guest.id, chat.conversation_id)
    assert [message.content for message in opened.messages] == ["Name a river", "The Rhine"]
    if end == "closed":
        await fair.campaigns.reopen(fair.host, fair.campaign.id)
        await fair.ask(fair.guest, "Again?", conversation_id=chat.conversation_id)


async def test_the_survey_can_be_sent_for_a_day_after_the_end(fair: Fair) -> None:
    await fair.agree(fair.guest)
    await fair.campaigns.close(fair.host, fair.campaign.id)
    at = fair.campaign.id
    assert (await fair.part.visit(fair.guest, at)).stage is VisitStage.SURVEY
    fair.clock.advance(hours=23)
    await fair.part.keep_survey(fair.guest, at, {"q1": 4}, send=False)
    fair.clock.advance(hours=1)
    with pytest.raises(CampaignOver):
        await fair.part.keep_survey(fair.guest, at, {"q1": 4}, send=True)
    assert (await fair.part.visit(fair.guest, at)).stage is VisitStage.OVER


async def test_a_tester_passes_from_consent_to_thanks(fair: Fair) -> None:
    at = fair.campaign.id
    assert (await fair.part.arrive(fair.guest, at)).stage is VisitStage.CONSENT
    with pytest.raises(ConsentNeeded):
        await fair.part.agree(fair.guest, at, "the digest of another text")
    await fair.agree(fair.guest)
    assert (await fair.part.visit(fair.guest, at)).stage is VisitStage.WORK
    assert (await fair.part.tick(fair.guest, at, "t1", done=True)).done == ("t1",)
    await fair.part.keep_survey(fair.guest, at, {"q1": 4, "q2": "因为"}, send=True)
    visit = await fair.part.visit(fair.guest, at)
    assert visit.stage is VisitStage.FINISHED
    assert visit.participant
    assert visit.participant.survey == {"q1": 4, "q2": "因为"}


async def test_invalid_survey_answers_and_tasks_are_refused(fair: Fair) -> None:
    at = fair.campaign.id
    await fair.agree(fair.guest)
    wrong: list[dict[str, str | int]] = [{"q1": 6}, {"q1": "good"}, {"q2": 3}, {"q1": True}]
    for answers in wrong:
        with pytest.raises(BadRequest):
            await fair.part.keep_survey(fair.guest, at, answers, send=False)
    long = "x" * (MAX_SURVEY_TEXT + 1)
    with pytest.raises(MessageTooLong):
        await fair.part.keep_survey(fair.guest, at, {"q2": long}, send=False)
    with pytest.raises(NotFound):
        await fair.part.keep_survey(fair.guest, at, {"q9": "x"}, send=False)
    with pytest.raises(NotFound):
        await fair.part.tick(fair.guest, at, "t9", done=True)


async def test_campaigns_are_not_found_by_users_without_an_invitation(fair: Fair) -> None:
    another = await fair.campaigns.add(fair.host, PLAN)
    here = fair.campaign.id
    for user, campaign_id in ((fair.guest, another.id), (fair.other, here), (fair.member, here)):
        for call in (
            fair.part.arrive(user, campaign_id),
            fair.part.agree(user, campaign_id, "digest"),
            fair.part.keep_survey(user, campaign_id, {}, send=True),
            fair.part.withdraw(user, campaign_id),
        ):
            with pytest.raises(NotFound):
                await call


async def test_withdrawal_stops_answers_and_deletes_all_data(fair: Fair) -> None:
    fair.engine.scripts = [Script(["so far"], hangs=True)]
    await fair.agree(fair.member)
    question = Question("Why?", "why", campaign_id=fair.campaign.id)
    job = await fair.answers.send(
        fair.member.id, conversation_id=None, question=question, options=MINE
    )
    assert await fair.part.withdraw(fair.member, fair.campaign.id) == 1 + 3
    await finished(job)
    assert list(await fair.store.conversations(fair.member.id)) == []
    with pytest.raises(NotFound):  # until they come by a link again
        await fair.part.visit(fair.member, fair.campaign.id)


async def test_an_owner_and_an_administrator_visit_a_campaign_without_a_link(fair: Fair) -> None:
    for user in (fair.host, fair.root):
        visit = await fair.part.visit(user, fair.campaign.id)
        assert (visit.participant, visit.stage) == (None, VisitStage.CONSENT)


# --- hosts ------------------------------------------------------------------------------------


async def test_hosts_see_their_own_campaigns_and_administrators_all(fair: Fair) -> None:
    mine = await fair.campaigns.add(fair.member, PLAN)
    assert [c.id for c in await fair.campaigns.list(fair.member)] == [mine.id]
    assert {c.id for c in await fair.campaigns.list(fair.root)} == {mine.id, fair.campaign.id}
    assert await fair.campaigns.get(fair.root, mine.id) == mine
    at = fair.campaign.id
    for user in (fair.member, fair.guest):
        for call in (
            fair.campaigns.get(user, at),
            fair.campaigns.change(user, at, PLAN),
            fair.campaigns.close(user, at),
            fair.campaigns.reopen(user, at),
            fair.campaigns.delete(user, at),
            fair.campaigns.counts(user, at),
            fair.campaigns.links(user, at),
        ):
            with pytest.raises(NotFound):
                await call
    for guests_call in (fair.campaigns.list(fair.guest), fair.campaigns.add(fair.guest, PLAN)):
        with pytest.raises(NotFound):
            await guests_call


async def test_tester_data_are_deleted_some_days_after_the_end(fair: Fair) -> None:
    await fair.change(keep_days=2, ends_at=fair.clock.now + timedelta(hours=1))
    await fair.agree(fair.guest)
    await fair.ask(fair.guest)
    fair.clock.advance(days=2)
    assert await fair.campaigns.destroy_due() == 0
    fair.clock.advance(hours=1)
    assert await fair.campaigns.destroy_due() > 0
    with pytest.raises(NotFound):
        await fair.store.accounts.user(fair.guest.id)
    assert (await fair.campaigns.get(fair.host, fair.campaign.id)) == fair.campaign
    newest = (await fair.store.accounts.audit_entries())[0]
    assert (newest.action, newest.target) == (Action.RETENTION, fair.campaign.id)
    assert await fair.campaigns.destroy_due() == 0


async def test_a_stored_date_that_cannot_be_added_to_breaks_no_sweep(fair: Fair) -> None:
    """Such a plan was taken before dates had bounds; here it goes past the checks."""
    at_the_end = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    plan = replace(PLAN, ends_at=at_the_end, keep_days=3650)
    endless = Campaign("endless", fair.host.id, plan, fair.clock.now)
    entry = AuditEntry(fair.clock.now, fair.host.id, Action.NEW_CAMPAIGN, "endless")
    await fair.store.feedback.campaigns.add(endless, entry)
    await fair.change(keep_days=2, ends_at=fair.clock.now + timedelta(hours=1))
    await fair.agree(fair.guest)
    await fair.ask(fair.guest)
    fair.clock.advance(days=3)
    assert await fair.campaigns.destroy_due() > 0
    assert (await fair.campaigns.get(fair.host, "endless")).survey_end == datetime.max.replace(
        tzinfo=UTC
    )


async def test_a_campaign_that_cannot_be_swept_stops_the_sweep_of_no_other() -> None:
    end = datetime(2020, 1, 1, tzinfo=UTC)
    plan, swept = replace(PLAN, ends_at=end, keep_days=1), []

    class Faulty(NoCampaigns):
        async def campaigns(self, owner_id: str | None) -> Sequence[Campaign]:
            return [Campaign(name, "host", plan, end) for name in ("first", "second")]

        async def destroy_tester_data(self, campaign_id: str, entry: AuditEntry) -> int:
            swept.append(campaign_id)
            if campaign_id == "first":
                raise ValueError(campaign_id)
            return 1

    with pytest.raises(ValueError, match="first"):
        await Campaigns(Faulty()).destroy_due()
    assert swept == ["first", "second"]


# --- a model of its own -----------------------------------------------------------------------


async def with_second(fair: Fair) -> None:
    """From now on the campaign is asked of the second engine."""
    await fair.change(variants=(replace(PLAN.variants[0], engine="Other-3B (bfloat16)"),))
    await fair.agree(fair.member)


async def test_a_campaign_with_the_second_model_is_answered_by_it(
    fair: Fair,
) -> None:
    await with_second(fair)
    job = await fair.ask(fair.member, campaign_id=fair.campaign.id)
    again = await fair.answers.retry(
        fair.member.id, conversation_id=job.conversation_id, message_id=job.message_id
    )
    await finished(again)
    archive = await fair.store.archive(fair.member.id, job.conversation_id)
    provenances = [message.provenance for message in archive.messages if message.provenance]
    assert [item.model for item in provenances] == ["Other-3B", "Other-3B"]
    assert not fair.engine.prompts
    await fair.ask(fair.member, "Outside of it")
    assert len(fair.engine.prompts) == 1


async def test_usage_and_prompt_are_those_of_the_answering_model(fair: Fair) -> None:
    await with_second(fair)
    question = Question("A river?", "r", campaign_id=fair.campaign.id)
    context_usage = await fair.answers.context_usage(
        fair.member.id, conversation_id=None, question=question, options=ChatOptions()
    )
    assert context_usage.limit == 300
    job = await fair.ask(fair.member, campaign_id=fair.campaign.id)
    await fair.engine.stop()
    prompt = await fair.answers.prompt_of(
        fair.member.id, conversation_id=job.conversation_id, message_id=job.message_id
    )
    assert "Name a river" in prompt


async def test_a_plan_with_an_unavailable_model_is_refused(fair: Fair) -> None:
    variant = replace(PLAN.variants[0], engine="Nobody-9B (nf4)")
    with pytest.raises(BadPlan) as caught:
        await fair.change(variants=(variant,))
    assert caught.value.values == {"field": "variants.engine", "limit": 0}
    with pytest.raises(BadPlan):
        await fair.campaigns.add(fair.host, replace(PLAN, variants=(variant,)))


async def test_a_plan_may_keep_a_formerly_available_model(fair: Fair) -> None:
    await with_second(fair)
    fair.second.model = "Another-7B"
    await fair.change(title="Still the same model")
    assert fair.campaign.plan.variants[0].engine == "Other-3B (bfloat16)"
    with pytest.raises(EngineNotServing):
        await fair.ask(fair.member, campaign_id=fair.campaign.id)
