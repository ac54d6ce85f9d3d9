"""The dashboard for hosts: usage, ratings and performance over time.

Owns the access rules and the choice of the time step. Knows no page and no SQL.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain

from chat.accounts.access import visible_owner
from chat.accounts.models import Clock, User, utc_now
from chat.campaigns.models import Campaign
from chat.feedback.dashboard_models import (
    EPOCH,
    HOUR,
    LENGTHS,
    MINUTE,
    MOST_STEPS,
    STEPS,
    VOTE,
    Count,
    DashboardScope,
    Kind,
    Overview,
    Period,
    Point,
    Ranked,
    SpreadOverTime,
    TurnCounts,
)
from chat.feedback.models import Verdict
from chat.feedback.ports import CampaignNames, DashboardStore
from chat.feedback.statistics import percentile


class Dashboard:
    """The service of the dashboard. Administrators see all data, members their campaigns."""

    def __init__(
        self, campaigns: CampaignNames, store: DashboardStore, clock: Clock = utc_now
    ) -> None:
        self._campaigns = campaigns
        self._store = store
        self._clock = clock

    async def campaigns(self, user: User) -> Sequence[Campaign]:
        """The campaigns of the filter, newest first. Raises NotFound for guests."""
        return await self._campaigns.list(user)

    async def overview(
        self, user: User, campaign_id: str = "", period: Period = Period.DAY
    ) -> Overview:
        """Raises NotFound for guests, and for another user's campaign."""
        owner_id = visible_owner(user)
        if campaign_id:
            await self._campaigns.get(user, campaign_id)
        now = self._clock()
        if length := LENGTHS.get(period):
            first = now - length
        else:
            first = await self._store.began(owner_id, campaign_id) or now - HOUR
        step = step_for(now - first)
        scope = DashboardScope(owner_id, campaign_id, begin_of(first, step), step)
        counts = await self._store.counts(scope)
        return await asyncio.to_thread(overview_of, scope, counts, now)


def step_for(span: timedelta) -> timedelta:
    """The shortest step that divides `span` into at most `MOST_STEPS`."""
    return next((step for step in STEPS if span <= step * MOST_STEPS), STEPS[-1])


def begin_of(moment: datetime, step: timedelta) -> datetime:
    """The beginning of the step that contains `moment`."""
    return moment - (moment - EPOCH) % step


def steps_of(scope: DashboardScope, now: datetime) -> Sequence[datetime]:
    """The beginnings of all steps until `now`."""
    count = max((now - scope.since) // scope.step, 0) + 1
    return [scope.since + number * scope.step for number in range(count)]


def overview_of(scope: DashboardScope, counts: Count, now: datetime) -> Overview:
    """The counts as time series and totals."""
    turns = {at: counts.turns.get(at, TurnCounts()) for at in steps_of(scope, now)} | dict(
        counts.turns
    )
    minutes = {at: _minutes(at, scope.step, now) for at in turns}
    counted = Counter[Verdict]()
    for (_, verdict), number in counts.ratings.items():
        counted[verdict] += number
    votes = {(at, VOTE): number for at, number in counts.votes.items()}
    queue, first_token, rate = (_ranked(counts, which) for which in range(3))
    return Overview(
        scope=scope,
        turns=replace(_sum_of(turns.values()), users=counts.users),
        up=counted[Verdict.UP],
        down=counted[Verdict.DOWN],
        votes=sum(counts.votes.values()),
        queue=_together(queue),
        first_token=_together(first_token),
        rate=_together(rate),
        messages=[
            Point(at, kind, number)
            for at, of in turns.items()
            for kind, number in (("question", of.questions), ("answer", of.answers))
        ],
        users=[Point(at, "user", of.users) for at, of in turns.items()],
        ratings=_points({**counts.ratings, **votes}),
        reasons=_points(counts.reasons),
        languages=_points(counts.languages),
        models=_points(counts.models),
        queue_over_time=_spreads(queue),
        first_token_over_time=_spreads(first_token),
        rate_over_time=_spreads(rate),
        requests_per_minute=[
            Point(at, "request", of.answers / minutes[at]) for at, of in turns.items()
        ],
        tokens_per_minute=[Point(at, "token", of.tokens / minutes[at]) for at, of in turns.items()],
        failures=Counter(counts.failures).most_common(),
    )


def _minutes(at: datetime, step: timedelta, now: datetime) -> float:
    """Elapsed minutes of a step, at least one; the last step has not ended yet."""
    return max(min(step, now - at) / MINUTE, 1.0)


def _sum_of(turns: Iterable[TurnCounts]) -> TurnCounts:
    several = list(turns)
    return TurnCounts(
        questions=sum(of.questions for of in several),
        answers=sum(of.answers for of in several),
        failures=sum(of.failures for of in several),
        tokens=sum(of.tokens for of in several),
    )


def _points(counts: Mapping[tuple[datetime, Kind], int]) -> Sequence[Point]:
    return [Point(at, str(kind), number) for (at, kind), number in sorted(counts.items())]


def _ranked(counts: Count, which: int) -> Ranked:
    return {
        at: sorted(timing[which] for timing in timings)
        for at, timings in sorted(counts.timings.items())
    }


def _together(ranked: Ranked) -> SpreadOverTime:
    # Timsort is fast on concatenated sorted runs.
    return _spread(sorted(chain.from_iterable(ranked.values())))


def _spread(values: Sequence[float]) -> SpreadOverTime:
    return SpreadOverTime(percentile(values, 0.5), percentile(values, 0.95))


def _spreads(ranked: Ranked) -> Sequence[Point]:
    points = []
    for at, values in ranked.items():
        spread = _spread(values)
        for kind, value in (("p50", spread.p50), ("p95", spread.p95)):
            if value is not None:
                points.append(Point(at, kind, value))
    return points
