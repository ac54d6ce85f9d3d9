"""What came of a campaign, in numbers and in the words of its testers: what a report is made from.

Knows no page, no file format and no SQL.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple, Protocol

from chat.accounts.models import LOCAL, Clock, User, utc_now
from chat.campaigns.hosts import CampaignCounts
from chat.campaigns.models import (
    Campaign,
    Mode,
    QuestionKind,
    SurveyAnswers,
    SurveyQuestion,
    VoteChoice,
)
from chat.feedback.statistics import Share, percentile, share_of, votes_needed, win_rate
from chat.models import PresetRef

MAX_EXCERPTS = 5
"""Answers that are shown of the best, and of the worst."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One vote: the variants on both sides, and what was chosen."""

    left: int
    right: int
    choice: VoteChoice
    user_id: str = ""
    task_id: str = ""


class AnswerTimes(NamedTuple):
    """What one answer of a campaign took, as in `chat.models.Timing` and `Usage`.

    `variant` None: nobody knows which wrote it. A plain tuple, because there are very many.
    """

    variant: int | None
    queue_s: float
    ttft_s: float
    total_s: float
    decode_tokens_per_s: float
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerSource:
    """What wrote answers, as it is kept with each of them."""

    model: str
    revision: str
    quantization: str
    engine: str
    preset: PresetRef | None = None


@dataclass(frozen=True, slots=True)
class SourceCount:
    """How many answers of a variant came from one source. `variant` None: nobody knows which."""

    variant: int | None
    source: AnswerSource
    count: int


@dataclass(frozen=True, slots=True)
class AnswerExcerpt:
    """A question with an answer that is among the best or the worst, and what was said of it."""

    question: str
    answer: str
    comment: str = ""
    correction: str = ""
    reasons: tuple[str, ...] = ()
    variant: int | None = None


@dataclass(frozen=True, slots=True)
class ReportData:
    """What a store knows of a campaign's results.

    `verdicts` counts ratings as they are now, by variant and whether they are good. Surveys that
    are half done are `unsent`. `testers` are the names of who has voted, `presets` those of presets
    in the versions that were used.
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
    """The middle and the end of something measured in a campaign's answers."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class VariantResult:
    """The numbers of one variant, or of all answers. Spreads are by what was measured."""

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
    """Votes between the first and the second variant, and what follows from them."""

    wins: tuple[int, int]
    ties: int
    both_bad: int
    rate: Share
    by_task: Mapping[str, Share]
    by_user: Mapping[str, Share] = field(default_factory=dict)

    @property
    def better(self) -> int | None:
        """The variant that the votes tell to be the better one."""
        if not self.rate.tells:
            return None
        return 0 if self.rate.value > 0.5 else 1

    @property
    def needed(self) -> int | None:
        """About how many votes would tell, if it stays so, where these do not."""
        return None if self.rate.tells or not self.rate.count else votes_needed(self.rate)


@dataclass(frozen=True, slots=True)
class SurveyResult:
    """What was answered to one question of the survey: how often each number, or which texts.

    Of them, `unsent` stand in surveys that were not sent.
    """

    question: SurveyQuestion
    numbers: Mapping[int, int] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    unsent: int = 0

    @property
    def count(self) -> int:
        return sum(self.numbers.values()) or len(self.texts)

    @property
    def mean(self) -> float | None:
        """Of the numbers."""
        total = sum(number * times for number, times in self.numbers.items())
        return total / sum(self.numbers.values()) if self.numbers else None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a report says. `testers` and `presets` are names."""

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

    def preset(self, ref: PresetRef | None) -> str:
        """Its name and version; a dash for none."""
        return f"{self.presets.get(ref, ref.id)} · {ref.version}" if ref else "–"


class ReportStore(Protocol):
    """Gathers what is known of a campaign's results, without the owner's own trial."""

    async def gather(self, campaign_id: str, excerpts: int) -> ReportData:
        """With that many of the best and worst answers. Raises NotFound."""
        ...


class CampaignReader(Protocol):
    """Campaigns of those who may see them. Not-yours raises NotFound."""

    async def get(self, user: User, campaign_id: str) -> Campaign: ...

    async def counts(self, user: User, campaign_id: str) -> CampaignCounts: ...


class Reports:
    """The service of reports."""

    def __init__(
        self, campaigns: CampaignReader, store: ReportStore, clock: Clock = utc_now
    ) -> None:
        self._campaigns = campaigns
        self._store = store
        self._clock = clock

    async def report(self, user: User, campaign_id: str) -> Report:
        """What came of a campaign until now. Raises NotFound."""
        campaign = await self._campaigns.get(user, campaign_id)
        counts = await self._campaigns.counts(user, campaign_id)
        raw = await self._store.gather(campaign_id, MAX_EXCERPTS)
        several = campaign.plan.mode is not Mode.SINGLE
        return Report(
            campaign=campaign,
            created_at=self._clock(),
            counts=counts,
            rated=raw.rated,
            comments=raw.comments,
            corrections=raw.corrections,
            reasons=Counter(raw.reasons).most_common(),
            whole=part_of(raw),
            variants=[part_of(raw, index) for index in (0, 1)] if several else [],
            comparison=comparison_of(raw.votes),
            survey=[surveyed(question, raw) for question in campaign.plan.survey],
            best=raw.best,
            worst=raw.worst,
            answered=[one if several else replace(one, variant=0) for one in raw.answered],
            presets=raw.presets,
            testers={LOCAL.id: LOCAL.name, **raw.testers},
        )


def part_of(raw: ReportData, variant: int | None = None) -> VariantResult:
    """The numbers of one variant; None: of all."""
    measured = [item for item in raw.measured if variant in (None, item.variant)]
    counted = {True: 0, False: 0}
    for (of, good), count in raw.verdicts.items():
        if variant in (None, of):
            counted[good] += count
    kinds = {
        "queue": [item.queue_s for item in measured],
        "first-token": [item.ttft_s for item in measured],
        "total": [item.total_s for item in measured],
        "rate": [item.decode_tokens_per_s for item in measured],
        "length": [
            float(item.completion_tokens) for item in measured if item.completion_tokens is not None
        ],
    }
    spreads = {kind: spread for kind, values in kinds.items() if (spread := spread_of(values))}
    return VariantResult(len(measured), counted[True], counted[False], spreads)


def spread_of(values: Sequence[float]) -> Spread | None:
    ranked = sorted(values)  # once: what is sorted is soon sorted again
    middle, end = percentile(ranked, 0.5), percentile(ranked, 0.95)
    return None if middle is None or end is None else Spread(middle, end)


def comparison_of(votes: Sequence[Vote]) -> ComparisonResult | None:
    """None without a vote. Both bad says nothing of which is better, and counts in no rate."""
    if not votes:
        return None
    tasks = dict.fromkeys(vote.task_id for vote in votes if vote.task_id)
    user_ids = dict.fromkeys(vote.user_id for vote in votes if vote.user_id)
    first, second, ties = _count_wins(votes)
    return ComparisonResult(
        wins=(first, second),
        ties=ties,
        both_bad=sum(vote.choice is VoteChoice.BOTH_BAD for vote in votes),
        rate=win_rate(first, second, ties),
        by_task={
            task: win_rate(*_count_wins([vote for vote in votes if vote.task_id == task]))
            for task in tasks
        },
        by_user={
            user_id: win_rate(*_count_wins([vote for vote in votes if vote.user_id == user_id]))
            for user_id in user_ids
        },
    )


def _count_wins(votes: Sequence[Vote]) -> tuple[int, int, int]:
    """How often the first variant won, the second, and neither."""
    chosen = Counter(
        {VoteChoice.LEFT: vote.left, VoteChoice.RIGHT: vote.right}.get(vote.choice)
        for vote in votes
        if vote.choice is not VoteChoice.BOTH_BAD
    )
    return chosen[0], chosen[1], chosen[None]


def surveyed(question: SurveyQuestion, raw: ReportData) -> SurveyResult:
    """What was answered to one question, in surveys that were not sent too."""
    sent, begun = (_survey_answers(question, surveys) for surveys in (raw.surveys, raw.unsent))
    both = [*sent, *begun]
    numbers = Counter(value for value in both if isinstance(value, int))
    texts = tuple(value for value in both if isinstance(value, str))
    return SurveyResult(question, numbers, texts, len(begun))


def _survey_answers(
    question: SurveyQuestion, surveys: Sequence[SurveyAnswers]
) -> Sequence[str | int]:
    """The numbers of a scale or the texts; empty texts say nothing."""
    given_answers = [answers[question.id] for answers in surveys if question.id in answers]
    if question.kind is QuestionKind.SCALE:
        return [value for value in given_answers if isinstance(value, int)]
    texts = (value.strip() for value in given_answers if isinstance(value, str))
    return [text for text in texts if text]
