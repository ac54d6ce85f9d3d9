"""What the database promises of ratings: on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from chat.campaigns import Campaign, Mode, Plan, Side, Variant
from chat.errors import BadText, NotFound
from chat.evidence import Evidence, Opinion, Verdict
from chat.observing import Door
from chat.people import LOCAL
from chat.rating import Placement
from chat.types import ChatMessage, PresetRef, Role, Status
from store import RoutingStore, open_store
from store.feedback.tables import CampaignRow, DuelRow, EvidenceRow, ParticipantRow
from tests.contract.folk import ANN, BOB, MADE
from tests.contract.stores import ENDED, START, ticking

LATER = START + timedelta(hours=1)
BAD = Opinion(Verdict.DOWN, ("wrong-facts", "other"), "not so 不对", "Paris\nis it")
EVIDENCE = Evidence(
    id="evidence",
    answer_id="answer",
    owner=ANN.id,
    door=Door.PAGE,
    prompt=(
        ChatMessage(Role.SYSTEM, "Be brief."),
        ChatMessage(Role.USER, "Capital of France? 首都"),
    ),
    answer="Lyon 里昂",
    status=Status.STOPPED,
    made_at=START,
    finish=ENDED.finish,
    usage=ENDED.usage,
    timing=ENDED.timing,
    provenance=replace(ENDED.provenance, preset=PresetRef("maths", 3)),  # type: ignore[type-var]
    conversation_id="conversation",
    language="zh",
    page_language="en",
)
PLAN = Plan("Which is better?", Mode.SINGLE, (Variant("A"), Variant("B")), reasons=("dull",))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RoutingStore]:
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    store = open_store(tmp_path, url, clock=ticking())
    await store.open()
    for person in (ANN, BOB):
        await store.people.add_person(person, "hash", MADE)
    yield store
    await store.close()


async def add(store: RoutingStore, *rows: object) -> None:
    """Rows of other rooms, as these write them."""
    await store.feedback.ratings._database.write(lambda session: session.add_all(rows))


async def rows_of(store: RoutingStore) -> list[EvidenceRow]:
    def query(session: Session) -> list[EvidenceRow]:
        rows = list(session.scalars(select(EvidenceRow)))
        session.expunge_all()  # to be read when the transaction has ended
        return rows

    return await store.feedback.ratings._database.read(query)


async def add_campaign(store: RoutingStore, owner: str = BOB.id, **plan: object) -> Campaign:
    campaign = Campaign("campaign", owner, replace(PLAN, **plan), START)  # type: ignore[arg-type]
    await add(
        store,
        CampaignRow(
            id="campaign", owner=owner, plan=campaign.plan, plan_version=1, created_at=START
        ),
    )
    return campaign


async def test_the_first_rating_freezes_the_answer_letter_by_letter(store: RoutingStore) -> None:
    ratings = store.feedback.ratings
    given = await ratings.rate(EVIDENCE, ANN.id, BAD, LATER)
    assert (given.version, given.opinion, given.rated_at) == (1, BAD, LATER)
    assert await ratings.evidence_of(ANN.id, "answer") == EVIDENCE
    assert await ratings.evidence_of(BOB.id, "answer") is None
    again = replace(EVIDENCE, id="another", answer="Marseille")
    assert (await ratings.rate(again, ANN.id, Opinion(Verdict.UP), LATER)).evidence_id == "evidence"
    assert await ratings.evidence_of(ANN.id, "answer") == EVIDENCE


async def test_ratings_are_versions_and_the_same_opinion_adds_none(store: RoutingStore) -> None:
    ratings = store.feedback.ratings
    opinions = [BAD, BAD, Opinion(Verdict.UP), Opinion(), Opinion(), BAD]
    given = [await ratings.rate(EVIDENCE, ANN.id, opinion, LATER) for opinion in opinions]
    assert [rating.version for rating in given] == [1, 1, 2, 3, 3, 4]
    assert await ratings.newest(ANN.id, ["answer", "another"]) == {"answer": given[-1]}
    assert await ratings.newest(BOB.id, ["answer"]) == {}
    assert await ratings.newest(ANN.id, []) == {}


async def test_ratings_at_once_are_all_kept_in_order(store: RoutingStore) -> None:
    ratings = store.feedback.ratings
    given = await asyncio.gather(
        *(
            ratings.rate(
                replace(EVIDENCE, id=f"evidence {number}"),
                ANN.id,
                Opinion(comment=f"number {number}"),
                LATER,
            )
            for number in range(5)
        )
    )
    assert sorted(rating.version for rating in given) == [1, 2, 3, 4, 5]
    assert len({rating.evidence_id for rating in given}) == 1
    last = max(given, key=lambda rating: rating.version)
    assert await ratings.newest(ANN.id, ["answer"]) == {"answer": last}


async def test_the_columns_that_results_are_filtered_by_are_filled(store: RoutingStore) -> None:
    ratings = store.feedback.ratings
    await ratings.rate(EVIDENCE, ANN.id, BAD, LATER)
    (row,) = await rows_of(store)
    made = EVIDENCE.provenance
    assert made
    assert (row.model, row.preset_id, row.preset_version) == (made.model, "maths", 3)
    assert row.rated_at == LATER
    for word in (" france ", " 首 都 ", " lyon ", " 不 对 ", " paris "):
        assert word in row.words
    await ratings.rate(EVIDENCE, ANN.id, Opinion(), LATER + timedelta(days=1))
    (row,) = await rows_of(store)
    assert " paris " not in row.words
    assert " lyon " in row.words
    assert row.rated_at == LATER + timedelta(days=1)


async def test_an_answer_without_provenance_can_be_kept(store: RoutingStore) -> None:
    bare = replace(EVIDENCE, provenance=None, finish=None, usage=None, timing=None)
    await store.feedback.ratings.rate(bare, ANN.id, BAD, LATER)
    assert await store.feedback.ratings.evidence_of(ANN.id, "answer") == bare


async def test_who_is_gone_rates_nothing_and_the_local_user_is_never_gone(
    store: RoutingStore,
) -> None:
    ratings = store.feedback.ratings
    await store.people.delete_person(BOB.id, MADE)
    with pytest.raises(NotFound):
        await ratings.rate(replace(EVIDENCE, owner=BOB.id), BOB.id, BAD, LATER)
    assert await rows_of(store) == []
    assert await ratings.rate(replace(EVIDENCE, owner=LOCAL.id), LOCAL.id, BAD, LATER)


async def test_text_that_no_database_can_hold_is_refused(store: RoutingStore) -> None:
    for comment in ("\0", "\ud800"):
        with pytest.raises(BadText):
            await store.feedback.ratings.rate(EVIDENCE, ANN.id, Opinion(comment=comment), LATER)
    assert await rows_of(store) == []


async def test_a_campaign_offers_its_reasons_and_knows_whose_variant_it_was(
    store: RoutingStore,
) -> None:
    place = store.feedback.ratings.placement
    assert await place("campaign", ANN.id, "answer") is None
    await add_campaign(store, mode=Mode.SINGLE)
    assert await place("campaign", ANN.id, "answer") == Placement(("dull",), 0)


async def test_in_a_split_test_the_variant_is_the_one_that_was_drawn(store: RoutingStore) -> None:
    await add_campaign(store, mode=Mode.SPLIT)
    place = store.feedback.ratings.placement
    assert await place("campaign", ANN.id, "answer") == Placement(("dull",), None)
    await add(
        store,
        ParticipantRow(campaign_id="campaign", user_id=ANN.id, joined_at=START, variant=1),
    )
    assert await place("campaign", ANN.id, "answer") == Placement(("dull",), 1)


async def test_side_by_side_the_variant_is_that_of_the_side(store: RoutingStore) -> None:
    await add_campaign(store, mode=Mode.BLIND)
    await add(store, duel(ANN.id))
    place = store.feedback.ratings.placement
    for message_id, variant in (("answer", 1), ("other", 0), ("third", None)):
        assert await place("campaign", ANN.id, message_id) == Placement(("dull",), variant)
    assert await place("campaign", BOB.id, "answer") == Placement(("dull",), None)


def duel(user_id: str) -> DuelRow:
    return DuelRow(
        id=f"duel of {user_id}",
        campaign_id="campaign",
        user_id=user_id,
        request_id="request",
        question="Which?",
        task_id="",
        left=Side(1, "conversation", "answer"),
        right=Side(0, "elsewhere", "other"),
        asked_at=START,
        comment="",
    )


async def test_a_campaign_that_is_gone_holds_no_rating_back(store: RoutingStore) -> None:
    await store.feedback.ratings.rate(replace(EVIDENCE, campaign_id="gone"), ANN.id, BAD, LATER)
    kept = await store.feedback.ratings.evidence_of(ANN.id, "answer")
    assert kept == EVIDENCE
