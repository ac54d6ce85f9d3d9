"""How a campaign goes: every number by one query over what is there."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import JSON, ColumnElement, Select, and_, false, func, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session

from chat.accounts.models import LOCAL_USER
from chat.campaigns.models import CampaignCounts, Mode, VariantProgress
from chat.errors import NotFound
from chat.feedback.models import Verdict
from chat.models import Role, Status
from store.schema.campaigns import CampaignRow, ComparisonRow, ParticipantRow
from store.schema.conversations import ConversationRow, MessageRow
from store.schema.feedback import AnswerSnapshotRow, RatingRow


def counts(
    session: Session, campaign_id: str, *, active_since: datetime, silent_since: datetime
) -> CampaignCounts:
    """Raises NotFound."""
    campaign = session.get(CampaignRow, campaign_id)
    if campaign is None:
        raise NotFound
    came, consented, active, finished, dropped_out = session.execute(
        _testers(campaign, active_since, silent_since)
    ).one()
    questions, failures = session.execute(_turns(campaign)).one()
    up, down = session.execute(_ratings(campaign)).one()
    comparisons, votes, skipped, unvoted = session.execute(_comparisons(campaign)).one()
    return CampaignCounts(
        came=came,
        consented=consented,
        active=active,
        finished=finished,
        dropped_out=dropped_out,
        questions=comparisons if campaign.plan.mode is Mode.BLIND else questions,
        failures=failures,
        up=up,
        down=down,
        votes=votes,
        skipped=skipped,
        unvoted=unvoted,
    )


def testers(
    session: Session, campaign_id: str, *, silent_since: datetime
) -> Sequence[VariantProgress]:
    """Raises NotFound."""
    campaign = session.get(CampaignRow, campaign_id)
    if campaign is None:
        raise NotFound
    finished = ParticipantRow.survey_sent_at.is_not(None)
    dropped_out = ~finished & (ParticipantRow.seen_at < silent_since)
    rows = session.execute(
        select(ParticipantRow.variant, func.count(), _count(finished), _count(dropped_out))
        .where(
            ParticipantRow.campaign_id == campaign_id,
            ParticipantRow.consented_at.is_not(None),
            *counts_for(campaign, ParticipantRow.user_id),
        )
        .group_by(ParticipantRow.variant)
    )
    by_variant = {variant: VariantProgress(*counts) for variant, *counts in rows}
    return [
        by_variant.get(index, VariantProgress()) for index in range(len(campaign.plan.variants))
    ]


def counts_for(
    campaign: CampaignRow, user_column: InstrumentedAttribute[str]
) -> Sequence[ColumnElement[bool]]:
    """Exclude the owner's own trial, unless all requests are the local user's."""
    return () if campaign.owner_id == LOCAL_USER else (user_column != campaign.owner_id,)


def as_it_is_now() -> ColumnElement[bool]:
    """Of ratings, of a campaign's answers.

    Wrapped in coalesce: with the bare column SQLite scans all ratings and looks up their answers.
    """
    return func.coalesce(RatingRow.newest, false())


def _testers(
    campaign: CampaignRow, active_since: datetime, silent_since: datetime
) -> Select[int, int, int, int, int]:
    agreed = ParticipantRow.consented_at.is_not(None)
    at_work = agreed & ParticipantRow.survey_sent_at.is_(None)
    return select(
        func.count(),
        _count(agreed),
        _count(at_work & (ParticipantRow.seen_at >= active_since)),
        _count(ParticipantRow.survey_sent_at.is_not(None)),
        _count(at_work & (ParticipantRow.seen_at < silent_since)),
    ).where(
        ParticipantRow.campaign_id == campaign.id, *counts_for(campaign, ParticipantRow.user_id)
    )


def _turns(campaign: CampaignRow) -> Select[int, int]:
    return (
        select(_count(MessageRow.role == Role.USER), _count(MessageRow.status == Status.ERROR))
        .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
        .where(
            ConversationRow.campaign_id == campaign.id,
            *counts_for(campaign, ConversationRow.owner_id),
        )
    )


def _ratings(campaign: CampaignRow) -> Select[int, int]:
    return (
        select(_count(RatingRow.verdict == Verdict.UP), _count(RatingRow.verdict == Verdict.DOWN))
        .join(AnswerSnapshotRow, AnswerSnapshotRow.id == RatingRow.evidence_id)
        .where(
            AnswerSnapshotRow.campaign_id == campaign.id,
            as_it_is_now(),
            *counts_for(campaign, AnswerSnapshotRow.owner_id),
        )
    )


def _comparisons(campaign: CampaignRow) -> Select[int, int, int, int]:
    """All, those with a vote, those that were skipped, and those that wait for a decision."""
    voted, skipped = ComparisonRow.choice.is_not(None), ComparisonRow.skip_reason != ""
    waits = ~voted & ~skipped & is_complete(campaign)
    return select(func.count(), _count(voted), _count(skipped), _count(waits)).where(
        ComparisonRow.campaign_id == campaign.id, *counts_for(campaign, ComparisonRow.user_id)
    )


def is_complete(campaign: CampaignRow) -> ColumnElement[bool]:
    """Of comparisons, whether both answers are complete."""
    return and_(
        *(
            type_coerce(side, JSON)["message_id"].as_string().in_(_complete_answers(campaign))
            for side in (ComparisonRow.left, ComparisonRow.right)
        )
    )


def _complete_answers(campaign: CampaignRow) -> Select[str]:
    return (
        select(MessageRow.id)
        .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
        .where(ConversationRow.campaign_id == campaign.id, MessageRow.status == Status.DONE)
    )


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)
