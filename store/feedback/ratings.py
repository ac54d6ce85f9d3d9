"""Answer snapshots and the versions of their ratings."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from chat.accounts.models import LOCAL_USER
from chat.campaigns.models import Mode
from chat.feedback.models import AnswerSnapshot, Rating, RatingInput
from chat.feedback.ratings import Placement
from store.accounts.rows import REFRESH, user_row
from store.schema.campaigns import CampaignRow, ComparisonRow, ParticipantRow
from store.schema.feedback import AnswerSnapshotRow, RatingRow
from store.search_words import haystack


def rate(
    session: Session,
    snapshot: AnswerSnapshot,
    user_id: str,
    opinion: RatingInput,
    rated_at: datetime,
) -> Rating:
    """Raises NotFound."""
    if user_id != LOCAL_USER:  # locked: a concurrent deletion must not leave rows behind
        user_row(session, user_id, for_update=True)
    stored = _stored(session, snapshot.owner_id, snapshot.answer_id) or _add_snapshot(
        session, snapshot, rated_at
    )
    before = session.scalar(
        select(RatingRow).where(
            RatingRow.evidence_id == stored.id,
            RatingRow.user_id == user_id,
            RatingRow.newest.is_(True),
        )
    )
    if before is not None and before.value().opinion == opinion:
        return before.value()
    if before is not None:
        before.newest = False
    row = RatingRow(
        evidence_id=stored.id,
        user_id=user_id,
        version=before.version + 1 if before else 1,
        newest=True,
        verdict=opinion.verdict,
        reasons="\n".join(("", *opinion.reasons, "")),
        comment=opinion.comment,
        correction=opinion.correction,
        rated_at=rated_at,
    )
    session.add(row)
    stored.rated_at = max(stored.rated_at, rated_at)
    index_words(session, stored)
    return row.value()


def evidence_of(session: Session, owner_id: str, answer_id: str) -> AnswerSnapshot | None:
    row = session.scalar(
        select(AnswerSnapshotRow).where(
            AnswerSnapshotRow.owner_id == owner_id, AnswerSnapshotRow.answer_id == answer_id
        )
    )
    return row.value() if row else None


def newest(session: Session, user_id: str, answer_ids: Collection[str]) -> Mapping[str, Rating]:
    # A subquery of its own: in a join SQLite would start from all ratings of the user.
    snapshot_ids = select(AnswerSnapshotRow.id).where(
        AnswerSnapshotRow.owner_id == user_id, AnswerSnapshotRow.answer_id.in_(answer_ids)
    )
    rows = session.execute(
        select(AnswerSnapshotRow.answer_id, RatingRow)
        .join(RatingRow, RatingRow.evidence_id == AnswerSnapshotRow.id)
        .where(
            RatingRow.evidence_id.in_(snapshot_ids),
            RatingRow.user_id == user_id,
            RatingRow.newest.is_(True),
        )
    )
    return {answer_id: row.value() for answer_id, row in rows}


def placement(
    session: Session, campaign_id: str, user_id: str, message_id: str
) -> Placement | None:
    campaign = session.get(CampaignRow, campaign_id)
    if campaign is None:
        return None
    return Placement(campaign.plan.reasons, _variant(session, campaign, user_id, message_id))


def index_words(session: Session, snapshot: AnswerSnapshotRow) -> None:
    """Update the searchable text of a snapshot with its newest comments and corrections."""
    ratings = session.scalars(
        select(RatingRow).where(RatingRow.evidence_id == snapshot.id, RatingRow.newest.is_(True))
    )
    texts = [snapshot.value().question, snapshot.answer]
    for row in ratings:
        texts += [row.comment, row.correction or ""]
    snapshot.words = haystack("\n".join(texts))


def _stored(session: Session, owner_id: str, answer_id: str) -> AnswerSnapshotRow | None:
    """Locked until the transaction ends, because version numbers must be consecutive."""
    return session.scalar(
        select(AnswerSnapshotRow)
        .where(AnswerSnapshotRow.owner_id == owner_id, AnswerSnapshotRow.answer_id == answer_id)
        .with_for_update()
        .execution_options(**REFRESH)
    )


def _add_snapshot(
    session: Session, snapshot: AnswerSnapshot, rated_at: datetime
) -> AnswerSnapshotRow:
    columns = {item.name: getattr(snapshot, item.name) for item in fields(snapshot)}
    campaign = session.get(CampaignRow, snapshot.campaign_id)  # it may have been deleted meanwhile
    preset = snapshot.provenance.preset if snapshot.provenance else None
    columns |= {
        "campaign_id": campaign.id if campaign else None,
        "model": snapshot.provenance.model if snapshot.provenance else "",
        "preset_id": preset.id if preset else "",
        "preset_version": preset.version if preset else None,
    }
    row = AnswerSnapshotRow(**columns, words="", rated_at=rated_at)
    session.add(row)
    session.flush()
    return row


def _variant(session: Session, campaign: CampaignRow, user_id: str, message_id: str) -> int | None:
    """The index of the variant that wrote the answer."""
    if campaign.plan.mode is Mode.SINGLE:
        return 0
    if campaign.plan.mode is Mode.SPLIT:
        participant = session.get(ParticipantRow, (campaign.id, user_id))
        return participant.variant if participant else None
    comparisons = session.scalars(
        select(ComparisonRow).where(
            ComparisonRow.campaign_id == campaign.id, ComparisonRow.user_id == user_id
        )
    )
    sides = (side for comparison in comparisons for side in (comparison.left, comparison.right))
    return next((side.variant for side in sides if side.message_id == message_id), None)
