"""What the database promises of finding votes: on SQLite and on PostgreSQL."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from chat.campaigns.models import Mode, Side, VoteChoice
from chat.campaigns.validation import MOST_VARIANTS
from chat.conversations.models import Question
from chat.errors import NotFound
from chat.feedback.filter_models import Cursor
from chat.feedback.result_models import RatingFilter
from chat.feedback.vote_models import VoteCounts, VoteFilter, VoteFilterOptions
from chat.feedback.votes import place_of_vote
from chat.models import ChatOptions, PresetRef
from store import RoutingStore
from store.schema.campaigns import CampaignRow, ComparisonRow
from tests.contract.feedback_rows import add_rows, campaign, comparison
from tests.contract.stores import ENDED, ask_and_answer
from tests.contract.users import ANN, BOB, CY, JOINED

DAY = datetime(2026, 3, 5, tzinfo=UTC)
NOTHING = VoteFilter()
FILTERS = (
    (VoteFilter(), "abcd"),
    (VoteFilter(campaign_id="campaign"), "abc"),
    (VoteFilter(campaign_id="nowhere"), ""),
    (VoteFilter(choice=VoteChoice.LEFT), "ad"),
    (VoteFilter(choice=VoteChoice.TIE), "b"),
    (VoteFilter(winner=0), "cd"),
    (VoteFilter(winner=1), "a"),
    (VoteFilter(winner=1, choice=VoteChoice.RIGHT), ""),
    (VoteFilter(task_id="t1"), "b"),
    (VoteFilter(tester=BOB.id), "c"),
    (VoteFilter(commented=True), "bc"),
    (VoteFilter(since=date(2026, 3, 6)), "bcd"),
    (VoteFilter(since=date(2026, 3, 6), until=date(2026, 3, 7)), "bc"),
    (VoteFilter(words="which"), "abd"),
    (VoteFilter(words="WHICH rhymes"), "b"),
    (VoteFilter(words="首都"), "c"),
    (VoteFilter(words="100%"), "c"),
    (VoteFilter(words="_"), ""),
)
"""Filters, and which of the votes a, b, c and d they find."""


def vote(name: str, choice: VoteChoice | None, at: datetime, **more: object) -> ComparisonRow:
    """The left answer is the second variant's."""
    row = comparison(ANN.id)
    row.id, row.request_id, row.choice = name, name, choice
    row.voted_at = at if choice else None
    for key, value in more.items():
        setattr(row, key, value)
    return row


def another(campaign_id: str, owner_id: str) -> CampaignRow:
    row = campaign(owner_id, Mode.BLIND)
    row.id = campaign_id
    return row


async def four_votes(database: RoutingStore) -> None:
    """Votes, and a comparison without a vote; d is in a campaign of Cy's."""
    await add_rows(
        database,
        campaign(BOB.id, Mode.BLIND),
        another("other", CY.id),
        vote("a", VoteChoice.LEFT, DAY),
        vote("open", None, DAY, question="Which, still?"),
        vote("b", VoteChoice.TIE, DAY + timedelta(days=1), task_id="t1", comment="Rhymes"),
        vote(
            "c",
            VoteChoice.RIGHT,
            DAY + timedelta(days=2),
            user_id=BOB.id,
            question="Capital? 首都",
            comment="100% right",
        ),
        vote(
            "d",
            VoteChoice.LEFT,
            DAY + timedelta(days=3),
            campaign_id="other",
            left=Side(0, "conversation", "answer"),
            right=Side(1, "elsewhere", "other"),
        ),
    )


async def found(
    database: RoutingStore, filters: VoteFilter = NOTHING, seen_by: str | None = None
) -> list[str]:
    page = await database.feedback.votes.page(seen_by, filters, after=None, limit=9)
    return [one.id for one in page]


async def test_a_filter_finds_exactly_the_matching_votes(database: RoutingStore) -> None:
    await four_votes(database)
    for filters, names in FILTERS:
        assert await found(database, filters) == list(reversed(names)), filters
        counts = await database.feedback.votes.counts(None, filters)
        assert counts.votes == len(names), filters


async def test_votes_are_counted_by_side_and_by_variant(database: RoutingStore) -> None:
    store = database.feedback.votes
    assert await store.counts(None, NOTHING) == VoteCounts()
    await four_votes(database)
    counts = await store.counts(None, NOTHING)
    won = (2, 1, *[0] * (MOST_VARIANTS - 2))
    assert counts == VoteCounts(votes=4, left=2, right=1, ties=1, commented=2, won=won)


async def test_votes_for_a_third_variant_are_found_and_counted(database: RoutingStore) -> None:
    await four_votes(database)
    left, right = Side(2, "conversation", "answer"), Side(0, "elsewhere", "other")
    await add_rows(
        database,
        vote("e", VoteChoice.LEFT, DAY, left=left, right=right),
        vote("f", VoteChoice.RIGHT, DAY, left=left, right=right),
    )
    assert await found(database, VoteFilter("", winner=2)) == ["e"]
    counts = await database.feedback.votes.counts(None, VoteFilter(campaign_id="campaign"))
    assert counts.won[:4] == (2, 1, 1, 0)


async def test_the_list_of_votes_is_newest_first_and_its_pages_miss_nothing(
    database: RoutingStore,
) -> None:
    await add_rows(database, campaign(BOB.id, Mode.BLIND))
    for number in range(7):  # some came in the same moment
        at = DAY + timedelta(minutes=number // 3)
        await add_rows(database, vote(f"v{number}", VoteChoice.TIE, at))
    seen: list[str] = []
    after: Cursor | None = None
    while part := await database.feedback.votes.page(None, NOTHING, after=after, limit=2):
        seen += [one.id for one in part]
        after = place_of_vote(part[-1])
    assert seen == ["v6", "v5", "v4", "v3", "v2", "v1", "v0"]


async def test_members_see_only_the_votes_of_their_campaigns(database: RoutingStore) -> None:
    store = database.feedback.votes
    await four_votes(database)
    assert await found(database, seen_by=BOB.id) == ["c", "b", "a"]
    assert await found(database, VoteFilter(campaign_id="other"), BOB.id) == []
    assert await found(database, seen_by=ANN.id) == []  # a tester with votes only
    assert (await store.counts(CY.id, NOTHING)).votes == 1
    assert (await store.voted_comparison(BOB.id, "a")).comparison.id == "a"
    for seen_by, missing in ((BOB.id, "d"), (ANN.id, "a"), (None, "nowhere"), (None, "open")):
        with pytest.raises(NotFound):
            await store.voted_comparison(seen_by, missing)


async def test_vote_filter_options_are_limited_to_visible_campaigns(database: RoutingStore) -> None:
    store = database.feedback.votes
    await four_votes(database)
    plain = campaign(BOB.id)
    plain.id = "chats"  # in which nothing is compared
    await add_rows(database, plain)
    everything = await store.choices(None, "")
    assert list(everything.campaigns) == ["campaign", "other"]
    assert set(everything.testers) == {ANN.id, BOB.id}
    assert (await store.choices(None, "other")).testers == (ANN.id,)
    assert list((await store.choices(BOB.id, "")).campaigns) == ["campaign"]
    assert await store.choices(ANN.id, "") == VoteFilterOptions()


async def test_a_withdrawn_vote_is_not_found(database: RoutingStore) -> None:
    await four_votes(database)
    await database.feedback.campaigns.destroy_tester_data("campaign", JOINED)
    assert await found(database) == ["d"]
    with pytest.raises(NotFound):
        await database.feedback.votes.voted_comparison(None, "a")


async def test_a_vote_has_both_answers_if_they_exist(
    database: RoutingStore,
) -> None:
    store = database.feedback.votes
    await add_rows(database, campaign(BOB.id, Mode.BLIND))
    turns = [await ask_and_answer(database, user_id=ANN.id, answer=text) for text in ("One", "Two")]
    left, right = (
        Side(index, turn.conversation.id, turn.answer.id) for index, turn in enumerate(turns)
    )
    await add_rows(database, vote("a", VoteChoice.LEFT, DAY, left=left, right=right))
    whole = await store.voted_comparison(BOB.id, "a")
    assert [message.content for message in whole.left] == ["Hi", "One"]
    assert [message.content for message in whole.right] == ["Hi", "Two"]
    await database.delete(ANN.id, right.conversation_id)
    assert (await store.voted_comparison(BOB.id, "a")).right == ()


async def test_votes_of_an_export_are_counted_as_it_finds_them(
    database: RoutingStore,
) -> None:
    await add_rows(database, campaign(BOB.id, Mode.BLIND))
    sides = []
    for number, (model, preset) in enumerate((("Small", None), ("Large", PresetRef("poet", 1)))):
        question = Question("Why?", model, "Why?", campaign_id="campaign")
        turn = await database.add_turn(
            ANN.id, conversation_id=None, question=question, options=ChatOptions()
        )
        assert ENDED.provenance
        provenance = replace(ENDED.provenance, model=model, preset=preset)
        await database.finish_answer(ANN.id, turn.answer.id, replace(ENDED, provenance=provenance))
        sides.append(Side(number, turn.conversation.id, turn.answer.id))
    await add_rows(database, vote("a", VoteChoice.LEFT, DAY, left=sides[0], right=sides[1]))

    async def counted(filters: RatingFilter, seen_by: str | None = None) -> int:
        return await database.feedback.results.votes(seen_by, filters)

    for filters, count in (
        (RatingFilter(), 1),
        (RatingFilter(campaign_id="campaign", model="Large"), 1),
        (RatingFilter(model="Small"), 1),
        (RatingFilter(model="Small", preset_id="poet"), 1),
        (RatingFilter(model="Other"), 0),
        (RatingFilter(preset_id="maths"), 0),
        (RatingFilter(until=date(2026, 3, 4)), 0),
        (RatingFilter(campaign_id="other"), 0),
    ):
        assert await counted(filters) == count, filters
    assert (await counted(RatingFilter(), BOB.id), await counted(RatingFilter(), CY.id)) == (1, 0)
