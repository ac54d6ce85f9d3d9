"""The values of the dashboard: what a store counts, and the series that are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from chat.feedback.models import Verdict

Kind = TypeVar("Kind", bound=str)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

STEPS = (MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY, 364 * DAY)
"""How long one point may stand for."""

MOST_STEPS = 60
"""Points side by side that can still be told apart."""

VOTE = "vote"
"""The kind of votes, beside that of each verdict."""


class Period(StrEnum):
    """The last hour, day, week or month, or everything."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ALL = "all"


LENGTHS: Mapping[Period, timedelta] = {
    Period.HOUR: HOUR,
    Period.DAY: DAY,
    Period.WEEK: 7 * DAY,
    Period.MONTH: 30 * DAY,
}


@dataclass(frozen=True, slots=True)
class DashboardScope:
    """What is counted: `seen_by` a person only what belongs to their campaigns; None: everything.

    Times are cut into steps of `step`, counted from `EPOCH`; `since` begins one.
    """

    seen_by: str | None
    campaign_id: str
    since: datetime
    step: timedelta


@dataclass(frozen=True, slots=True)
class TurnCounts:
    """What happened on the page in one step. `tokens` were written, `users` asked.

    The question of a comparison is one, though both of its variants were asked; answers are two.
    """

    questions: int = 0
    answers: int = 0
    failures: int = 0
    tokens: int = 0
    users: int = 0


Timings = tuple[float, float, float]
"""Seconds of waiting, seconds until the first token, tokens a second."""


Ranked = Mapping[datetime, Sequence[float]]
"""What was measured of one kind, by the beginning of the step, the least first."""


@dataclass(frozen=True, slots=True)
class Count:
    """What a store counts in a scope, by the beginning of the step.

    Imported messages did not happen here. Ratings are as they are now, at the time of their newest
    version; `votes` are those of comparisons.
    """

    turns: Mapping[datetime, TurnCounts] = field(default_factory=dict)
    users: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    models: Mapping[tuple[datetime, str], int] = field(default_factory=dict)
    languages: Mapping[tuple[datetime, str], int] = field(default_factory=dict)
    timings: Mapping[datetime, Sequence[Timings]] = field(default_factory=dict)
    ratings: Mapping[tuple[datetime, Verdict], int] = field(default_factory=dict)
    votes: Mapping[datetime, int] = field(default_factory=dict)
    reasons: Mapping[tuple[datetime, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one kind, of the step that begins at `at`."""

    at: datetime
    kind: str
    value: float


@dataclass(frozen=True, slots=True)
class SpreadOverTime:
    """The middle and the end of something that was measured; None of nothing."""

    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that the dashboard shows. Spreads are in seconds, and in tokens a second."""

    scope: DashboardScope
    turns: TurnCounts
    up: int
    down: int
    votes: int
    queue: SpreadOverTime
    first_token: SpreadOverTime
    rate: SpreadOverTime
    messages: Sequence[Point]
    users: Sequence[Point]
    ratings: Sequence[Point]
    reasons: Sequence[Point]
    languages: Sequence[Point]
    models: Sequence[Point]
    queue_over_time: Sequence[Point]
    first_token_over_time: Sequence[Point]
    rate_over_time: Sequence[Point]
    requests_per_minute: Sequence[Point]
    tokens_per_minute: Sequence[Point]
    failures: Sequence[tuple[str, int]]
