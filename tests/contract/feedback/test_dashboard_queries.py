"""The dashboard's numbers, against plain SQL that was written without it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil, inf
from typing import Any

import pytest
from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from chat.accounts.models import AccountRole, User
from chat.campaigns.hosts import Campaigns
from chat.errors import NotFound
from chat.feedback.dashboard import (
    MOST_STEPS,
    STEPS,
    Dashboard,
    Overview,
    Period,
    Point,
    SpreadOverTime,
    step_for,
)
from chat.feedback.models import REASONS
from chat.languages import language_of
from chat.models import Timing
from store import RoutingStore
from store.schema.columns import UtcDateTime
from tests.contract.stores import ENDED, START, ask
from tests.contract.token_usage import fill
from tests.contract.users import ANN, BOB, CY

NOW = START + timedelta(days=40)
GUEST = User("guest", "Guest", AccountRole.GUEST, START)
OF_CAMPAIGNS = {"": ""} | {
    name: f"""AND conversation_id IN (SELECT id FROM conversations
        WHERE campaign_id = '{name}' AND owner <> '{owner}')"""
    for name, owner in (("bobs", BOB.id), ("blind", CY.id))
}
RATED_IN = {"": ""} | {
    name: f"AND e.campaign_id = '{name}' AND e.owner <> '{owner}'"
    for name, owner in (("bobs", BOB.id), ("blind", CY.id))
}
COMPARED_IN = {"": ""} | {
    name: f"AND campaign_id = '{name}' AND user_id <> '{owner}'"
    for name, owner in (("bobs", BOB.id), ("blind", CY.id))
}
HERE = "FROM messages WHERE created_at >= :since AND origin <> 'imported'"
RATED = """FROM ratings r JOIN evidence e ON e.id = r.evidence_id
    WHERE r.rated_at >= :since AND r.newest"""


@pytest.fixture
async def filled(database: RoutingStore) -> RoutingStore:
    await fill(database, NOW)
    return database


def figures(store: RoutingStore, now: datetime = NOW) -> Dashboard:
    campaigns = Campaigns(store.feedback.campaigns)
    return Dashboard(campaigns, store.feedback.figures, clock=lambda: now)


async def sql(store: RoutingStore, statement: str, **values: object) -> Sequence[Any]:
    """The rows that a plain statement gives."""
    times = (bindparam(name, type_=UtcDateTime) for name in values)
    query = text(statement).bindparams(*times)

    def read(session: Session) -> Sequence[Any]:
        return session.execute(query, values).all()

    return await store.feedback.ratings.transactions.read(read)


async def spread(store: RoutingStore, name: str, which: str, **times: datetime) -> SpreadOverTime:
    """By nearest rank."""
    rows = await sql(
        store,
        f"""SELECT CAST(timing ->> '{name}' AS FLOAT) {HERE} AND timing IS NOT NULL {which}
        ORDER BY 1""",
        **times,
    )
    values = [value for (value,) in rows]
    if not values:
        return SpreadOverTime(None, None)
    return SpreadOverTime(*(values[ceil(share * len(values)) - 1] for share in (0.5, 0.95)))


Part = tuple[Overview, str]
"""What is shown, and which of `OF_CAMPAIGNS` it is of."""


@pytest.fixture
async def parts(filled: RoutingStore) -> Sequence[Part]:
    """All that an administrator sees, a campaign of a member, and comparisons in another one.

    Without the owner's own trial.
    """
    return [
        (await figures(filled).overview(user, campaign, period), campaign)
        for user, campaign in ((ANN, ""), (BOB, "bobs"), (ANN, "blind"))
        for period in Period
    ]


async def test_sums_are_what_plain_sql_counts(filled: RoutingStore, parts: Sequence[Part]) -> None:
    for shown, part in parts:
        which = OF_CAMPAIGNS[part]
        (counted,) = await sql(
            filled,
            f"""SELECT SUM(CASE role WHEN 'user' THEN 1 ELSE 0 END),
            SUM(CASE role WHEN 'assistant' THEN 1 ELSE 0 END),
            SUM(CASE status WHEN 'error' THEN 1 ELSE 0 END),
            SUM(CAST(usage ->> 'completion_tokens' AS INTEGER)),
            COUNT(DISTINCT owner) {HERE} {which}""",
            since=shown.scope.since,
        )
        ((twice,),) = await sql(
            filled,
            f"SELECT COUNT(*) FROM duels WHERE asked_at >= :since {COMPARED_IN[part]}",
            since=shown.scope.since,
        )
        asked, *others = (number or 0 for number in counted)
        turns = shown.turns
        assert turns.questions == asked - twice
        assert [turns.answers, turns.failures, turns.tokens, turns.users] == others
        assert turns.answers > 0
        failures = await sql(
            filled,
            f"SELECT error_code, COUNT(*) {HERE} {which} AND status = 'error' GROUP BY error_code",
            since=shown.scope.since,
        )
        assert dict(shown.failures) == dict(tuple(row) for row in failures)


async def test_what_answers_took_is_what_plain_sql_ranks(
    filled: RoutingStore, parts: Sequence[Part]
) -> None:
    for shown, part in parts:
        since, which = shown.scope.since, OF_CAMPAIGNS[part]
        for whole, over_time, name in (
            (shown.queue, shown.queue_over_time, "queue_s"),
            (shown.first_token, shown.first_token_over_time, "ttft_s"),
            (shown.rate, shown.rate_over_time, "decode_tokens_per_s"),
        ):
            assert whole == await spread(filled, name, which, since=since)
            points = {(point.at, point.kind): point.value for point in over_time}
            for at in {point.at for point in over_time}:
                one = await spread(
                    filled,
                    name,
                    f"{which} AND created_at < :until",
                    since=at,
                    until=at + shown.scope.step,
                )
                assert (points[at, "p50"], points[at, "p95"]) == (one.p50, one.p95)


async def test_what_happened_over_time_is_what_plain_sql_counts_of_each_step(
    filled: RoutingStore, parts: Sequence[Part]
) -> None:
    for shown, part in parts:
        which = OF_CAMPAIGNS[part]
        questions = await by_step(filled, shown, f"created_at, 1 {HERE} AND role = 'user' {which}")
        questions -= await by_step(
            filled, shown, f"asked_at, 1 FROM duels WHERE asked_at >= :since {COMPARED_IN[part]}"
        )
        answers = await by_step(filled, shown, f"created_at, 1 {HERE} AND role <> 'user' {which}")
        tokens = await by_step(
            filled,
            shown,
            f"created_at, CAST(usage ->> 'completion_tokens' AS INTEGER) {HERE} {which}",
        )
        models = await by_step(
            filled,
            shown,
            f"""created_at, 1, provenance ->> 'model' {HERE} {which}
            AND provenance IS NOT NULL""",
        )
        languages = await by_step(
            filled, shown, f"created_at, 1, language {HERE} {which} AND language IS NOT NULL"
        )
        users = await by_step(filled, shown, f"created_at, 1, owner {HERE} {which}")
        assert counts(shown.messages, "question") == of_kind(questions)
        assert counts(shown.messages, "answer") == of_kind(answers)
        assert counts(shown.users, "user") == Counter(at for at, _ in users)
        assert {(point.at, point.kind): point.value for point in shown.models} == models
        assert {(point.at, point.kind): point.value for point in shown.languages} == languages
        for point in shown.requests_per_minute:
            assert point.value * minutes(point, shown) == pytest.approx(of_kind(answers)[point.at])
        for point in shown.tokens_per_minute:
            assert point.value * minutes(point, shown) == pytest.approx(of_kind(tokens)[point.at])


async def test_ratings_and_votes_are_what_plain_sql_counts_of_each_step(
    filled: RoutingStore, parts: Sequence[Part]
) -> None:
    for shown, part in parts:
        which = RATED_IN[part]
        ratings = await by_step(
            filled, shown, f"r.rated_at, 1, r.verdict {RATED} {which} AND r.verdict IS NOT NULL"
        )
        votes = await by_step(
            filled,
            shown,
            f"""voted_at, 1, 'vote' FROM duels WHERE choice IS NOT NULL
            AND voted_at >= :since {COMPARED_IN[part]}""",
        )
        said = {(point.at, point.kind): point.value for point in shown.ratings}
        assert said == ratings | votes
        assert shown.votes == sum(votes.values())
        assert shown.up == sum(
            number for (_, verdict), number in ratings.items() if verdict == "up"
        )
        assert shown.up + shown.down == sum(ratings.values())
        for reason in REASONS:
            named = await by_step(
                filled, shown, f"r.rated_at, 1 {RATED} {which} AND r.reasons LIKE '%{reason}%'"
            )
            assert counts(shown.reasons, reason) == of_kind(named)


async def by_step(
    store: RoutingStore, shown: Overview, columns: str
) -> Counter[tuple[datetime, str]]:
    """The sums of (time, number, kind) by the step of the time."""
    rows = await sql(store, f"SELECT {columns}", since=shown.scope.since)
    counted = Counter[tuple[datetime, str]]()
    for at, number, *kind in rows:
        moment = datetime.fromisoformat(at + "+00:00") if isinstance(at, str) else at
        step = (moment - shown.scope.since) // shown.scope.step
        counted[shown.scope.since + step * shown.scope.step, "".join(kind)] += number or 0
    return counted


def of_kind(counted: Counter[tuple[datetime, str]], kind: str = "") -> Counter[datetime]:
    return Counter({at: number for (at, one), number in counted.items() if one == kind})


def counts(points: Sequence[Point], kind: str) -> Mapping[datetime, float]:
    """Of the steps in which there was something."""
    return {point.at: point.value for point in points if point.kind == kind and point.value}


def minutes(point: Point, shown: Overview) -> float:
    """That the step has lasted until now."""
    return max(min(point.at + shown.scope.step, NOW) - point.at, timedelta(minutes=1)) / timedelta(
        minutes=1
    )


# --- who sees what, and how time is cut -------------------------------------------------------


async def test_a_comparison_asks_one_question_as_its_campaign_says(filled: RoutingStore) -> None:
    shown = await figures(filled).overview(ANN, "blind", Period.ALL)
    told = await Campaigns(filled.feedback.campaigns).figures(ANN, "blind")
    assert (shown.turns.questions, shown.votes) == (told.questions, told.votes)
    assert shown.turns.answers == 2 * told.questions
    assert 0 < told.votes < told.questions


async def test_members_see_their_campaigns_together_and_nothing_else(filled: RoutingStore) -> None:
    all_of_bobs = await figures(filled).overview(BOB, "", Period.ALL)
    bobs = await figures(filled).overview(BOB, "bobs", Period.ALL)
    assert all_of_bobs.turns == bobs.turns
    assert bobs.turns.answers > 0
    assert [one.id for one in await figures(filled).campaigns(BOB)] == ["bobs"]
    with pytest.raises(NotFound):
        await figures(filled).overview(BOB, "cys")
    everything = await figures(filled).overview(ANN, "", Period.ALL)
    assert everything.turns.answers > bobs.turns.answers


async def test_guests_see_no_figures(filled: RoutingStore) -> None:
    with pytest.raises(NotFound):
        await figures(filled).overview(GUEST)
    with pytest.raises(NotFound):
        await figures(filled).campaigns(GUEST)


async def test_where_nothing_happened_there_are_zeros_and_no_spread(database: RoutingStore) -> None:
    shown = await figures(database).overview(ANN, "", Period.ALL)
    assert (shown.turns.questions, shown.up, shown.queue) == (0, 0, SpreadOverTime(None, None))
    assert {point.value for point in shown.messages} == {0}


@pytest.mark.parametrize("span", [timedelta(0), *(step * MOST_STEPS for step in STEPS)])
def test_time_is_cut_into_no_more_steps_than_can_be_told_apart(span: timedelta) -> None:
    assert span / step_for(span) <= MOST_STEPS


async def test_what_is_counted_of_an_answer_is_what_is_kept_of_it(database: RoutingStore) -> None:
    endless = Timing(queue_s=0.5, ttft_s=1.5, decode_tokens_per_s=inf)
    for record in (ENDED, replace(ENDED, timing=endless)):
        turn = await ask(database, user_id=ANN.id)
        await database.finish_answer(ANN.id, turn.answer.id, record)
    whole = await database.archive(ANN.id, turn.conversation.id)
    await database.add_archives(ANN.id, [whole])
    edited = await database.add_edited_answer(
        ANN.id, conversation_id=turn.conversation.id, sibling_id=turn.answer.id, content="不对。"
    )
    tokens = [row.completion_tokens for row in await counted(database)]
    assert tokens == [None, 5, None, 5, None, 5, None]
    assert await counted(database) == await kept(database)
    gone = [turn.question.id, turn.answer.id, edited.id]
    await database.delete_messages(ANN.id, turn.conversation.id, gone, head_id=None)
    await database.purge_deleted(START + timedelta(days=9_999))
    assert await counted(database) == await kept(database)


async def counted(store: RoutingStore) -> Sequence[Any]:
    names = "completion_tokens, queue_s, ttft_s, total_s, decode_tokens_per_s, model, language"
    return await sql(store, f"SELECT {names} FROM messages ORDER BY sequence")


async def kept(store: RoutingStore) -> Sequence[Any]:
    """The same, out of JSON, and the language out of the text."""
    spans = (
        f"CASE WHEN timing IS NOT NULL THEN COALESCE(CAST(timing ->> '{name}' AS FLOAT), 0) END"
        for name in ("queue_s", "ttft_s", "total_s", "decode_tokens_per_s")
    )
    rows = await sql(
        store,
        f"""SELECT CAST(usage ->> 'completion_tokens' AS INTEGER), {", ".join(spans)},
        provenance ->> 'model', CASE role WHEN 'assistant' THEN content ELSE '' END
        FROM messages ORDER BY sequence""",
    )
    return [(*took, language_of(answer) or None) for *took, answer in rows]


async def test_an_answer_that_is_interrupted_has_the_language_of_what_is_there(
    database: RoutingStore,
) -> None:
    for text_so_far in ("今天天气", "The weather", ""):
        turn = await ask(database, user_id=ANN.id)
        await database.save_text(ANN.id, turn.answer.id, text_so_far)
    assert await database.interrupt_unfinished() == 3
    told = [row.language for row in await counted(database)]
    assert told == [None, "zh", None, "en", None, None]
