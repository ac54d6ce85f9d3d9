"""Deletes rows, or hands them to another owner, across all rooms in one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Delete, delete, func, or_, select, update
from sqlalchemy.orm import Session

from chat.accounts.models import AuditEntry
from chat.errors import NotFound
from store.accounts.api_keys import delete_keys
from store.accounts.guest_links import end_guests_of
from store.accounts.rows import add_audit_entry, count_of, refuse_last_admin, user_row
from store.conversations.conversations import destroy
from store.conversations.rows import index_for
from store.feedback.ratings import index_words
from store.schema.accounts import (
    GuestLinkRow,
    OneTimeLinkRow,
    SessionRow,
    UsageRow,
    UserRow,
)
from store.schema.campaigns import CampaignRow, ComparisonRow, ParticipantRow
from store.schema.conversations import ConversationRow, MessageRow, PresetRow, PresetVersionRow
from store.schema.evaluation import CaseRow, ResultRow, RunRow
from store.schema.feedback import AnswerSnapshotRow, RatingRow, ReviewRow
from store.schema.shares import SharedLinkRow

OWNERS = (
    CampaignRow.owner_id,
    ParticipantRow.user_id,
    AnswerSnapshotRow.owner_id,
    RatingRow.user_id,
    ReviewRow.reviewer,
    ReviewRow.assignee,
    ComparisonRow.user_id,
    CaseRow.owner_id,
    RunRow.owner_id,
    ResultRow.judged_by,
)
"""Every column of feedback and evaluation that holds a user id."""


def take_over_feedback(session: Session, before: str, after: str) -> None:
    """Change the owner of all feedback rows. The new owner must have none yet."""
    for column in OWNERS:
        session.execute(update(column.class_).where(column == before).values({column: after}))


def delete_feedback(session: Session, user_id: str) -> int:
    """Destroy a user's content, ratings and participation; return the number of rows.

    With their campaigns goes what others left there, with their rated answers the cases made of
    them. What they reviewed and judged of others stays.
    """
    campaigns = select(CampaignRow.id).where(CampaignRow.owner_id == user_id)
    snapshots = select(AnswerSnapshotRow.id).where(
        or_(AnswerSnapshotRow.owner_id == user_id, AnswerSnapshotRow.campaign_id.in_(campaigns))
    )
    of_others = session.scalars(
        select(AnswerSnapshotRow)
        .join(RatingRow, RatingRow.evidence_id == AnswerSnapshotRow.id)
        .where(RatingRow.user_id == user_id, AnswerSnapshotRow.id.not_in(snapshots))
    ).all()
    statements = (
        *_of_cases(user_id),
        delete(ReviewRow).where(ReviewRow.evidence_id.in_(snapshots)),
        delete(RatingRow).where(
            or_(RatingRow.user_id == user_id, RatingRow.evidence_id.in_(snapshots))
        ),
        delete(AnswerSnapshotRow).where(AnswerSnapshotRow.id.in_(snapshots)),
        *(
            delete(table).where(or_(table.user_id == user_id, table.campaign_id.in_(campaigns)))
            for table in (ComparisonRow, ParticipantRow)
        ),
        delete(CampaignRow).where(CampaignRow.owner_id == user_id),
    )
    deleted = sum(count_of(session, statement) for statement in statements)
    for snapshot in of_others:
        index_words(session, snapshot)
    session.execute(update(ReviewRow).where(ReviewRow.assignee == user_id).values(assignee=""))
    return deleted


def _of_cases(user_id: str) -> Sequence[Delete]:
    """Statements that delete a user's cases and runs, and the cases made of their answers."""
    snapshots = select(AnswerSnapshotRow.id).where(AnswerSnapshotRow.owner_id == user_id)
    cases = select(CaseRow.id).where(
        or_(CaseRow.owner_id == user_id, CaseRow.evidence_id.in_(snapshots))
    )
    runs = select(RunRow.id).where(RunRow.owner_id == user_id)
    return (
        delete(ResultRow).where(or_(ResultRow.run_id.in_(runs), ResultRow.case_id.in_(cases))),
        delete(RunRow).where(RunRow.owner_id == user_id),
        delete(CaseRow).where(CaseRow.id.in_(cases)),
    )


def delete_old_feedback(session: Session, before: datetime) -> int:
    """Delete ratings, comparisons and participations older than `before`; return the row count."""
    seen = func.coalesce(ParticipantRow.seen_at, ParticipantRow.joined_at)
    old = select(AnswerSnapshotRow.id).where(AnswerSnapshotRow.rated_at < before)
    for table in (ReviewRow, RatingRow):
        session.execute(delete(table).where(table.evidence_id.in_(old)))
    return sum(
        count_of(session, statement)
        for statement in (
            delete(AnswerSnapshotRow).where(AnswerSnapshotRow.rated_at < before),
            delete(ComparisonRow).where(ComparisonRow.asked_at < before),
            delete(ParticipantRow).where(seen < before),
        )
    )


def delete_user(session: Session, user_id: str, audit_entry: AuditEntry) -> int:
    """Raises NotFound, LastAdmin."""
    refuse_last_admin(session, user_id)
    end_guests_of(session, user_id)
    user_row(session, user_id, for_update=True)
    deleted = destroy_user(session, user_id)
    index_for(session).wipe(session)
    add_audit_entry(session, replace(audit_entry, detail=str(deleted)))
    return deleted


def destroy_user(session: Session, user_id: str) -> int:
    """Delete an account with all its rows; return the row count. Permissions are not checked."""
    deleted = _delete_chats(session, user_id) + delete_keys(session, user_id)
    return deleted + _delete_account(session, user_id) + delete_feedback(session, user_id)


def delete_older(session: Session, before: datetime) -> int:
    conversations, _ = destroy(session, ConversationRow.updated_at < before)
    if conversations:
        index_for(session).wipe(session)
    return conversations + delete_old_feedback(session, before)


def take_over(session: Session, before: str, after: str) -> None:
    """Change the owner of all rows. The new owner must have none yet."""
    for table in (ConversationRow, MessageRow, PresetRow, SharedLinkRow, GuestLinkRow):
        session.execute(update(table).where(table.owner_id == before).values(owner_id=after))
    take_over_feedback(session, before, after)


def _delete_chats(session: Session, user_id: str) -> int:
    preset_ids = select(PresetRow.id).where(PresetRow.owner_id == user_id)
    versions = session.scalar(
        select(func.count())
        .select_from(PresetVersionRow)
        .where(PresetVersionRow.preset_id.in_(preset_ids))
    )
    presets = count_of(session, delete(PresetRow).where(PresetRow.owner_id == user_id))
    shares = count_of(session, delete(SharedLinkRow).where(SharedLinkRow.owner_id == user_id))
    conversations, messages = destroy(session, ConversationRow.owner_id == user_id)
    return conversations + messages + shares + presets + (versions or 0)


def _delete_account(session: Session, user_id: str) -> int:
    """Deletes table by table instead of by cascade, so that every row is counted."""
    return sum(
        count_of(session, statement)
        for statement in (
            delete(GuestLinkRow).where(GuestLinkRow.owner_id == user_id),
            delete(OneTimeLinkRow).where(
                (OneTimeLinkRow.user_id == user_id) | (OneTimeLinkRow.made_by == user_id)
            ),
            delete(SessionRow).where(SessionRow.user_id == user_id),
            delete(UsageRow).where(UsageRow.user_id == user_id),
            delete(UserRow).where(UserRow.id == user_id),
        )
    )


def destroy_part(session: Session, campaign_id: str, user_id: str) -> int:
    """Delete what one user left in a campaign; return the row count."""
    deleted = _destroy_rated(
        session,
        (AnswerSnapshotRow.campaign_id == campaign_id) & (AnswerSnapshotRow.owner_id == user_id),
    )
    for table in (ComparisonRow, ParticipantRow):
        condition = (table.campaign_id == campaign_id) & (table.user_id == user_id)
        deleted += count_of(session, delete(table).where(condition))
    chats = (ConversationRow.campaign_id == campaign_id) & (ConversationRow.owner_id == user_id)
    return deleted + _destroy_chats(session, chats)


def destroy_left(session: Session, campaign_id: str, audit_entry: AuditEntry) -> int:
    """Delete the guests of a campaign and all data in it; return the row count."""
    deleted = _destroy_left(session, campaign_id)
    if deleted:
        add_audit_entry(session, replace(audit_entry, detail=str(deleted)))
    return deleted


def destroy_campaign(session: Session, campaign_id: str, audit_entry: AuditEntry) -> int:
    """Delete a campaign with its links and all data in it. Raises NotFound."""
    deleted = _destroy_left(session, campaign_id)
    deleted += count_of(
        session, delete(GuestLinkRow).where(GuestLinkRow.campaign_id == campaign_id)
    )
    if not count_of(session, delete(CampaignRow).where(CampaignRow.id == campaign_id)):
        raise NotFound
    add_audit_entry(session, replace(audit_entry, detail=str(deleted + 1)))
    return deleted + 1


def _destroy_left(session: Session, campaign_id: str) -> int:
    guests = session.scalars(
        select(UserRow.id)
        .join(GuestLinkRow, GuestLinkRow.id == UserRow.guest_link_id)
        .where(GuestLinkRow.campaign_id == campaign_id)
    ).all()
    deleted = sum(destroy_user(session, guest) for guest in guests)
    deleted += _destroy_rated(session, AnswerSnapshotRow.campaign_id == campaign_id)
    for table in (ComparisonRow, ParticipantRow):
        deleted += count_of(session, delete(table).where(table.campaign_id == campaign_id))
    return deleted + _destroy_chats(session, ConversationRow.campaign_id == campaign_id)


def _destroy_rated(session: Session, condition: ColumnElement[bool]) -> int:
    """Delete rated answers with their ratings, reviews and cases; return the row count."""
    snapshots = select(AnswerSnapshotRow.id).where(condition)
    cases = select(CaseRow.id).where(CaseRow.evidence_id.in_(snapshots))
    return sum(
        count_of(session, statement)
        for statement in (
            delete(ResultRow).where(ResultRow.case_id.in_(cases)),
            delete(CaseRow).where(CaseRow.evidence_id.in_(snapshots)),
            delete(ReviewRow).where(ReviewRow.evidence_id.in_(snapshots)),
            delete(RatingRow).where(RatingRow.evidence_id.in_(snapshots)),
            delete(AnswerSnapshotRow).where(condition),
        )
    )


def _destroy_chats(session: Session, condition: ColumnElement[bool]) -> int:
    deleted = sum(destroy(session, condition))
    index_for(session).wipe(session)
    return deleted
