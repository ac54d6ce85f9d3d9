"""The contract of campaign stores, on SQLite and on PostgreSQL."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from chat.accounts.models import LOCAL, AccountRole, Action, AuditEntry, GuestLink, User
from chat.campaigns.errors import ConsentNeeded, PlanInUse
from chat.campaigns.models import (
    Campaign,
    CampaignCounts,
    Comparison,
    Mode,
    Participant,
    Plan,
    QuestionKind,
    Side,
    SurveyQuestion,
    Task,
    Variant,
    VariantProgress,
    VoteChoice,
)
from chat.campaigns.validation import consent_digest
from chat.conversations.models import AnswerRecord, Question
from chat.errors import BadText, NotFound
from chat.feedback.models import AnswerSnapshot, RatingInput, Verdict
from chat.models import ChatOptions, Sampling, Status
from chat.serving.observer import Source
from store import RoutingStore
from store.campaigns.store import DatabaseCampaigns
from store.schema.campaigns import ComparisonRow
from tests.contract.stores import ENDED, START, ticking
from tests.contract.users import ANN, BOB, CY, JOINED
from tests.migrated import migrated_store

LATER = START + timedelta(hours=1)
PLAN = Plan(
    "Which is better? 哪个更好",
    Mode.SPLIT,
    (Variant("A", "Be brief.", Sampling(temperature=0.5)), Variant("B")),
    tasks=(Task("t1", "Ask", "Ask for a river", "Name a river"), Task("t2", "Rate")),
    consent="Your answers are kept.",
    survey=(SurveyQuestion("q1", QuestionKind.SCALE, "How was it?", "bad", "good"),),
    ends_at=START + timedelta(days=30),
)
CAMPAIGN = Campaign("c1", BOB.id, PLAN, START)
DONE = AuditEntry(LATER, BOB.id, Action.CHANGE_CAMPAIGN, "c1")
LINK = GuestLink("link", BOB.id, "door", START, PLAN.ends_at or START, 9, 9, 9, campaign_id="c1")
GIL = User("gil-id", "Gil", AccountRole.GUEST, START, guest_link_id="link")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RoutingStore]:
    store = migrated_store(request, tmp_path, ticking())
    await store.open()
    for user in (ANN, BOB, CY):
        await store.accounts.add_user(user, "hash", JOINED)
    yield store
    await store.close()


@pytest.fixture
async def campaigns(store: RoutingStore) -> DatabaseCampaigns:
    await store.feedback.campaigns.add(CAMPAIGN, JOINED)
    return store.feedback.campaigns


async def agree(campaigns: DatabaseCampaigns, user_id: str, *, to: Plan = PLAN) -> Participant:
    return await campaigns.agree(
        "c1", user_id, digest=consent_digest(to), at=LATER, page_language="zh", choose=min
    )


async def chat_of(store: RoutingStore, user_id: str, *, fails: bool = False) -> str:
    """A conversation in the campaign with one question, answered and rated."""
    turn = await store.add_turn(
        user_id,
        conversation_id=None,
        question=Question("Why?", f"request of {user_id}", "Why?", campaign_id="c1"),
        options=ChatOptions(),
    )
    record = AnswerRecord("", Status.ERROR, error_code="engine_failed") if fails else ENDED
    await store.finish_answer(user_id, turn.answer.id, record)
    snapshot = AnswerSnapshot(
        id=f"evidence of {user_id}",
        answer_id=turn.answer.id,
        owner_id=user_id,
        source=Source.PAGE,
        prompt=(),
        answer="Because.",
        status=Status.DONE,
        made_at=START,
        campaign_id="c1",
    )
    for verdict in (Verdict.UP, Verdict.DOWN):
        await store.feedback.ratings.rate(snapshot, user_id, RatingInput(verdict), LATER)
    return turn.conversation.id


async def test_a_campaign_is_read_as_it_was_created(campaigns: DatabaseCampaigns) -> None:
    assert await campaigns.campaign("c1") == CAMPAIGN
    with pytest.raises(NotFound):
        await campaigns.campaign("other")


async def test_campaigns_are_listed_newest_first_for_one_or_for_all(
    campaigns: DatabaseCampaigns,
) -> None:
    newer = replace(CAMPAIGN, id="c2", created_at=LATER)
    others = replace(CAMPAIGN, id="c3", owner_id=CY.id, created_at=LATER + timedelta(1))
    for campaign in (newer, others):
        await campaigns.add(campaign, JOINED)
    assert list(await campaigns.campaigns(BOB.id)) == [newer, CAMPAIGN]
    assert list(await campaigns.campaigns(None)) == [others, newer, CAMPAIGN]


async def test_a_changed_plan_has_a_new_version_and_the_same_plan_has_not(
    campaigns: DatabaseCampaigns, store: RoutingStore
) -> None:
    plan = replace(PLAN, variants=(Variant("X"), Variant("Y")), consent="Other words")
    assert (await campaigns.change_plan("c1", plan, DONE)).plan_version == 2
    assert await campaigns.change_plan("c1", plan, DONE) == replace(
        CAMPAIGN, plan=plan, plan_version=2
    )
    audit_entries = [
        audit_entry for audit_entry in await store.accounts.audit_entries() if audit_entry == DONE
    ]
    assert len(audit_entries) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"variants": (Variant("A"), Variant("C"))}, "variants"),
        ({"consent": "Other words"}, "consent"),
        ({"mode": Mode.BLIND}, "mode"),
        ({"tasks": PLAN.tasks[:1]}, "tasks"),
        ({"survey": ()}, "survey"),
        ({"keep_days": 3}, "keep_days"),
    ],
)
async def test_fields_that_answers_depend_on_are_fixed_after_the_first_consent(
    campaigns: DatabaseCampaigns, change: dict[str, object], field: str
) -> None:
    await agree(campaigns, CY.id)
    with pytest.raises(PlanInUse) as refused:
        await campaigns.change_plan("c1", replace(PLAN, **change), DONE)  # type: ignore[arg-type]
    assert refused.value.values == {"field": field}
    assert await campaigns.campaign("c1") == CAMPAIGN


async def test_texts_and_dates_may_change_while_there_are_testers(
    campaigns: DatabaseCampaigns,
) -> None:
    await agree(campaigns, CY.id)
    tasks = tuple(replace(task, title="In better words") for task in PLAN.tasks)
    plan = replace(PLAN, title="New", tasks=tasks, thanks="Thanks", ends_at=None)
    assert (await campaigns.change_plan("c1", plan, DONE)).plan == plan


async def test_the_trial_of_the_host_is_deleted_when_the_plan_changes(
    campaigns: DatabaseCampaigns, store: RoutingStore
) -> None:
    await agree(campaigns, BOB.id)
    await chat_of(store, BOB.id)
    await campaigns.change_plan("c1", replace(PLAN, consent="Other words"), DONE)
    assert await campaigns.participant("c1", BOB.id) is None
    assert list(await store.conversations(BOB.id)) == []


async def test_a_visitor_without_consent_does_not_fix_the_plan(
    campaigns: DatabaseCampaigns,
) -> None:
    await campaigns.join("c1", CY.id, LATER)
    plan = replace(PLAN, consent="Other words")
    await campaigns.change_plan("c1", plan, DONE)
    with pytest.raises(ConsentNeeded):
        await agree(campaigns, CY.id)
    assert (await agree(campaigns, CY.id, to=plan)).consent_sha256 == consent_digest(plan)


async def test_a_campaign_is_closed_once_and_can_be_opened_again(
    campaigns: DatabaseCampaigns,
) -> None:
    assert (await campaigns.close("c1", LATER, DONE)).closed_at == LATER
    assert (await campaigns.close("c1", LATER + timedelta(1), DONE)).closed_at == LATER
    assert (await campaigns.close("c1", None, DONE)).closed_at is None


async def test_a_tester_joins_once_and_consents_once(campaigns: DatabaseCampaigns) -> None:
    assert await campaigns.participant("c1", CY.id) is None
    joined = await campaigns.join("c1", CY.id, LATER)
    assert joined == Participant("c1", CY.id, LATER)
    assert await campaigns.join("c1", CY.id, LATER + timedelta(1)) == joined
    agreed = await agree(campaigns, CY.id)
    assert agreed == replace(
        joined,
        consented_at=LATER,
        consent_sha256=consent_digest(PLAN),
        variant=0,
        seen_at=LATER,
        page_language="zh",
    )
    assert await agree(campaigns, CY.id) == agreed == await campaigns.participant("c1", CY.id)
    with pytest.raises(NotFound):
        await campaigns.join("other", CY.id, LATER)
    with pytest.raises(NotFound):
        await campaigns.tick("c1", "somebody", "t1", done=True, at=LATER)


async def test_a_concurrent_split_stays_balanced(
    campaigns: DatabaseCampaigns,
) -> None:
    came = await asyncio.gather(*(agree(campaigns, f"user {number}") for number in range(7)))
    assert sorted(Counter(one.variant for one in came).values()) == [3, 4]
    again = await asyncio.gather(*(agree(campaigns, f"user {number}") for number in range(7)))
    assert [one.variant for one in again] == [one.variant for one in came]


async def test_the_owners_trial_does_not_count_for_the_balance(
    campaigns: DatabaseCampaigns,
) -> None:
    assert (await agree(campaigns, BOB.id)).variant == 0
    assert (await agree(campaigns, CY.id)).variant == 0


async def test_ticks_and_incomplete_surveys_are_stored(campaigns: DatabaseCampaigns) -> None:
    await agree(campaigns, CY.id)
    for task_id, done in (("t1", True), ("t2", True), ("t1", False), ("t2", True)):
        ticked = await campaigns.tick("c1", CY.id, task_id, done=done, at=LATER)
    assert ticked.done == ("t2",)
    await campaigns.keep_survey("c1", CY.id, {"q1": 3}, at=LATER, send=False)
    participant = await campaigns.keep_survey("c1", CY.id, {"q2": "so 那样"}, at=LATER, send=False)
    assert (participant.survey, participant.survey_sent_at) == ({"q1": 3, "q2": "so 那样"}, None)
    sent = await campaigns.keep_survey("c1", CY.id, {"q1": 5}, at=LATER, send=True)
    assert (sent.survey["q1"], sent.survey_sent_at) == (5, LATER)
    with pytest.raises(BadText):
        await campaigns.keep_survey("c1", CY.id, {"q2": "\ud800"}, at=LATER, send=False)


async def test_testers_are_counted_by_variant_without_the_trial_of_the_host(
    campaigns: DatabaseCampaigns,
) -> None:
    for user in (BOB.id, CY.id, "finished", "silent"):
        await agree(campaigns, user)
    await campaigns.keep_survey("c1", "finished", {}, at=LATER, send=True)
    await campaigns.seen("c1", "silent", START)
    halves = await campaigns.testers("c1", silent_since=LATER)
    assert sorted(halves, key=lambda half: half.consented) == [
        VariantProgress(consented=1, finished=1),
        VariantProgress(consented=2, dropped_out=1),
    ]


async def test_counts_exclude_the_trial_of_the_host(
    campaigns: DatabaseCampaigns, store: RoutingStore
) -> None:
    for user in (BOB.id, CY.id, "finished", "silent"):
        await agree(campaigns, user)
    await campaigns.join("c1", "looked", LATER)
    await campaigns.keep_survey("c1", "finished", {}, at=LATER, send=True)
    await campaigns.seen("c1", "silent", START)
    for user, fails in ((BOB.id, False), (CY.id, False), (ANN.id, True)):
        await chat_of(store, user, fails=fails)
    found = await campaigns.counts("c1", active_since=LATER, silent_since=LATER)
    assert found == CampaignCounts(
        came=4,
        consented=3,
        active=1,
        finished=1,
        dropped_out=1,
        questions=2,
        failures=1,
        up=0,
        down=2,
        votes=0,
    )
    with pytest.raises(NotFound):
        await campaigns.counts("other", active_since=LATER, silent_since=LATER)


async def test_the_local_user_counts_as_a_tester(
    campaigns: DatabaseCampaigns,
) -> None:
    await campaigns.add(replace(CAMPAIGN, id="c2", owner_id=LOCAL.id), JOINED)
    await campaigns.agree(
        "c2", LOCAL.id, digest=consent_digest(PLAN), at=LATER, page_language="", choose=min
    )
    found = await campaigns.counts("c2", active_since=LATER, silent_since=START)
    assert (found.came, found.consented, found.active) == (1, 1, 1)


async def test_a_blind_comparison_counts_as_one_question(
    campaigns: DatabaseCampaigns, store: RoutingStore
) -> None:
    await campaigns.change_plan("c1", replace(PLAN, mode=Mode.BLIND), DONE)
    await chat_of(store, CY.id)
    sides = Side(0, "x", "x"), Side(1, "y", "y")
    for number, choice in enumerate((None, VoteChoice.TIE)):
        await _add_comparison(
            store, Comparison(f"d{number}", "c1", CY.id, "Q", *sides, LATER, choice=choice)
        )
    found = await campaigns.counts("c1", active_since=START, silent_since=START)
    assert (found.questions, found.votes) == (2, 1)


async def _add_comparison(store: RoutingStore, comparison: Comparison) -> None:
    def add(session: Session) -> None:
        session.add(
            ComparisonRow(
                id=comparison.id,
                campaign_id=comparison.campaign_id,
                user_id=comparison.user_id,
                request_id=comparison.id,
                question=comparison.question,
                task_id="",
                left=comparison.left,
                right=comparison.right,
                asked_at=comparison.asked_at,
                choice=comparison.choice,
                comment="",
            )
        )

    await store.database.transactions.write(add)


async def test_withdrawal_deletes_the_testers_data_of_this_campaign_only(
    campaigns: DatabaseCampaigns, store: RoutingStore
) -> None:
    for user in (CY.id, ANN.id):
        await agree(campaigns, user)
        await chat_of(store, user)
    elsewhere = await store.add_turn(
        CY.id, conversation_id=None, question=Question("Else?", "else"), options=ChatOptions()
    )
    chats = await campaigns.conversations("c1", CY.id)
    assert len(chats) == 1
    # a participant, a conversation of two messages, snapshot with two versions of a rating
    assert await campaigns.withdraw("c1", CY.id) == 1 + 3 + 3
    assert await campaigns.participant("c1", CY.id) is None
    assert [chat.id for chat in await store.conversations(CY.id)] == [elsewhere.conversation.id]
    assert await campaigns.participant("c1", ANN.id)
    assert len(await campaigns.conversations("c1", ANN.id)) == 1
    assert await campaigns.withdraw("c1", CY.id) == 0


@pytest.fixture
async def guests(campaigns: DatabaseCampaigns, store: RoutingStore) -> DatabaseCampaigns:
    """A guest and a member with data in the campaign."""
    await store.accounts.add_guest_link("token", LINK, JOINED)
    await store.accounts.admit_guest(LINK.id, GIL, JOINED)
    for user in (GIL.id, CY.id):
        await agree(campaigns, user)
        await chat_of(store, user)
    return campaigns


async def test_a_campaign_lists_its_links(guests: DatabaseCampaigns, store: RoutingStore) -> None:
    await store.accounts.add_guest_link("t2", replace(LINK, id="l2", campaign_id=None), JOINED)
    assert [link.id for link in await guests.links("c1")] == [LINK.id]


async def test_tester_data_are_deleted_and_the_plan_stays(
    guests: DatabaseCampaigns, store: RoutingStore
) -> None:
    audit_entry = AuditEntry(LATER, "", Action.RETENTION, "c1")
    rows = await guests.destroy_tester_data("c1", audit_entry)
    assert rows == 2 * (1 + 3 + 3) + 1  # the guest's account is one more
    with pytest.raises(NotFound):
        await store.accounts.user(GIL.id)
    assert await guests.participant("c1", CY.id) is None
    assert list(await store.conversations(CY.id)) == []
    assert await guests.campaign("c1") == CAMPAIGN
    assert replace(audit_entry, detail=str(rows)) in await store.accounts.audit_entries()
    assert await guests.destroy_tester_data("c1", audit_entry) == 0


async def test_a_campaign_is_deleted_with_its_links_and_tester_data(
    guests: DatabaseCampaigns, store: RoutingStore
) -> None:
    assert await guests.delete("c1", DONE) == 2 * (1 + 3 + 3) + 1 + 1 + 1
    for rows in (
        guests.campaign("c1"),
        store.accounts.guest_link("link"),
        guests.delete("c1", DONE),
    ):
        with pytest.raises(NotFound):
            await rows
    assert (await store.accounts.user(CY.id)).name == CY.name


async def test_a_draft_keeps_a_half_written_plan_until_it_is_opened(store: RoutingStore) -> None:
    campaigns = store.feedback.campaigns
    half = replace(PLAN, title="", variants=(), ends_at=None)
    await campaigns.add(replace(CAMPAIGN, plan=half, is_draft=True), JOINED)
    assert (await campaigns.campaign("c1")).is_draft
    entries = len(await store.accounts.audit_entries())
    saved = await campaigns.save_draft("c1", replace(half, thanks="您好"))
    assert saved == await campaigns.campaign("c1")
    assert (saved.plan.thanks, saved.plan_version, saved.is_draft) == ("您好", 1, True)
    assert len(await store.accounts.audit_entries()) == entries
    assert "c1" not in (await store.feedback.results.choices(BOB.id)).campaigns
    opened = await campaigns.change_plan("c1", saved.plan, DONE)
    assert "c1" in (await store.feedback.results.choices(BOB.id)).campaigns
    assert (opened.is_draft, opened.plan_version) == (False, 1)
    for campaign_id in ("c1", "unknown"):
        with pytest.raises(NotFound):
            await campaigns.save_draft(campaign_id, PLAN)


async def test_a_plan_keeps_its_texts_in_two_languages_and_every_kind_of_question(
    store: RoutingStore,
) -> None:
    survey = tuple(
        SurveyQuestion(kind, kind, "?", "l", "h", ("a", "b"), "？", "低", "高", ("甲", "乙"))
        for kind in QuestionKind
    )
    tasks = (Task("t1", "Ask", "So", "Why?", "提问", "这样", "为什么？"),)
    plan = replace(PLAN, survey=survey, tasks=tasks, language="en", other_consent="同意")
    await store.feedback.campaigns.add(replace(CAMPAIGN, plan=plan), JOINED)
    assert (await store.feedback.campaigns.campaign("c1")).plan == plan
