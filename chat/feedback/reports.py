"""Reports of campaigns: statistics, votes, surveys and excerpts.

Knows no page, no file format and no SQL.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from chat.accounts.models import LOCAL, Clock, User, utc_now
from chat.campaigns.models import (
    Mode,
    QuestionKind,
    SurveyAnswers,
    SurveyQuestion,
    VoteChoice,
)
from chat.feedback.ports import CampaignReader, ReportStore
from chat.feedback.report_models import (
    ComparisonResult,
    Report,
    ReportData,
    Spread,
    SurveyResult,
    VariantResult,
    Vote,
)
from chat.feedback.statistics import percentile, win_rate

MAX_EXCERPTS = 5
"""Excerpts of the best answers, and of the worst."""


class Reports:
    """The service of reports."""

    def __init__(
        self, campaigns: CampaignReader, store: ReportStore, clock: Clock = utc_now
    ) -> None:
        self._campaigns = campaigns
        self._store = store
        self._clock = clock

    async def report(self, user: User, campaign_id: str) -> Report:
        """The report of a campaign until now. Raises NotFound."""
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
    """The statistics of one variant; None: of all answers."""
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
    ranked = sorted(values)  # once for both: Timsort is fast on sorted input
    middle, end = percentile(ranked, 0.5), percentile(ranked, 0.95)
    return None if middle is None or end is None else Spread(middle, end)


def comparison_of(votes: Sequence[Vote]) -> ComparisonResult | None:
    """The result of the votes; None without a vote. Votes for "both bad" count in no rate."""
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
    """The wins of the first variant, of the second, and the ties."""
    chosen = Counter(
        {VoteChoice.LEFT: vote.left, VoteChoice.RIGHT: vote.right}.get(vote.choice)
        for vote in votes
        if vote.choice is not VoteChoice.BOTH_BAD
    )
    return chosen[0], chosen[1], chosen[None]


def surveyed(question: SurveyQuestion, raw: ReportData) -> SurveyResult:
    """The answers to one question, including those of unsent surveys."""
    sent, begun = (_survey_answers(question, surveys) for surveys in (raw.surveys, raw.unsent))
    both = [*sent, *begun]
    numbers = Counter(value for value in both if isinstance(value, int))
    texts = tuple(value for value in both if isinstance(value, str))
    return SurveyResult(question, numbers, texts, len(begun))


def _survey_answers(
    question: SurveyQuestion, surveys: Sequence[SurveyAnswers]
) -> Sequence[str | int]:
    """The numbers of a scale, or the texts without empty ones."""
    answered = [answers[question.id] for answers in surveys if question.id in answers]
    if question.kind is QuestionKind.SCALE:
        return [value for value in answered if isinstance(value, int)]
    texts = (value.strip() for value in answered if isinstance(value, str))
    return [text for text in texts if text]
