"""What the database promises of finding rated answers and votes: on SQLite and on PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from chat.accounts.models import LOCAL_USER
from chat.campaigns.models import VoteChoice
from chat.conversations.models import PresetText
from chat.errors import NotFound
from chat.feedback.filter_models import Cursor
from chat.feedback.models import (
    REASONS,
    AnswerSnapshot,
    RatedAnswer,
    RatingInput,
    ReviewState,
    Verdict,
)
from chat.feedback.ports import ResultStore
from chat.feedback.result_models import (
    FilterOptions,
    RatingCounts,
    RatingFilter,
    ReviewChange,
    ReviewStatus,
)
from chat.feedback.results import place_of
from chat.models import ChatMessage, PresetRef, Role
from chat.serving.provenance import prompt_sha256
from store import RoutingStore
from tests.contract.feedback_rows import PLAN, SNAPSHOT, add_rows, comparison
from tests.contract.feedback_rows import campaign as campaign_row
from tests.contract.stores import END, ENDED, START, ask_and_answer
from tests.contract.users import ANN, BOB, CY

DAY = datetime(2026, 3, 5, tzinfo=UTC)
GOOD, BAD = RatingInput(Verdict.UP), RatingInput(Verdict.DOWN, ("wrong-facts", "other"))
NOTHING = RatingFilter()
FILTERS = (
    (RatingFilter(), "abcd"),
    (RatingFilter(campaign_id="campaign"), "b"),
    (RatingFilter(preset_id="writer"), "c"),
    (RatingFilter(verdict=Verdict.UP), "ad"),
    (RatingFilter(verdict=Verdict.DOWN), "bc"),
    (RatingFilter(reason="wrong-facts"), "bc"),
    (RatingFilter(reason="wrong"), ""),
    (RatingFilter(verdict=Verdict.UP, reason="other"), ""),
    (RatingFilter(corrected=True), "c"),
    (RatingFilter(since=date(2026, 3, 6)), "bcd"),
    (RatingFilter(until=date(2026, 3, 6)), "ab"),
    (RatingFilter(since=date(2026, 3, 6), until=date(2026, 3, 7)), "bc"),
    (RatingFilter(language="en"), "d"),
    (RatingFilter(model="Other"), "d"),
    (RatingFilter(standing=ReviewStatus.OPEN), "acd"),
    (RatingFilter(standing=ReviewStatus.UNUSABLE), "b"),
    (RatingFilter(assignee="cy-id"), "a"),
    (RatingFilter(words="心脏"), "d"),
    (RatingFilter(words="harvey 心脏"), "d"),
    (RatingFilter(words="harvey lungs"), ""),
    (RatingFilter(words="harv"), "d"),
    (RatingFilter(words="comment"), "b"),
    (RatingFilter(words="better"), "c"),
    (RatingFilter(words="%"), ""),
)
"""Filters, and which of the answers a, b, c and d they find."""


def snapshot(
    name: str, question: str = "Why?", answer: str = "Because.", **more: object
) -> AnswerSnapshot:
    """An answer of Ann's, frozen with its exact prompt."""
    prompt = (ChatMessage(Role.USER, question),)
    assert SNAPSHOT.provenance
    provenance = replace(SNAPSHOT.provenance, prompt_sha256=prompt_sha256(prompt))
    frozen = replace(
        SNAPSHOT,
        id=name,
        answer_id=f"answer {name}",
        prompt=prompt,
        answer=answer,
        provenance=provenance,
    )
    return replace(frozen, **more)  # type: ignore[arg-type]


async def rate(
    database: RoutingStore,
    frozen: AnswerSnapshot,
    rating_input: RatingInput = GOOD,
    at: datetime = DAY,
    user_id: str = ANN.id,
) -> None:
    await database.feedback.ratings.rate(frozen, user_id, rating_input, at)


async def found(
    store: ResultStore, filters: RatingFilter = NOTHING, seen_by: str | None = None
) -> list[str]:
    return ids(await store.page(seen_by, filters, after=None, limit=100))


def ids(items: object) -> list[str]:
    assert isinstance(items, list | tuple)
    return [rated.snapshot.id for rated in items]


async def test_the_list_is_newest_first_and_its_pages_miss_nothing(database: RoutingStore) -> None:
    store = database.feedback.results
    for number in range(7):  # some were rated in the same moment
        await rate(database, snapshot(f"e{number}"), at=DAY + timedelta(minutes=number // 3))
    seen: list[RatedAnswer] = []
    after: Cursor | None = None
    while part := await store.page(None, NOTHING, after=after, limit=2):
        seen += part
        after = place_of(part[-1])
    assert ids(seen) == ["e6", "e5", "e4", "e3", "e2", "e1", "e0"]
    assert seen[0].snapshot == snapshot("e6")


async def test_a_rated_answer_has_the_newest_rating_of_each_user(database: RoutingStore) -> None:
    store = database.feedback.results
    for rating_input in (GOOD, BAD):
        await rate(database, snapshot("e"), rating_input)
    await rate(database, snapshot("e"), GOOD, user_id=BOB.id)
    rated = await store.rated(None, "e")
    assert {rating.user_id: rating.rating_input for rating in rated.ratings} == {
        ANN.id: BAD,
        BOB.id: GOOD,
    }
    versions = await store.versions(["e", "nowhere"])
    versions_of = [(rating.user_id, rating.version) for rating in versions["e"]]
    assert versions_of == [(ANN.id, 1), (ANN.id, 2), (BOB.id, 1)]
    assert "nowhere" not in versions


async def test_a_filter_finds_exactly_the_matching_answers(database: RoutingStore) -> None:
    store = database.feedback.results
    provenance = SNAPSHOT.provenance
    assert provenance
    await add_rows(database, campaign_row(BOB.id))
    await rate(database, snapshot("a"))
    bad = replace(BAD, comment="My comment")
    await rate(database, snapshot("b", campaign_id="campaign"), bad, DAY + timedelta(days=1))
    written = replace(provenance, preset=PresetRef("writer", 1))
    corrected = replace(BAD, correction="This is better")
    await rate(database, snapshot("c", provenance=written), GOOD, DAY)
    await rate(database, snapshot("c"), corrected, DAY + timedelta(days=2))
    heart = snapshot("d", "Who found out? 心脏", "Harvey did", language="en")
    heart = replace(heart, provenance=replace(provenance, model="Other"))
    await rate(database, heart, GOOD, DAY + timedelta(days=3, hours=23))
    await store.review(None, "b", ReviewChange(ReviewStatus.UNUSABLE), ANN.id, START)
    await store.review(None, "a", ReviewChange(assignee=CY.id), ANN.id, START)
    for filters, names in FILTERS:
        assert sorted(await found(store, filters)) == list(names), filters
        chunk = await store.chunk(None, filters, after=0, limit=10)
        assert sorted(ids(chunk.items)) == list(names)
        assert (await store.counts(None, filters)).answers == len(names)


async def test_counts_are_of_the_newest_ratings(database: RoutingStore) -> None:
    store = database.feedback.results
    assert await store.counts(None, NOTHING) == RatingCounts()
    await rate(database, snapshot("a"), GOOD)
    await rate(database, snapshot("a"), BAD, user_id=BOB.id)
    await rate(database, snapshot("b"), GOOD)
    await rate(database, snapshot("b"), replace(BAD, correction="So"))
    await store.review(None, "b", ReviewChange(ReviewStatus.CHECKED), ANN.id, START)
    assert await store.counts(None, NOTHING) == RatingCounts(
        answers=2, up=1, down=2, corrected=1, open=1
    )


async def test_members_see_their_campaigns_and_their_assigned_reviews(
    database: RoutingStore,
) -> None:
    store = database.feedback.results
    await add_rows(database, campaign_row(BOB.id))
    await rate(database, snapshot("own", campaign_id="campaign"))
    await rate(database, snapshot("given"))
    await rate(database, snapshot("hidden"))
    await store.review(None, "given", ReviewChange(assignee=BOB.id), ANN.id, START)
    assert sorted(await found(store)) == ["given", "hidden", "own"]
    assert sorted(await found(store, seen_by=BOB.id)) == ["given", "own"]
    assert await found(store, seen_by=CY.id) == []
    assert (await store.counts(BOB.id, NOTHING)).answers == 2
    assert ids((await store.chunk(BOB.id, NOTHING, after=0, limit=9)).items) == ["own", "given"]
    assert ids(await store.beside(CY.id, NOTHING, ["conversation"])) == []
    for refused in (
        store.rated(BOB.id, "hidden"),
        store.rated(None, "nowhere"),
        store.review(BOB.id, "hidden", ReviewChange(ReviewStatus.USABLE), BOB.id, START),
    ):
        with pytest.raises(NotFound):
            await refused
    assert (await store.rated(None, "hidden")).review is None


async def test_an_export_has_every_answer_once_during_new_ratings(
    database: RoutingStore,
) -> None:
    store = database.feedback.results
    for number in range(5):
        await rate(database, snapshot(f"e{number}"))
    seen: list[str] = []
    after: int | None = 0
    while after is not None:
        chunk = await store.chunk(None, NOTHING, after=after, limit=2)
        seen += ids(chunk.items)
        after = chunk.next
        await rate(database, snapshot("e0"), RatingInput(comment=f"seen {len(seen)}"), END)
    assert seen == ["e0", "e1", "e2", "e3", "e4"]


async def test_a_review_changes_only_the_fields_it_sets(database: RoutingStore) -> None:
    store = database.feedback.results
    await rate(database, snapshot("e"))
    await store.review(None, "e", ReviewChange(assignee=BOB.id, note="look 看"), ANN.id, START)
    changed = await store.review(BOB.id, "e", ReviewChange(ReviewStatus.USABLE), BOB.id, END)
    assert (changed.state, changed.assignee, changed.note) == (
        ReviewState.USABLE,
        BOB.id,
        "look 看",
    )
    assert (changed.reviewer, changed.reviewed_at) == (BOB.id, END)
    assert (await store.rated(None, "e")).review == changed
    again = await store.review(None, "e", ReviewChange(ReviewStatus.OPEN, "", ""), ANN.id, END)
    assert (again.state, again.assignee, again.note) == (None, "", "")


async def test_two_concurrent_first_reviews_are_both_stored(database: RoutingStore) -> None:
    store = database.feedback.results
    await rate(database, snapshot("e"))
    await asyncio.gather(
        store.review(None, "e", ReviewChange(ReviewStatus.USABLE), ANN.id, START),
        store.review(None, "e", ReviewChange(note="fine"), BOB.id, START),
    )
    stored = (await store.rated(None, "e")).review
    assert stored
    assert (stored.state, stored.note) == (ReviewState.USABLE, "fine")


async def test_filter_options_are_limited_to_visible_answers(database: RoutingStore) -> None:
    store = database.feedback.results
    preset = await database.add_preset(ANN.id, PresetText("Poet 诗人"))
    await add_rows(database, campaign_row(BOB.id))
    provenance = SNAPSHOT.provenance
    assert provenance
    poem = replace(provenance, preset=preset.ref, model="Poet-7B")
    await rate(database, snapshot("a", provenance=poem, owner_id=LOCAL_USER), user_id=LOCAL_USER)
    await rate(database, snapshot("b", campaign_id="campaign", language=""))
    assert await store.choices(None) == FilterOptions(
        campaigns={"campaign": PLAN.title},
        presets={"maths": "maths", preset.ref.id: "Poet 诗人"},
        reasons=(*REASONS, "dull"),
        models=("Poet-7B", "Qwen2.5"),
        languages=("zh",),
    )
    own = await store.choices(BOB.id)
    assert (list(own.presets), own.models, own.languages) == (["maths"], ("Qwen2.5",), ())
    assert await store.choices(CY.id) == FilterOptions(reasons=REASONS)


async def test_siblings_are_the_rated_answers_of_a_conversation(database: RoutingStore) -> None:
    store = database.feedback.results
    for name, conversation_id in (("a", "one"), ("b", "two"), ("c", "one"), ("d", "three")):
        await rate(database, snapshot(name, conversation_id=conversation_id))
    assert ids(await store.beside(None, NOTHING, ["one", "two"])) == ["a", "b", "c"]
    assert ids(await store.beside(None, RatingFilter(verdict=Verdict.DOWN), ["one"])) == []


async def test_retried_answers_have_their_path_where_visible(
    database: RoutingStore,
) -> None:
    store = database.feedback.results
    await add_rows(database, campaign_row(BOB.id))

    async def tried(user_id: str, **filters: str) -> list[str]:
        """Four answers to one question, of which the second is rated."""
        turn = await ask_and_answer(database, user_id=user_id, answer="0", **filters)
        ids, conversation_id = [turn.answer.id], turn.conversation.id
        for number in range(1, 4):
            beside = await database.add_answer(
                user_id, conversation_id=conversation_id, sibling_id=ids[0]
            )
            await database.finish_answer(user_id, beside.id, replace(ENDED, content=str(number)))
            ids.append(beside.id)
        frozen = snapshot(f"of {user_id}", answer_id=ids[1], conversation_id=conversation_id)
        await rate(database, frozen, BAD)
        return ids

    own, shared, private = (
        await tried(ANN.id),
        await tried(CY.id, campaign_id="campaign"),
        await tried(BOB.id),
    )
    found = await store.tried_again(ANN.id, [own[2], own[0], shared[3], private[3], "nowhere"])
    versions_of = {
        answer_id: [[message.content for message in path] for path in paths]
        for answer_id, paths in found.items()
    }
    assert versions_of == {
        own[0]: [],
        own[2]: [["Hi", "0"]],
        shared[3]: [["Hi", "0"], ["Hi", "2"]],
    }
    await database.delete(ANN.id, (await database.conversations(ANN.id))[0].id)
    assert await store.tried_again(ANN.id, [own[2]]) == {}


async def voted(database: RoutingStore, name: str, choice: VoteChoice | None, at: datetime) -> str:
    """A comparison between two answers to the same question; the id of its left answer."""
    row, sides = comparison(name), []
    for side in (row.left, row.right):
        turn = await ask_and_answer(database, user_id=ANN.id, answer=f"{name} {side.variant}")
        answer = turn.answer
        sides.append(replace(side, conversation_id=answer.conversation_id, message_id=answer.id))
    row.left, row.right = sides
    row.asked_at, row.choice, row.voted_at = at, choice, at if choice else None
    await add_rows(database, row)
    return sides[0].message_id


async def test_votes_come_with_their_answers(database: RoutingStore) -> None:
    store = database.feedback.results
    await add_rows(database, campaign_row(BOB.id))
    left = await voted(database, "first", VoteChoice.LEFT, DAY)
    await voted(database, "open", None, DAY)
    await voted(database, "second", VoteChoice.TIE, DAY)
    deleted = await voted(database, "third", VoteChoice.RIGHT, DAY + timedelta(days=1))
    frozen = snapshot("reviewed", answer_id=left)
    await rate(database, frozen)
    await store.review(None, frozen.id, ReviewChange(ReviewStatus.UNUSABLE), ANN.id, START)
    third = (await store.voted_comparisons(None, NOTHING, after=None, limit=9))[-1]
    assert third.left[-1].id == deleted
    await database.delete(ANN.id, third.left[-1].conversation_id)

    first = await store.voted_comparisons(None, NOTHING, after=None, limit=2)
    rest = await store.voted_comparisons(None, NOTHING, after=first[-1], limit=2)
    assert [voted_comparison.comparison.id[8:] for voted_comparison in (*first, *rest)] == [
        "first",
        "second",
        "third",
    ]
    assert [message.content for message in first[0].left] == ["Hi", "first 1"]
    assert [message.content for message in first[0].right] == ["Hi", "first 0"]
    assert first[0].left[-1].provenance == ENDED.provenance
    assert [voted_comparison.unusable for voted_comparison in (*first, *rest)] == [
        True,
        False,
        False,
    ]
    assert (rest[0].left, len(rest[0].right)) == ((), 2)

    async def found_votes(seen_by: str | None, filters: RatingFilter) -> int:
        return len(await store.voted_comparisons(seen_by, filters, after=None, limit=9))

    assert await found_votes(None, RatingFilter(until=date(2026, 3, 5))) == 2
    assert await found_votes(None, RatingFilter(campaign_id="another")) == 0
    assert await found_votes(BOB.id, NOTHING) == 3
    assert await found_votes(CY.id, NOTHING) == 0
