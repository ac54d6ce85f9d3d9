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
from chat.feedback.models import RatingInput, Verdict
from chat.feedback.ratings import Placement
from store import RoutingStore
from store.schema.feedback import AnswerSnapshotRow
from tests.contract.feedback_rows import (
    BAD,
    EVIDENCE,
    LATER,
    add_rows,
    campaign,
    comparison,
    participant,
)
from tests.contract.users import ANN, BOB, MADE


async def rows_of(database: RoutingStore) -> list[AnswerSnapshotRow]:
    def query(session: Session) -> list[AnswerSnapshotRow]:
        rows = list(session.scalars(select(AnswerSnapshotRow)))
        session.expunge_all()  # to be read when the transaction has ended
        return rows

    return await database.feedback.ratings.transactions.read(query)


async def test_the_first_rating_freezes_the_answer_letter_by_letter(database: RoutingStore) -> None:
    ratings = database.feedback.ratings
    given = await ratings.rate(EVIDENCE, ANN.id, BAD, LATER)
    assert (given.version, given.opinion, given.rated_at) == (1, BAD, LATER)
    assert await ratings.evidence_of(ANN.id, "answer") == EVIDENCE
    assert await ratings.evidence_of(BOB.id, "answer") is None
    again = replace(EVIDENCE, id="another", answer="Marseille")
    assert (
        await ratings.rate(again, ANN.id, RatingInput(Verdict.UP), LATER)
    ).evidence_id == "evidence"
    assert await ratings.evidence_of(ANN.id, "answer") == EVIDENCE


async def test_ratings_are_versions_and_the_same_opinion_adds_none(database: RoutingStore) -> None:
    ratings = database.feedback.ratings
    opinions = [BAD, BAD, RatingInput(Verdict.UP), RatingInput(), RatingInput(), BAD]
    given = [await ratings.rate(EVIDENCE, ANN.id, opinion, LATER) for opinion in opinions]
    assert [rating.version for rating in given] == [1, 1, 2, 3, 3, 4]
    assert await ratings.newest(ANN.id, ["answer", "another"]) == {"answer": given[-1]}
    assert await ratings.newest(BOB.id, ["answer"]) == {}
    assert await ratings.newest(ANN.id, []) == {}


async def test_ratings_at_once_are_all_kept_in_order(database: RoutingStore) -> None:
    ratings = database.feedback.ratings
    given = await asyncio.gather(
        *(
            ratings.rate(
                replace(EVIDENCE, id=f"evidence {number}"),
                ANN.id,
                RatingInput(comment=f"number {number}"),
                LATER,
            )
            for number in range(5)
        )
    )
    assert sorted(rating.version for rating in given) == [1, 2, 3, 4, 5]
    assert len({rating.evidence_id for rating in given}) == 1
    last = max(given, key=lambda rating: rating.version)
    assert await ratings.newest(ANN.id, ["answer"]) == {"answer": last}


async def test_the_columns_that_results_are_filtered_by_are_filled(database: RoutingStore) -> None:
    ratings = database.feedback.ratings
    await ratings.rate(EVIDENCE, ANN.id, BAD, LATER)
    (row,) = await rows_of(database)
    made = EVIDENCE.provenance
    assert made
    assert (row.model, row.preset_id, row.preset_version) == (made.model, "maths", 3)
    assert row.rated_at == LATER
    for word in (" france ", " 首 都 ", " lyon ", " 不 对 ", " paris "):
        assert word in row.words
    await ratings.rate(EVIDENCE, ANN.id, RatingInput(), LATER + timedelta(days=1))
    (row,) = await rows_of(database)
    assert " paris " not in row.words
    assert " lyon " in row.words
    assert row.rated_at == LATER + timedelta(days=1)


async def test_an_answer_without_provenance_can_be_kept(database: RoutingStore) -> None:
    bare = replace(EVIDENCE, provenance=None, finish=None, usage=None, timing=None)
    await database.feedback.ratings.rate(bare, ANN.id, BAD, LATER)
    assert await database.feedback.ratings.evidence_of(ANN.id, "answer") == bare


async def test_who_is_gone_rates_nothing_and_the_local_user_is_never_gone(
    database: RoutingStore,
) -> None:
    ratings = database.feedback.ratings
    await database.people.delete_person(BOB.id, MADE)
    with pytest.raises(NotFound):
        await ratings.rate(replace(EVIDENCE, owner_id=BOB.id), BOB.id, BAD, LATER)
    assert await rows_of(database) == []
    assert await ratings.rate(replace(EVIDENCE, owner_id=LOCAL.id), LOCAL.id, BAD, LATER)


async def test_text_that_no_database_can_hold_is_refused(database: RoutingStore) -> None:
    for comment in ("\0", "\ud800"):
        with pytest.raises(BadText):
            await database.feedback.ratings.rate(
                EVIDENCE, ANN.id, RatingInput(comment=comment), LATER
            )
    assert await rows_of(database) == []


async def test_a_campaign_offers_its_reasons_and_has_one_variant(database: RoutingStore) -> None:
    place = database.feedback.ratings.placement
    assert await place("campaign", ANN.id, "answer") is None
    await add_rows(database, campaign(BOB.id))
    assert await place("campaign", ANN.id, "answer") == Placement(("dull",), 0)


async def test_in_a_split_test_the_variant_is_the_one_that_was_drawn(
    database: RoutingStore,
) -> None:
    await add_rows(database, campaign(BOB.id, Mode.SPLIT))
    place = database.feedback.ratings.placement
    assert await place("campaign", ANN.id, "answer") == Placement(("dull",), None)
    await add_rows(database, participant(ANN.id, variant=1))
    assert await place("campaign", ANN.id, "answer") == Placement(("dull",), 1)


async def test_side_by_side_the_variant_is_that_of_the_side(database: RoutingStore) -> None:
    await add_rows(database, campaign(BOB.id, Mode.BLIND), comparison(ANN.id))
    place = database.feedback.ratings.placement
    for message_id, variant in (("answer", 1), ("other", 0), ("third", None)):
        assert await place("campaign", ANN.id, message_id) == Placement(("dull",), variant)
    assert await place("campaign", BOB.id, "answer") == Placement(("dull",), None)


async def test_a_campaign_that_is_gone_holds_no_rating_back(database: RoutingStore) -> None:
    await database.feedback.ratings.rate(replace(EVIDENCE, campaign_id="gone"), ANN.id, BAD, LATER)
    kept = await database.feedback.ratings.evidence_of(ANN.id, "answer")
    assert kept == EVIDENCE
