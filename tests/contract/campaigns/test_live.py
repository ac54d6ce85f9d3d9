"""What the database promises of a running campaign: on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chat.accounts.models import CAMPAIGN_GRACE, AccountRole, Action, AuditEntry, GuestLink, User
from chat.campaigns.live_models import EventKind, LinkLimits
from chat.campaigns.models import Campaign, Mode, Plan, Task, Variant
from chat.campaigns.validation import consent_digest
from chat.conversations.models import Question
from chat.errors import NotFound
from chat.feedback.models import AnswerSnapshot, RatingInput, Verdict
from chat.models import ChatOptions, Status
from chat.serving.observer import Source
from store import RoutingStore
from tests.contract.stores import ENDED, START, ticking
from tests.contract.users import ANN, BOB, JOINED
from tests.migrated import migrated_store

PLAN = Plan("Rivers", Mode.SINGLE, (Variant("A"),), tasks=(Task("t1", "Ask"),))
LATER = START + timedelta(hours=1)
ACT = AuditEntry(LATER, BOB.id, Action.PAUSE_CAMPAIGN, "c1")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RoutingStore]:
    store = migrated_store(request, tmp_path, ticking())
    await store.open()
    for user in (ANN, BOB):
        await store.accounts.add_user(user, "hash", JOINED)
    campaigns = store.feedback.campaigns
    for campaign_id in ("c1", "c2"):
        await campaigns.add(Campaign(campaign_id, BOB.id, PLAN, START), JOINED)
    await campaigns.agree(
        "c1", ANN.id, digest=consent_digest(PLAN), at=START, page_language="", choose=min
    )
    yield store
    await store.close()


async def ask(store: RoutingStore, status: Status = Status.DONE) -> str:
    """The id of the conversation of an answered question."""
    question = Question("Why?", f"request {status}", "Why?", campaign_id="c1")
    turn = await store.add_turn(
        ANN.id, conversation_id=None, question=question, options=ChatOptions()
    )
    await store.finish_answer(ANN.id, turn.answer.id, replace(ENDED, status=status))
    return turn.conversation.id


async def rate(store: RoutingStore, verdict: Verdict, comment: str, minutes: int) -> None:
    snapshot = AnswerSnapshot(
        id="evidence",
        answer_id="answer",
        owner_id=ANN.id,
        source=Source.PAGE,
        prompt=(),
        answer="Because.",
        status=Status.DONE,
        made_at=START,
        campaign_id="c1",
    )
    at = LATER + timedelta(minutes=minutes)
    await store.feedback.ratings.rate(snapshot, ANN.id, RatingInput(verdict, (), comment), at)


async def test_testers_events_and_chats_are_those_of_the_campaign(store: RoutingStore) -> None:
    chats = [await ask(store), await ask(store, Status.ERROR)]
    await rate(store, Verdict.UP, "Good.", 1)
    await rate(store, Verdict.DOWN, "Not so good.", 2)
    await store.feedback.campaigns.tick("c1", ANN.id, "t1", done=True, at=LATER)
    state = await store.feedback.live.state("c1")
    (tester,) = state.testers
    assert (tester.user_id, tester.done, tester.questions, tester.rated) == (ANN.id, 1, 2, 1)
    assert (tester.seen_at, tester.consented, tester.finished) == (LATER, True, False)
    kinds = {event.kind: event for event in state.events}
    assert kinds.keys() == {EventKind.DOWN, EventKind.FAILURE, EventKind.JOINED}
    rating = kinds[EventKind.DOWN]
    assert (rating.detail, rating.target) == ("Not so good.", "evidence")
    assert kinds[EventKind.FAILURE].target == chats[1]
    assert {chat.id for chat in state.chats} == set(chats)
    assert state.names == {ANN.id: ANN.name}
    other = await store.feedback.live.state("c2")
    assert (other.testers, other.events, other.chats) == ((), (), ())


async def test_the_version_changes_with_what_is_shown_and_only_then(store: RoutingStore) -> None:
    live = store.feedback.live
    seen: set[str] = set()

    async def is_new() -> bool:
        before = len(seen)
        seen.add(await live.version("c1"))
        return len(seen) > before

    assert await is_new()
    assert not await is_new()
    await ask(store)
    assert await is_new()
    await rate(store, Verdict.UP, "", 1)
    assert await is_new()
    await store.feedback.campaigns.tick("c1", ANN.id, "t1", done=True, at=LATER)
    assert await is_new()
    await live.tell("c1", "Hello", ACT)
    assert await is_new()
    await live.tell("c2", "Elsewhere", ACT)
    assert not await is_new()


async def test_a_chat_is_read_in_its_own_campaign_only(store: RoutingStore) -> None:
    chat_id = await ask(store)
    archive = await store.feedback.live.chat("c1", chat_id)
    assert [message.content for message in archive.messages] == ["Why?", ENDED.content]
    for campaign_id, conversation_id in (("c2", chat_id), ("c1", "unknown")):
        with pytest.raises(NotFound):
            await store.feedback.live.chat(campaign_id, conversation_id)


async def test_an_act_that_changes_nothing_is_not_in_the_audit_log(store: RoutingStore) -> None:
    live = store.feedback.live
    for paused_at in (LATER, LATER, None, None):
        await live.pause("c1", paused_at, ACT)
    for notice in ("Hello", "Hello", "", ""):
        await live.tell("c1", notice, ACT)
    entries = await store.accounts.audit_entries()
    assert len([entry for entry in entries if entry == ACT]) == 4
    campaign = await store.feedback.campaigns.campaign("c1")
    assert (campaign.paused_at, campaign.notice) == (None, "")


async def test_an_extension_keeps_links_that_would_have_ended(store: RoutingStore) -> None:
    for link_id in ("open", "revoked"):
        link = GuestLink(link_id, BOB.id, "x", START, LATER, 5, 9, 99, campaign_id="c1")
        await store.accounts.add_guest_link(f"token {link_id}", link, JOINED)
    await store.accounts.revoke_guest_link("revoked", JOINED)
    guest = User("gus", "Gus", AccountRole.GUEST, START, guest_link_id="open")
    await store.accounts.admit_guest("open", guest, AuditEntry(START, "gus", Action.ENTER))
    until = START + timedelta(days=9)

    def one_more(link: GuestLink) -> LinkLimits:
        return LinkLimits(link.max_guests + 1, link.max_messages + 10)

    await store.feedback.live.extend("c1", until, until, ACT)
    await store.feedback.live.raise_link("c1", "open", one_more, ACT)
    campaign = await store.feedback.campaigns.campaign("c1")
    assert (campaign.plan.ends_at, campaign.plan_version) == (until, 2)
    kept, revoked = [await store.accounts.guest_link(one) for one in ("open", "revoked")]
    assert (kept.expires_at, kept.max_guests, kept.max_messages) == (until, 6, 19)
    assert kept.sessions_end == until + CAMPAIGN_GRACE
    assert revoked.expires_at == LATER
    with pytest.raises(NotFound):
        await store.feedback.live.raise_link("c2", "open", one_more, ACT)
