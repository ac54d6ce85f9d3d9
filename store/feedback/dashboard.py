"""Counts of use for the dashboard."""

from asyncio import gather
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, extract, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from chat.accounts.models import LOCAL_USER
from chat.feedback.dashboard_models import EPOCH, Count, DashboardScope, Timings, TurnCounts
from chat.feedback.models import Verdict
from chat.models import Role, Status
from store.schema.campaigns import CampaignRow, ComparisonRow
from store.schema.conversations import HAPPENED_HERE, ConversationRow, MessageRow
from store.schema.feedback import AnswerSnapshotRow, RatingRow
from store.transactions import Transactions

Named = Mapping[tuple[datetime, str], int]
"""Counts by time step and name."""

Taken = Sequence[Timings]


async def counted(transactions: Transactions, scope: DashboardScope) -> Count:
    """All counts of a dashboard, by four queries at once: each scans the messages of its time."""
    (
        (turns, users, failures),
        (models, languages, timings),
        (ratings, reasons),
        votes,
    ) = await gather(
        transactions.read(_turns, scope),
        transactions.read(_answers, scope),
        transactions.read(_ratings, scope),
        transactions.read(_votes, scope),
    )
    return Count(
        turns=turns,
        users=users,
        failures=failures,
        models=models,
        languages=languages,
        timings=timings,
        ratings=ratings,
        votes=votes,
        reasons=reasons,
    )


def began(session: Session, seen_by: str | None, campaign_id: str) -> datetime | None:
    firsts = (
        # First in index order: for min() SQLite would scan the whole index.
        select(MessageRow.created_at)
        .where(*_of_messages(seen_by, campaign_id))
        .order_by(MessageRow.created_at)
        .limit(1),
        select(func.min(RatingRow.rated_at)).where(
            RatingRow.newest, *_of_ratings(seen_by, campaign_id)
        ),
        select(func.min(ComparisonRow.voted_at)).where(*_of_votes(seen_by, campaign_id)),
    )
    return min((at for first in firsts if (at := session.scalar(first))), default=None)


# --- messages ---------------------------------------------------------------------------------


def _turns(
    session: Session, scope: DashboardScope
) -> tuple[Mapping[datetime, TurnCounts], int, Mapping[str, int]]:
    """Counts by time step, number of users, and failures by error code.

    Grouped by user and summed here: one scan of the messages instead of three. A comparison asks
    both variants at the same moment, which counts as one question.
    """
    step, is_answer = _step(MessageRow.created_at, scope.step), MessageRow.role == Role.ASSISTANT
    failure = case((MessageRow.status == Status.ERROR, func.coalesce(MessageRow.error_code, "")))
    rows = session.execute(
        select(
            step,
            MessageRow.owner_id,
            failure,
            func.count(MessageRow.created_at.distinct()).filter(MessageRow.role == Role.USER),
            func.count().filter(is_answer),
            func.coalesce(func.sum(MessageRow.completion_tokens).filter(is_answer), 0),
        )
        .where(*_messages(scope))
        .group_by(step, MessageRow.owner_id, failure)
    )
    turns = dict[datetime, TurnCounts]()
    users_at, failures = defaultdict[datetime, set[str]](set), Counter[str]()
    for seconds, owner_id, code, questions, answered, tokens in rows:
        at = _moment(seconds)
        users_at[at].add(owner_id)
        failed = 0 if code is None else int(questions + answered)
        if code is not None:
            failures[code] += failed
        before = turns.get(at, TurnCounts())
        turns[at] = TurnCounts(
            questions=before.questions + int(questions),
            answers=before.answers + int(answered),
            failures=before.failures + failed,
            tokens=before.tokens + int(tokens),
        )
    turns = {at: replace(of, users=len(users_at[at])) for at, of in turns.items()}
    return turns, len(set().union(*users_at.values())), failures


def _answers(
    session: Session, scope: DashboardScope
) -> tuple[Named, Named, Mapping[datetime, Taken]]:
    """Answers by model and by language, with their timings."""
    step = _step(MessageRow.created_at, scope.step)
    columns = (MessageRow.queue_s, MessageRow.ttft_s, MessageRow.decode_tokens_per_s)
    rows = session.execute(
        select(step, MessageRow.model, MessageRow.language, *columns).where(
            MessageRow.role == Role.ASSISTANT, *_messages(scope)
        )
    )
    counted, timings = Counter[tuple[int, str | None, str | None]](), dict[int, list[Timings]]()
    for at, model, language, queue, first_token, rate in rows:
        counted[at, model, language] += 1
        if queue is not None and first_token is not None and rate is not None:
            timings.setdefault(at, []).append((queue, first_token, rate))
    models, languages = Counter[tuple[datetime, str]](), Counter[tuple[datetime, str]]()
    for (at, model, language), number in counted.items():
        if model:
            models[_moment(at), model] += number
        if language:
            languages[_moment(at), language] += number
    return models, languages, {_moment(at): values for at, values in timings.items()}


def _messages(scope: DashboardScope) -> Sequence[ColumnElement[bool]]:
    within = MessageRow.created_at >= scope.since
    return within, *_of_messages(scope.seen_by, scope.campaign_id)


def _of_messages(seen_by: str | None, campaign_id: str) -> Sequence[ColumnElement[bool]]:
    campaigns = _campaigns(seen_by, campaign_id)
    if campaigns is None:
        return (HAPPENED_HERE,)
    ids = (
        select(ConversationRow.id)
        .join(CampaignRow, CampaignRow.id == ConversationRow.campaign_id)
        .where(campaigns, _counts(ConversationRow.owner_id))
    )
    # coalesce: with the bare column SQLite looks up each conversation and then each long row.
    return HAPPENED_HERE, func.coalesce(MessageRow.conversation_id, "").in_(ids)


# --- ratings ----------------------------------------------------------------------------------


def _ratings(
    session: Session, scope: DashboardScope
) -> tuple[
    Mapping[tuple[datetime, Verdict], int],
    Mapping[tuple[datetime, str], int],
]:
    """Ratings by verdict, and by reason."""
    kinds = (_step(RatingRow.rated_at, scope.step), RatingRow.verdict, RatingRow.reasons)
    rows = session.execute(select(*kinds, func.count()).where(*_rated(scope)).group_by(*kinds))
    verdicts = Counter[tuple[datetime, Verdict]]()
    counted = Counter[tuple[datetime, str]]()
    for seconds, verdict, reasons, number in rows:
        at = _moment(seconds)
        if verdict:
            verdicts[at, verdict] += number
        for reason in filter(None, reasons.split("\n")):
            counted[at, reason] += number
    return verdicts, counted


def _rated(scope: DashboardScope) -> Sequence[ColumnElement[bool]]:
    within = and_(RatingRow.newest, RatingRow.rated_at >= scope.since)
    return within, *_of_ratings(scope.seen_by, scope.campaign_id)


def _of_ratings(seen_by: str | None, campaign_id: str) -> Sequence[ColumnElement[bool]]:
    campaigns = _campaigns(seen_by, campaign_id)
    if campaigns is None:
        return ()
    ids = (
        select(AnswerSnapshotRow.id)
        .join(CampaignRow, CampaignRow.id == AnswerSnapshotRow.campaign_id)
        .where(campaigns, _counts(AnswerSnapshotRow.owner_id))
    )
    return (RatingRow.evidence_id.in_(ids),)


# --- votes ------------------------------------------------------------------------------------


def _votes(session: Session, scope: DashboardScope) -> Mapping[datetime, int]:
    """The number of decided comparisons by time step."""
    step = _step(ComparisonRow.voted_at, scope.step)
    within = ComparisonRow.voted_at >= scope.since
    rows = session.execute(
        select(step, func.count())
        .where(within, *_of_votes(scope.seen_by, scope.campaign_id))
        .group_by(step)
    )
    return {_moment(seconds): number for seconds, number in rows}


def _of_votes(seen_by: str | None, campaign_id: str) -> Sequence[ColumnElement[bool]]:
    campaigns = _campaigns(seen_by, campaign_id)
    if campaigns is None:
        return ()
    return (ComparisonRow.campaign_id == CampaignRow.id, campaigns, _counts(ComparisonRow.user_id))


# --- campaigns and times ----------------------------------------------------------------------


def _campaigns(seen_by: str | None, campaign_id: str) -> ColumnElement[bool] | None:
    """A condition on campaigns; None for everything, in a campaign or not."""
    if campaign_id:
        return CampaignRow.id == campaign_id
    return None if seen_by is None else CampaignRow.owner_id == seen_by


def _counts(user_column: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Exclude the owner's own trial, unless all requests are the local user's."""
    return or_(CampaignRow.owner_id == LOCAL_USER, CampaignRow.owner_id != user_column)


def _step(moment: InstrumentedAttribute[Any], step: timedelta) -> ColumnElement[int]:
    """The start of the time step, in seconds since `EPOCH`."""
    seconds = extract("epoch", moment)
    return cast(seconds - seconds % int(step.total_seconds()), BigInteger)


def _moment(seconds: int) -> datetime:
    return EPOCH + timedelta(seconds=seconds)
