"""What the database promises of ratings: on SQLite and on PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from chat.accounts.models import LOCAL
from chat.campaigns.models import Mode
from chat.errors import BadText, NotFound
from chat.feedback.models import Placement, RatingInput, Verdict
from store import RoutingStore
from store.schema.feedback import AnswerSnapshotRow
from tests.contract.feedback_rows import (
    BAD,
    LATER,
    SNAPSHOT,
    add_rows,
    campaign,
    comparison,
    participant,
)
from tests.contract.users import ANN, BOB, JOINED


async def rows_of(database: RoutingStore) -> list[AnswerSnapshotRow]:
    def query(session: Session) -> list[AnswerSnapshotRow]:
        rows = list(session.scalars(select(AnswerSnapshotRow)))
        session.expunge_all()  # to be read when the transaction has ended
        return rows

    return await database.feedback.ratings.transactions.read(query)


async def test_the_first_rating_stores_an_exact_snapshot(database: RoutingStore) -> None:
    ratings = database.feedback.ratings
    rated = await ratings.rate(SNAPSHOT, ANN.id, BAD, LATER)
    assert (rated.version, rated.rating_input, rated.rated_at) == (1, BAD, LATER)
    assert await ratings.snapshot_of(ANN.id, "answer") == SNAPSHOT
    assert await ratings.snapshot_of(BOB.id, "answer") is None
    again = replace(SNAPSHOT, id="another", answer="Marseille")
    assert (
        await ratings.rate(again, ANN.id, RatingInput(Verdict.UP), LATER)
    ).snapshot_id == "evidence"
    assert await ratings.snapshot_of(ANN.id, "answer") == SNAPSHOT


async def test_ratings_are_versioned_and_the_same_rating_adds_none(database: RoutingStore) -> None:
    ratings = database.feedback.ratings
    rating_inputs = [BAD, BAD, RatingInput(Verdict.UP), RatingInput(), RatingInput(), BAD]
    rated = [
        await ratings.rate(SNAPSHOT, ANN.id, rating_input, LATER) for rating_input in rating_inputs
    ]
    assert [rating.version for rating in rated] == [1, 1, 2, 3, 3, 4]
    assert await ratings.newest(ANN.id, ["answer", "another"]) == {"answer": rated[-1]}
    assert await ratings.newest(BOB.id, ["answer"]) == {}
    assert await ratings.newest(ANN.id, []) == {}


async def test_concurrent_ratings_are_all_stored_in_order(database: RoutingStore) -> None:
    ratings = database.feedback.ratings
    rated = await asyncio.gather(
        *(
            ratings.rate(
                replace(SNAPSHOT, id=f"evidence {number}"),
                ANN.id,
                RatingInput(comment=f"number {number}"),
                LATER,
            )
            for number in range(5)
        )
    )
    assert sorted(rating.version for rating in rated) == [1, 2, 3, 4, 5]
    assert len({rating.snapshot_id for rating in rated}) == 1
    last = max(rated, key=lambda rating: rating.version)
    assert await ratings.newest(ANN.id, ["answer"]) == {"answer": last}


async def test_the_columns_that_results_are_filtered_by_are_filled(database: RoutingStore) -> None:
    ratings = database.feedback.ratings
    await ratings.rate(SNAPSHOT, ANN.id, BAD, LATER)
    (row,) = await rows_of(database)
    provenance = SNAPSHOT.provenance
    assert provenance
    assert (row.model, row.preset_id, row.preset_version) == (provenance.model, "maths", 3)
    assert row.rated_at == LATER
    for word in (" france ", " 首 都 ", " lyon ", " 不 对 ", " paris "):
        assert word in row.words
    await ratings.rate(SNAPSHOT, ANN.id, RatingInput(), LATER + timedelta(days=1))
    (row,) = await rows_of(database)
    assert " paris " not in row.words
    assert " lyon " in row.words
    assert row.rated_at == LATER + timedelta(days=1)


async def test_an_answer_without_provenance_can_be_stored(database: RoutingStore) -> None:
    bare = replace(SNAPSHOT, provenance=None, finish=None, usage=None, timing=None)
    await database.feedback.ratings.rate(bare, ANN.id, BAD, LATER)
    assert await database.feedback.ratings.snapshot_of(ANN.id, "answer") == bare


async def test_a_deleted_user_cannot_rate_and_the_local_user_always_can(
    database: RoutingStore,
) -> None:
    ratings = database.feedback.ratings
    await database.people.delete_user(BOB.id, JOINED)
    with pytest.raises(NotFound):
        await ratings.rate(replace(SNAPSHOT, owner_id=BOB.id), BOB.id, BAD, LATER)
    assert await rows_of(database) == []
    assert await ratings.rate(replace(SNAPSHOT, owner_id=LOCAL.id), LOCAL.id, BAD, LATER)


async def test_text_that_no_database_can_hold_is_refused(database: RoutingStore) -> None:
    for comment in ("\0", "\ud800"):
        with pytest.raises(BadText):
            await database.feedback.ratings.rate(
                SNAPSHOT, ANN.id, RatingInput(comment=comment), LATER
            )
    assert await rows_of(database) == []


async def test_a_campaign_offers_its_reasons_and_has_one_variant(database: RoutingStore) -> None:
    place = database.feedback.ratings.placement
    assert await place("campaign", ANN.id, "answer") is None
    await add_rows(database, campaign(BOB.id))
    assert await place("campaign", ANN.id, "answer") == Placement(("dull",), 0)


async def test_in_a_split_test_the_variant_is_the_drawn_one(
    database: RoutingStore,
) -> None:
    await add_rows(database, campaign(BOB.id, Mode.SPLIT))
    place = database.feedback.ratings.placement
    assert await place("campaign", ANN.id, "answer") == Placement(("dull",), None)
    await add_rows(database, participant(ANN.id, variant=1))
    assert await place("campaign", ANN.id, "answer") == Placement(("dull",), 1)


async def test_in_a_comparison_the_variant_is_that_of_the_side(database: RoutingStore) -> None:
    await add_rows(database, campaign(BOB.id, Mode.BLIND), comparison(ANN.id))
    place = database.feedback.ratings.placement
    for message_id, variant in (("answer", 1), ("other", 0), ("third", None)):
        assert await place("campaign", ANN.id, message_id) == Placement(("dull",), variant)
    assert await place("campaign", BOB.id, "answer") == Placement(("dull",), None)


async def test_a_deleted_campaign_does_not_prevent_a_rating(database: RoutingStore) -> None:
    await database.feedback.ratings.rate(replace(SNAPSHOT, campaign_id="gone"), ANN.id, BAD, LATER)
    stored = await database.feedback.ratings.snapshot_of(ANN.id, "answer")
    assert stored == SNAPSHOT
