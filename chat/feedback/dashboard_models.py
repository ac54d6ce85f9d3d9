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
"""The lengths of a step to choose from."""

MOST_STEPS = 60
"""Most points of a series that a chart can show legibly."""

VOTE = "vote"
"""The series of votes, beside one series for each verdict."""


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
    """What is counted. `seen_by` limits it to the campaigns of one user; None: everything.

    Steps have the length `step` and are aligned to `EPOCH`; `since` begins one.
    """

    seen_by: str | None
    campaign_id: str
    since: datetime
    step: timedelta


@dataclass(frozen=True, slots=True)
class TurnCounts:
    """Counts of one step. `tokens` are completion tokens, `users` those who asked.

    A comparison counts as one question and two answers.
    """

    questions: int = 0
    answers: int = 0
    failures: int = 0
    tokens: int = 0
    users: int = 0


Timings = tuple[float, float, float]
"""Seconds in the queue, seconds to the first token, tokens per second."""


Ranked = Mapping[datetime, Sequence[float]]
"""Ascending measurements of one kind by the beginning of the step."""


@dataclass(frozen=True, slots=True)
class Count:
    """The counts of a store in a scope, by the beginning of the step.

    Imported messages are not counted. A rating counts once, at the time of its newest version;
    `votes` are those of comparisons.
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
    """One value of one series, for the step that begins at `at`."""

    at: datetime
    kind: str
    value: float


@dataclass(frozen=True, slots=True)
class SpreadOverTime:
    """Median and 95th percentile; None without measurements."""

    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that the dashboard shows. Spreads are in seconds, `rate` in tokens per second."""

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
