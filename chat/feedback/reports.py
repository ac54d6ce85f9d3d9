"""Reports of campaigns: statistics, votes, surveys and excerpts.

Knows no page, no file format and no SQL.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations

from chat.accounts.models import LOCAL, Clock, User, utc_now
from chat.campaigns.models import (
    Mode,
    SurveyAnswers,
    SurveyQuestion,
    VoteChoice,
)
from chat.feedback.ports import CampaignReader, ReportStore
from chat.feedback.report_models import (
    ComparisonResult,
    RankingResult,
    Report,
    ReportData,
    Spread,
    SurveyResult,
    VariantResult,
    Vote,
)
from chat.feedback.statistics import bradley_terry, percentile, win_rate

PAIR = 2
"""With more variants than these there is a ranking."""

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
        count = len(campaign.plan.variants)
        return Report(
            campaign=campaign,
            created_at=self._clock(),
            counts=counts,
            rated=raw.rated,
            comments=raw.comments,
            corrections=raw.corrections,
            reasons=Counter(raw.reasons).most_common(),
            whole=part_of(raw),
            variants=[part_of(raw, index) for index in range(count)] if several else [],
            comparison=comparison_of(raw.votes) if count <= PAIR else None,
            ranking=ranking_of(raw.votes, count) if count > PAIR else None,
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


def ranking_of(votes: Sequence[Vote], count: int) -> RankingResult | None:
    """The strengths of `count` variants; None without a vote that tells anything of them."""
    wins = [[0.0] * count for _ in range(count)]
    pairs = {}
    for first, second in combinations(range(count), 2):
        met = [vote for vote in votes if {vote.left, vote.right} == {first, second}]
        if result := comparison_of(met, first, second):
            pairs[first, second] = result
            wins[first][second] = result.wins[0] + result.ties / 2
            wins[second][first] = result.wins[1] + result.ties / 2
    return RankingResult(bradley_terry(wins), pairs) if any(map(any, wins)) else None


def comparison_of(
    votes: Sequence[Vote], first: int = 0, second: int = 1
) -> ComparisonResult | None:
    """The result of votes between two variants; None without a vote. Votes for "both bad" count in
    no rate.
    """
    if not votes:
        return None
    tasks = dict.fromkeys(vote.task_id for vote in votes if vote.task_id)
    user_ids = dict.fromkeys(vote.user_id for vote in votes if vote.user_id)

    def counted(some: Iterable[Vote]) -> tuple[int, int, int]:
        return _count_wins(some, first, second)

    won, lost, ties = counted(votes)
    return ComparisonResult(
        wins=(won, lost),
        ties=ties,
        both_bad=sum(vote.choice is VoteChoice.BOTH_BAD for vote in votes),
        rate=win_rate(won, lost, ties),
        by_task={
            task: win_rate(*counted(vote for vote in votes if vote.task_id == task))
            for task in tasks
        },
        by_user={
            user_id: win_rate(*counted(vote for vote in votes if vote.user_id == user_id))
            for user_id in user_ids
        },
    )


def _count_wins(votes: Iterable[Vote], first: int, second: int) -> tuple[int, int, int]:
    """The wins of the first variant, of the second, and the ties."""
    chosen = Counter(
        {VoteChoice.LEFT: vote.left, VoteChoice.RIGHT: vote.right}.get(vote.choice)
        for vote in votes
        if vote.choice is not VoteChoice.BOTH_BAD
    )
    return chosen[first], chosen[second], chosen[None]


def surveyed(question: SurveyQuestion, raw: ReportData) -> SurveyResult:
    """The answers to one question, including those of unsent surveys."""
    sent, begun = (_survey_answers(question, surveys) for surveys in (raw.surveys, raw.unsent))
    both = [*sent, *begun]
    if question.kind.has_options:
        lines = [str(value).split("\n") for value in both]
        found = Counter(line for chosen in lines for line in chosen)
        options = {option: found[option] for option in question.options}
        return SurveyResult(question, unsent=len(begun), options=options, chosen=len(both))
    numbers = Counter(value for value in both if isinstance(value, int))
    texts = tuple(value for value in both if isinstance(value, str))
    return SurveyResult(question, numbers, texts, len(begun))


def _survey_answers(
    question: SurveyQuestion, surveys: Sequence[SurveyAnswers]
) -> Sequence[str | int]:
    """The numbers of a scale, or the texts without empty ones."""
    answered = [answers[question.id] for answers in surveys if question.id in answers]
    if question.kind.numbers:
        return [value for value in answered if isinstance(value, int)]
    texts = (value.strip() for value in answered if isinstance(value, str))
    return [text for text in texts if text]
