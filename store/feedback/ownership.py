"""Whose ratings, campaigns, votes and cases they are: given away, or destroyed with their owner."""

from datetime import datetime

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from store.feedback.ratings import index_words
from store.feedback.tables import (
    CampaignRow,
    CaseRow,
    DuelRow,
    EvidenceRow,
    ParticipantRow,
    RatingRow,
    ResultRow,
    ReviewRow,
    RunRow,
)
from store.people.rows import count_of

OWNERS = (
    CampaignRow.owner,
    ParticipantRow.user_id,
    EvidenceRow.owner,
    RatingRow.rater,
    ReviewRow.reviewer,
    ReviewRow.assignee,
    DuelRow.user_id,
    CaseRow.owner,
    RunRow.owner,
    ResultRow.judged_by,
)
"""Every column that names somebody."""


def take_over_feedback(session: Session, before: str, after: str) -> None:
    """Give everything of one person to another, who has nothing yet."""
    for column in OWNERS:
        session.execute(update(column.class_).where(column == before).values({column: after}))


def delete_feedback(session: Session, user_id: str) -> int:
    """Destroy what somebody made, said and took part in; how many rows.

    With their campaigns goes what others left there, with what was rated the cases made of it.
    What they reviewed and judged of others stays.
    """
    campaigns = select(CampaignRow.id).where(CampaignRow.owner == user_id)
    asked = select(EvidenceRow.id).where(EvidenceRow.owner == user_id)
    rated = select(EvidenceRow.id).where(
        or_(EvidenceRow.owner == user_id, EvidenceRow.campaign_id.in_(campaigns))
    )
    cases = select(CaseRow.id).where(or_(CaseRow.owner == user_id, CaseRow.evidence_id.in_(asked)))
    runs = select(RunRow.id).where(RunRow.owner == user_id)
    of_others = session.scalars(
        select(EvidenceRow)
        .join(RatingRow, RatingRow.evidence_id == EvidenceRow.id)
        .where(RatingRow.rater == user_id, EvidenceRow.id.not_in(rated))
    ).all()
    gone = sum(
        count_of(session, statement)
        for statement in (
            delete(ResultRow).where(or_(ResultRow.run_id.in_(runs), ResultRow.case_id.in_(cases))),
            delete(RunRow).where(RunRow.owner == user_id),
            delete(CaseRow).where(CaseRow.id.in_(cases)),
            delete(ReviewRow).where(ReviewRow.evidence_id.in_(rated)),
            delete(RatingRow).where(
                or_(RatingRow.rater == user_id, RatingRow.evidence_id.in_(rated))
            ),
            delete(EvidenceRow).where(EvidenceRow.id.in_(rated)),
            *(
                delete(table).where(or_(table.user_id == user_id, table.campaign_id.in_(campaigns)))
                for table in (DuelRow, ParticipantRow)
            ),
            delete(CampaignRow).where(CampaignRow.owner == user_id),
        )
    )
    for evidence in of_others:
        index_words(session, evidence)
    session.execute(update(ReviewRow).where(ReviewRow.assignee == user_id).values(assignee=""))
    return gone


def delete_old_feedback(session: Session, before: datetime) -> int:
    """Destroy what was rated, asked of two variants, and taken part in before; how many."""
    seen = func.coalesce(ParticipantRow.seen_at, ParticipantRow.joined_at)
    old = select(EvidenceRow.id).where(EvidenceRow.rated_at < before)
    for table in (ReviewRow, RatingRow):
        session.execute(delete(table).where(table.evidence_id.in_(old)))
    return sum(
        count_of(session, statement)
        for statement in (
            delete(EvidenceRow).where(EvidenceRow.rated_at < before),
            delete(DuelRow).where(DuelRow.asked_at < before),
            delete(ParticipantRow).where(seen < before),
        )
    )
