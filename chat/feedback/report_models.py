"""The values of a campaign's report: what a store counts, and what is computed from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from chat.campaigns.models import (
    Campaign,
    CampaignCounts,
    SurveyAnswers,
    SurveyQuestion,
    VoteChoice,
)
from chat.feedback.statistics import Share, Strength, share_of, votes_needed
from chat.models import PresetRef


@dataclass(frozen=True, slots=True)
class Vote:
    """One vote: the variants on both sides, and what was chosen."""

    left: int
    right: int
    choice: VoteChoice
    user_id: str = ""
    task_id: str = ""


class AnswerTimes(NamedTuple):
    """Timing and usage of one answer of a campaign, as in `chat.models.Timing` and `Usage`.

    `variant` None: unknown. A named tuple, because a report has very many of them.
    """

    variant: int | None
    queue_s: float
    ttft_s: float
    total_s: float
    decode_tokens_per_s: float
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerSource:
    """The model and settings of answers, from their provenance."""

    model: str
    revision: str
    quantization: str
    engine: str
    preset: PresetRef | None = None


@dataclass(frozen=True, slots=True)
class SourceCount:
    """The number of answers of a variant from one source. `variant` None: unknown."""

    variant: int | None
    source: AnswerSource
    count: int


@dataclass(frozen=True, slots=True)
class AnswerExcerpt:
    """A question with one of the best or worst answers, and the ratings of it."""

    question: str
    answer: str
    comment: str = ""
    correction: str = ""
    reasons: tuple[str, ...] = ()
    variant: int | None = None


@dataclass(frozen=True, slots=True)
class ReportData:
    """The results of a campaign as a store collects them.

    `verdicts` counts current ratings by variant and by whether they are good. Incomplete surveys
    are `unsent`. `testers` are the names of voters by id, `presets` names by version.
    """

    verdicts: Mapping[tuple[int | None, bool], int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    rated: int = 0
    comments: int = 0
    corrections: int = 0
    votes: Sequence[Vote] = ()
    measured: Sequence[AnswerTimes] = ()
    answered: Sequence[SourceCount] = ()
    presets: Mapping[PresetRef, str] = field(default_factory=dict)
    surveys: Sequence[SurveyAnswers] = ()
    unsent: Sequence[SurveyAnswers] = ()
    testers: Mapping[str, str] = field(default_factory=dict)
    best: Sequence[AnswerExcerpt] = ()
    worst: Sequence[AnswerExcerpt] = ()


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 95th percentile of a measurement of a campaign's answers."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class VariantResult:
    """The statistics of one variant, or of all answers. Spreads are by the kind of measurement."""

    answers: int
    up: int
    down: int
    spreads: Mapping[str, Spread]

    @property
    def liked(self) -> Share:
        """The share of ratings that are good."""
        return share_of(self.up, self.up + self.down)


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """Votes between the first and the second variant, with win rates."""

    wins: tuple[int, int]
    ties: int
    both_bad: int
    rate: Share
    by_task: Mapping[str, Share]
    by_user: Mapping[str, Share] = field(default_factory=dict)

    @property
    def better(self) -> int | None:
        """The significantly better variant; None without significance."""
        if not self.rate.is_significant:
            return None
        return 0 if self.rate.value > 0.5 else 1

    @property
    def needed(self) -> int | None:
        """Estimated votes until significance at the current rate; None if reached or unknown."""
        return None if self.rate.is_significant or not self.rate.count else votes_needed(self.rate)


@dataclass(frozen=True, slots=True)
class RankingResult:
    """Votes between more than two variants: their strengths, in the order of the plan, and the
    result of each pair that was voted on, the lower variant first."""

    strengths: Sequence[Strength]
    pairs: Mapping[tuple[int, int], ComparisonResult]

    @property
    def order(self) -> Sequence[int]:
        """The variants, the strongest first."""
        strengths = self.strengths
        return sorted(range(len(strengths)), key=lambda one: -strengths[one].value)

    @property
    def is_separated(self) -> bool:
        """Whether a variant never lost or never won, or some never met: more votes are needed."""
        return any(strength.is_separated for strength in self.strengths)


@dataclass(frozen=True, slots=True)
class SurveyResult:
    """The answers to one question of the survey: counts by number or by option, or texts.

    `unsent` of them are in surveys that were not sent. `chosen` answers chose some option.
    """

    question: SurveyQuestion
    numbers: Mapping[int, int] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    unsent: int = 0
    options: Mapping[str, int] = field(default_factory=dict)
    chosen: int = 0

    @property
    def count(self) -> int:
        return sum(self.numbers.values()) or len(self.texts) or self.chosen

    @property
    def mean(self) -> float | None:
        """The mean of the numbers; None without numbers."""
        total = sum(number * times for number, times in self.numbers.items())
        return total / sum(self.numbers.values()) if self.numbers else None


@dataclass(frozen=True, slots=True)
class Report:
    """The content of a report. `testers` and `presets` are names.

    Of two variants there is a `comparison`, of more a `ranking`.
    """

    campaign: Campaign
    created_at: datetime
    counts: CampaignCounts
    rated: int
    comments: int
    corrections: int
    reasons: Sequence[tuple[str, int]]
    whole: VariantResult
    variants: Sequence[VariantResult]
    comparison: ComparisonResult | None
    survey: Sequence[SurveyResult]
    best: Sequence[AnswerExcerpt]
    worst: Sequence[AnswerExcerpt]
    answered: Sequence[SourceCount] = ()
    presets: Mapping[PresetRef, str] = field(default_factory=dict)
    testers: Mapping[str, str] = field(default_factory=dict)
    ranking: RankingResult | None = None

    def preset(self, ref: PresetRef | None) -> str:
        """The name and version of a preset; a dash for none."""
        return f"{self.presets.get(ref, ref.id)} · {ref.version}" if ref else "–"
