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
from chat.feedback.dashboard import Dashboard, step_for
from chat.feedback.dashboard_models import (
    MOST_STEPS,
    STEPS,
    Overview,
    Period,
    Point,
    SpreadOverTime,
)
from chat.feedback.models import REASONS
from chat.languages import language_of
from chat.models import Timing
from store import RoutingStore
from store.schema.columns import UtcDateTime
from tests.contract.stores import ENDED, START, ask
from tests.contract.token_usage import add_campaign_data
from tests.contract.users import ANN, BOB, CY

NOW = START + timedelta(days=40)
GUEST = User("guest", "Guest", AccountRole.GUEST, START)
OF_CAMPAIGNS = {"": ""} | {
    name: f"""AND conversation_id IN (SELECT id FROM conversations
        WHERE campaign_id = '{name}' AND owner <> '{owner_id}')"""
    for name, owner_id in (("bobs", BOB.id), ("blind", CY.id))
}
RATED_IN = {"": ""} | {
    name: f"AND e.campaign_id = '{name}' AND e.owner <> '{owner_id}'"
    for name, owner_id in (("bobs", BOB.id), ("blind", CY.id))
}
COMPARED_IN = {"": ""} | {
    name: f"AND campaign_id = '{name}' AND user_id <> '{owner_id}'"
    for name, owner_id in (("bobs", BOB.id), ("blind", CY.id))
}
HERE = "FROM messages WHERE created_at >= :since AND origin <> 'imported'"
RATED = """FROM ratings r JOIN evidence e ON e.id = r.evidence_id
    WHERE r.rated_at >= :since AND r.newest"""


@pytest.fixture
async def filled(database: RoutingStore) -> RoutingStore:
    await add_campaign_data(database, NOW)
    return database


def dashboard(store: RoutingStore, now: datetime = NOW) -> Dashboard:
    campaigns = Campaigns(store.feedback.campaigns)
    return Dashboard(campaigns, store.feedback.dashboard, clock=lambda: now)


async def sql(store: RoutingStore, statement: str, **values: object) -> Sequence[Any]:
    """The rows that a plain statement gives."""
    times = (bindparam(name, type_=UtcDateTime) for name in values)
    query = text(statement).bindparams(*times)

    def read(session: Session) -> Sequence[Any]:
        return session.execute(query, values).all()

    return await store.feedback.ratings.transactions.read(read)


async def spread(store: RoutingStore, name: str, which: str, **times: datetime) -> SpreadOverTime:
    """The nearest-rank percentile."""
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
"""The overview, and the key of `OF_CAMPAIGNS` that it belongs to."""


@pytest.fixture
async def parts(filled: RoutingStore) -> Sequence[Part]:
    """All that an administrator sees, a campaign of a member, and comparisons in another one.

    Without the owner's own trial.
    """
    return [
        (await dashboard(filled).overview(user, campaign, period), campaign)
        for user, campaign in ((ANN, ""), (BOB, "bobs"), (ANN, "blind"))
        for period in Period
    ]


async def test_totals_match_plain_sql(filled: RoutingStore, parts: Sequence[Part]) -> None:
    for overview, part in parts:
        which = OF_CAMPAIGNS[part]
        (counted,) = await sql(
            filled,
            f"""SELECT SUM(CASE role WHEN 'user' THEN 1 ELSE 0 END),
            SUM(CASE role WHEN 'assistant' THEN 1 ELSE 0 END),
            SUM(CASE status WHEN 'error' THEN 1 ELSE 0 END),
            SUM(CAST(usage ->> 'completion_tokens' AS INTEGER)),
            COUNT(DISTINCT owner) {HERE} {which}""",
            since=overview.scope.since,
        )
        ((twice,),) = await sql(
            filled,
            f"SELECT COUNT(*) FROM duels WHERE asked_at >= :since {COMPARED_IN[part]}",
            since=overview.scope.since,
        )
        questions, *others = (number or 0 for number in counted)
        turns = overview.turns
        assert turns.questions == questions - twice
        assert [turns.answers, turns.failures, turns.tokens, turns.users] == others
        assert turns.answers > 0
        failures = await sql(
            filled,
            f"SELECT error_code, COUNT(*) {HERE} {which} AND status = 'error' GROUP BY error_code",
            since=overview.scope.since,
        )
        assert dict(overview.failures) == dict(tuple(row) for row in failures)


async def test_timings_match_plain_sql(filled: RoutingStore, parts: Sequence[Part]) -> None:
    for overview, part in parts:
        since, which = overview.scope.since, OF_CAMPAIGNS[part]
        for whole, over_time, name in (
            (overview.queue, overview.queue_over_time, "queue_s"),
            (overview.first_token, overview.first_token_over_time, "ttft_s"),
            (overview.rate, overview.rate_over_time, "decode_tokens_per_s"),
        ):
            assert whole == await spread(filled, name, which, since=since)
            points = {(point.at, point.kind): point.value for point in over_time}
            for at in {point.at for point in over_time}:
                one = await spread(
                    filled,
                    name,
                    f"{which} AND created_at < :until",
                    since=at,
                    until=at + overview.scope.step,
                )
                assert (points[at, "p50"], points[at, "p95"]) == (one.p50, one.p95)


async def test_turns_over_time_match_plain_sql(filled: RoutingStore, parts: Sequence[Part]) -> None:
    for overview, part in parts:
        which = OF_CAMPAIGNS[part]
        questions = await by_step(
            filled, overview, f"created_at, 1 {HERE} AND role = 'user' {which}"
        )
        questions -= await by_step(
            filled, overview, f"asked_at, 1 FROM duels WHERE asked_at >= :since {COMPARED_IN[part]}"
        )
        answers = await by_step(
            filled, overview, f"created_at, 1 {HERE} AND role <> 'user' {which}"
        )
        tokens = await by_step(
            filled,
            overview,
            f"created_at, CAST(usage ->> 'completion_tokens' AS INTEGER) {HERE} {which}",
        )
        models = await by_step(
            filled,
            overview,
            f"""created_at, 1, provenance ->> 'model' {HERE} {which}
            AND provenance IS NOT NULL""",
        )
        languages = await by_step(
            filled, overview, f"created_at, 1, language {HERE} {which} AND language IS NOT NULL"
        )
        users = await by_step(filled, overview, f"created_at, 1, owner {HERE} {which}")
        assert counts(overview.messages, "question") == of_kind(questions)
        assert counts(overview.messages, "answer") == of_kind(answers)
        assert counts(overview.users, "user") == Counter(at for at, _ in users)
        assert {(point.at, point.kind): point.value for point in overview.models} == models
        assert {(point.at, point.kind): point.value for point in overview.languages} == languages
        for point in overview.requests_per_minute:
            assert point.value * minutes(point, overview) == pytest.approx(
                of_kind(answers)[point.at]
            )
        for point in overview.tokens_per_minute:
            assert point.value * minutes(point, overview) == pytest.approx(
                of_kind(tokens)[point.at]
            )


async def test_ratings_and_votes_over_time_match_plain_sql(
    filled: RoutingStore, parts: Sequence[Part]
) -> None:
    for overview, part in parts:
        which = RATED_IN[part]
        ratings = await by_step(
            filled, overview, f"r.rated_at, 1, r.verdict {RATED} {which} AND r.verdict IS NOT NULL"
        )
        votes = await by_step(
            filled,
            overview,
            f"""voted_at, 1, 'vote' FROM duels WHERE choice IS NOT NULL
            AND voted_at >= :since {COMPARED_IN[part]}""",
        )
        points = {(point.at, point.kind): point.value for point in overview.ratings}
        assert points == ratings | votes
        assert overview.votes == sum(votes.values())
        assert overview.up == sum(
            number for (_, verdict), number in ratings.items() if verdict == "up"
        )
        assert overview.up + overview.down == sum(ratings.values())
        for reason in REASONS:
            named = await by_step(
                filled, overview, f"r.rated_at, 1 {RATED} {which} AND r.reasons LIKE '%{reason}%'"
            )
            assert counts(overview.reasons, reason) == of_kind(named)


async def by_step(
    store: RoutingStore, overview: Overview, columns: str
) -> Counter[tuple[datetime, str]]:
    """The sums of (time, number, kind) by the step of the time."""
    rows = await sql(store, f"SELECT {columns}", since=overview.scope.since)
    counted = Counter[tuple[datetime, str]]()
    for at, number, *kind in rows:
        moment = datetime.fromisoformat(at + "+00:00") if isinstance(at, str) else at
        step = (moment - overview.scope.since) // overview.scope.step
        counted[overview.scope.since + step * overview.scope.step, "".join(kind)] += number or 0
    return counted


def of_kind(counted: Counter[tuple[datetime, str]], kind: str = "") -> Counter[datetime]:
    return Counter({at: number for (at, one), number in counted.items() if one == kind})


def counts(points: Sequence[Point], kind: str) -> Mapping[datetime, float]:
    """Of the steps in which there was something."""
    return {point.at: point.value for point in points if point.kind == kind and point.value}


def minutes(point: Point, overview: Overview) -> float:
    """That the step has lasted until now."""
    return max(
        min(point.at + overview.scope.step, NOW) - point.at, timedelta(minutes=1)
    ) / timedelta(minutes=1)


# --- access, and steps of time -----------------------------------------------------------------


async def test_a_comparison_counts_as_one_question_of_its_campaign(filled: RoutingStore) -> None:
    overview = await dashboard(filled).overview(ANN, "blind", Period.ALL)
    campaign_counts = await Campaigns(filled.feedback.campaigns).counts(ANN, "blind")
    assert (overview.turns.questions, overview.votes) == (
        campaign_counts.questions,
        campaign_counts.votes,
    )
    assert overview.turns.answers == 2 * campaign_counts.questions
    assert 0 < campaign_counts.votes < campaign_counts.questions


async def test_members_see_their_campaigns_together_and_nothing_else(filled: RoutingStore) -> None:
    all_of_bobs = await dashboard(filled).overview(BOB, "", Period.ALL)
    bobs = await dashboard(filled).overview(BOB, "bobs", Period.ALL)
    assert all_of_bobs.turns == bobs.turns
    assert bobs.turns.answers > 0
    assert [one.id for one in await dashboard(filled).campaigns(BOB)] == ["bobs"]
    with pytest.raises(NotFound):
        await dashboard(filled).overview(BOB, "cys")
    everything = await dashboard(filled).overview(ANN, "", Period.ALL)
    assert everything.turns.answers > bobs.turns.answers


async def test_guests_see_no_dashboard(filled: RoutingStore) -> None:
    with pytest.raises(NotFound):
        await dashboard(filled).overview(GUEST)
    with pytest.raises(NotFound):
        await dashboard(filled).campaigns(GUEST)


async def test_without_activity_there_are_zeros_and_no_spread(database: RoutingStore) -> None:
    overview = await dashboard(database).overview(ANN, "", Period.ALL)
    assert (overview.turns.questions, overview.up, overview.queue) == (
        0,
        0,
        SpreadOverTime(None, None),
    )
    assert {point.value for point in overview.messages} == {0}


@pytest.mark.parametrize("span", [timedelta(0), *(step * MOST_STEPS for step in STEPS)])
def test_time_has_at_most_as_many_steps_as_are_legible(span: timedelta) -> None:
    assert span / step_for(span) <= MOST_STEPS


async def test_counts_of_an_answer_match_its_row(database: RoutingStore) -> None:
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
    assert await counted(database) == await stored_rows(database)
    deleted = [turn.question.id, turn.answer.id, edited.id]
    await database.delete_messages(ANN.id, turn.conversation.id, deleted, head_id=None)
    await database.purge_deleted(START + timedelta(days=9_999))
    assert await counted(database) == await stored_rows(database)


async def counted(store: RoutingStore) -> Sequence[Any]:
    names = "completion_tokens, queue_s, ttft_s, total_s, decode_tokens_per_s, model, language"
    return await sql(store, f"SELECT {names} FROM messages ORDER BY sequence")


async def stored_rows(store: RoutingStore) -> Sequence[Any]:
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


async def test_an_interrupted_answer_has_the_language_of_its_text(
    database: RoutingStore,
) -> None:
    for text_so_far in ("今天天气", "The weather", ""):
        turn = await ask(database, user_id=ANN.id)
        await database.save_text(ANN.id, turn.answer.id, text_so_far)
    assert await database.interrupt_unfinished() == 3
    campaign_counts = [row.language for row in await counted(database)]
    assert campaign_counts == [None, "zh", None, "en", None, None]
