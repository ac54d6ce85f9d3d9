"""Campaigns and their participants."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from chat.accounts.models import LOCAL_USER, AuditEntry, GuestLink
from chat.campaigns.errors import ConsentNeeded, PlanInUse
from chat.campaigns.models import Campaign, Mode, Participant, Plan, SurveyAnswers
from chat.campaigns.validation import consent_digest, fixed_change
from chat.errors import NotFound
from store.accounts.rows import REFRESH, add_audit_entry, owned_by
from store.campaigns.progress import counts_for
from store.schema.accounts import GuestLinkRow
from store.schema.campaigns import CampaignRow, ParticipantRow
from store.schema.conversations import ConversationRow

DestroyPart = Callable[[Session, str, str], int]
"""Deletes what one user left in a campaign: (session, campaign id, user id) -> row count."""


def row_of(session: Session, campaign_id: str, *, for_update: bool = False) -> CampaignRow:
    """Raises NotFound."""
    statement = select(CampaignRow).where(CampaignRow.id == campaign_id)
    if for_update:
        statement = statement.with_for_update().execution_options(**REFRESH)
    row = session.scalar(statement)
    if row is None:
        raise NotFound
    return row


def campaign_of(session: Session, campaign_id: str) -> Campaign:
    """Raises NotFound."""
    return row_of(session, campaign_id).value()


def add(session: Session, campaign: Campaign, audit_entry: AuditEntry) -> None:
    session.add(
        CampaignRow(
            id=campaign.id,
            owner_id=campaign.owner_id,
            plan=campaign.plan,
            plan_version=campaign.plan_version,
            created_at=campaign.created_at,
            closed_at=campaign.closed_at,
            is_draft=campaign.is_draft,
        )
    )
    add_audit_entry(session, audit_entry)


def campaigns(session: Session, owner_id: str | None) -> Sequence[Campaign]:
    statement = select(CampaignRow).where(owned_by(CampaignRow.owner_id, owner_id))
    newest_first = statement.order_by(CampaignRow.created_at.desc(), CampaignRow.id)
    return [row.value() for row in session.scalars(newest_first)]


def change_plan(
    session: Session,
    campaign_id: str,
    plan: Plan,
    audit_entry: AuditEntry,
    destroy_part: DestroyPart,
) -> Campaign:
    """Raises NotFound, PlanInUse."""
    row = row_of(session, campaign_id, for_update=True)
    if row.plan == plan and not row.is_draft:
        return row.value()
    if changed := fixed_change(row.plan, plan):
        _free_for_change(session, row, changed, destroy_part)
    row.plan = plan
    row.plan_version += 0 if row.is_draft else 1
    row.is_draft = False
    add_audit_entry(session, audit_entry)
    return row.value()


def save_draft(session: Session, campaign_id: str, plan: Plan) -> Campaign:
    """Raises NotFound."""
    row = row_of(session, campaign_id, for_update=True)
    if not row.is_draft:
        raise NotFound
    row.plan = plan
    return row.value()


def close(
    session: Session, campaign_id: str, closed_at: datetime | None, audit_entry: AuditEntry
) -> Campaign:
    """A closed campaign keeps its first closing time. Raises NotFound."""
    row = row_of(session, campaign_id, for_update=True)
    if (row.closed_at is None) != (closed_at is None):
        row.closed_at = closed_at
        add_audit_entry(session, audit_entry)
    return row.value()


def links(session: Session, campaign_id: str) -> Sequence[GuestLink]:
    rows = session.scalars(
        select(GuestLinkRow)
        .where(GuestLinkRow.campaign_id == campaign_id)
        .order_by(GuestLinkRow.created_at.desc(), GuestLinkRow.id)
    )
    return [row.value() for row in rows]


def participant(session: Session, campaign_id: str, user_id: str) -> Participant | None:
    row = session.get(ParticipantRow, (campaign_id, user_id))
    return row.value() if row else None


def join(session: Session, campaign_id: str, user_id: str, at: datetime) -> Participant:
    """Raises NotFound."""
    row_of(session, campaign_id)
    return _joined(session, campaign_id, user_id, at).value()


def agree(  # noqa: PLR0913 - the port's arguments and the session
    session: Session,
    campaign_id: str,
    user_id: str,
    *,
    digest: str,
    at: datetime,
    page_language: str,
    choose: Callable[[Sequence[int]], int],
) -> Participant:
    """Raises NotFound, ConsentNeeded."""
    campaign = row_of(
        session, campaign_id, for_update=True
    )  # locked, so that concurrent draws see each other
    row = _joined(session, campaign_id, user_id, at)
    if row.consented_at is not None:
        return row.value()
    if digest != consent_digest(campaign.plan):
        raise ConsentNeeded
    if campaign.plan.mode is Mode.SPLIT:
        row.variant = choose(_least_taken(session, campaign))
    row.consented_at, row.consent_sha256 = at, digest
    row.seen_at, row.page_language = at, page_language
    return row.value()


def seen(session: Session, campaign_id: str, user_id: str, at: datetime) -> None:
    if row := session.get(ParticipantRow, (campaign_id, user_id)):
        row.seen_at = at


def tick(
    session: Session, campaign_id: str, user_id: str, task_id: str, *, done: bool, at: datetime
) -> Participant:
    """Raises NotFound."""
    row = _participant_row(session, campaign_id, user_id)
    others = tuple(other for other in row.done if other != task_id)
    row.done = (*others, task_id) if done else others
    row.seen_at = at
    return row.value()


def keep_survey(
    session: Session,
    campaign_id: str,
    user_id: str,
    answers: SurveyAnswers,
    *,
    at: datetime,
    send: bool,
) -> Participant:
    """Raises NotFound."""
    row = _participant_row(session, campaign_id, user_id)
    row.survey = {**row.survey, **answers}
    row.seen_at = at
    if send:
        row.survey_sent_at = at
    return row.value()


def conversations(session: Session, campaign_id: str, user_id: str) -> Collection[str]:
    return session.scalars(
        select(ConversationRow.id).where(
            ConversationRow.campaign_id == campaign_id, ConversationRow.owner_id == user_id
        )
    ).all()


def withdraw(session: Session, campaign_id: str, user_id: str, destroy_part: DestroyPart) -> int:
    """Raises NotFound."""
    row_of(session, campaign_id, for_update=True)
    return destroy_part(session, campaign_id, user_id)


def _participant_row(session: Session, campaign_id: str, user_id: str) -> ParticipantRow:
    """Held until the transaction ends. Raises NotFound."""
    row = session.get(ParticipantRow, (campaign_id, user_id), with_for_update=True)
    if row is None:
        raise NotFound
    return row


def _joined(session: Session, campaign_id: str, user_id: str, at: datetime) -> ParticipantRow:
    row = session.get(ParticipantRow, (campaign_id, user_id))
    if row is None:
        row = ParticipantRow(campaign_id=campaign_id, user_id=user_id, joined_at=at)
        session.add(row)
        session.flush()  # loads the column defaults
    return row


def _least_taken(session: Session, campaign: CampaignRow) -> Sequence[int]:
    """The indexes of the variants with the fewest testers."""
    testers = dict(
        session.execute(
            select(ParticipantRow.variant, func.count())
            .where(
                ParticipantRow.campaign_id == campaign.id,
                ParticipantRow.variant.is_not(None),
                *counts_for(campaign, ParticipantRow.user_id),
            )
            .group_by(ParticipantRow.variant)
        ).all()
    )
    counts = [testers.get(index, 0) for index in range(len(campaign.plan.variants))]
    return [index for index, count in enumerate(counts) if count == min(counts)]


def _free_for_change(
    session: Session, campaign: CampaignRow, field: str, destroy_part: DestroyPart
) -> None:
    """Destroy what the owner has tried. Raises PlanInUse when others have agreed."""
    agreed = session.scalars(
        select(ParticipantRow.user_id).where(
            ParticipantRow.campaign_id == campaign.id, ParticipantRow.consented_at.is_not(None)
        )
    ).all()
    if set(agreed) - ({campaign.owner_id} - {LOCAL_USER}):
        raise PlanInUse(field=field)
    if agreed:
        destroy_part(session, campaign.id, campaign.owner_id)
