"""What testers left in a campaign, destroyed: one tester's, everybody's, the campaign with it.

Table by table, so that each row is counted: none is left to a cascade.
"""

from dataclasses import replace

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from chat.errors import NotFound
from chat.people import Entry
from store.feedback.tables import (
    CampaignRow,
    CaseRow,
    DuelRow,
    EvidenceRow,
    ParticipantRow,
    RatingRow,
    ResultRow,
    ReviewRow,
)
from store.people.accounts import destroy_person
from store.people.rows import count_of, write_entry
from store.people.tables import GuestLinkRow, PersonRow
from store.queries.conversations import destroy
from store.queries.rows import index_for
from store.tables import ConversationRow


def destroy_part(session: Session, campaign_id: str, user_id: str) -> int:
    """Destroy what one person left in a campaign; how many rows."""
    gone = _destroy_rated(
        session, (EvidenceRow.campaign_id == campaign_id) & (EvidenceRow.owner == user_id)
    )
    for table in (DuelRow, ParticipantRow):
        theirs = (table.campaign_id == campaign_id) & (table.user_id == user_id)
        gone += count_of(session, delete(table).where(theirs))
    chats = (ConversationRow.campaign_id == campaign_id) & (ConversationRow.owner == user_id)
    return gone + _destroy_chats(session, chats)


def destroy_left(session: Session, campaign_id: str, entry: Entry) -> int:
    """Destroy the guests of a campaign and what everybody left there; how many rows."""
    gone = _destroy_left(session, campaign_id)
    if gone:
        write_entry(session, replace(entry, detail=str(gone)))
    return gone


def destroy_campaign(session: Session, campaign_id: str, entry: Entry) -> int:
    """Destroy a campaign with its links and with all that was left there. Raises NotFound."""
    gone = _destroy_left(session, campaign_id)
    gone += count_of(session, delete(GuestLinkRow).where(GuestLinkRow.campaign_id == campaign_id))
    if not count_of(session, delete(CampaignRow).where(CampaignRow.id == campaign_id)):
        raise NotFound
    write_entry(session, replace(entry, detail=str(gone + 1)))
    return gone + 1


def _destroy_left(session: Session, campaign_id: str) -> int:
    guests = session.scalars(
        select(PersonRow.id)
        .join(GuestLinkRow, GuestLinkRow.id == PersonRow.guest_link_id)
        .where(GuestLinkRow.campaign_id == campaign_id)
    ).all()
    gone = sum(destroy_person(session, guest) for guest in guests)
    gone += _destroy_rated(session, EvidenceRow.campaign_id == campaign_id)
    for table in (DuelRow, ParticipantRow):
        gone += count_of(session, delete(table).where(table.campaign_id == campaign_id))
    return gone + _destroy_chats(session, ConversationRow.campaign_id == campaign_id)


def _destroy_rated(session: Session, which: ColumnElement[bool]) -> int:
    """Rated answers, with what was said of them and with the cases that were made of them."""
    rated = select(EvidenceRow.id).where(which)
    cases = select(CaseRow.id).where(CaseRow.evidence_id.in_(rated))
    return sum(
        count_of(session, statement)
        for statement in (
            delete(ResultRow).where(ResultRow.case_id.in_(cases)),
            delete(CaseRow).where(CaseRow.evidence_id.in_(rated)),
            delete(ReviewRow).where(ReviewRow.evidence_id.in_(rated)),
            delete(RatingRow).where(RatingRow.evidence_id.in_(rated)),
            delete(EvidenceRow).where(which),
        )
    )


def _destroy_chats(session: Session, which: ColumnElement[bool]) -> int:
    gone = sum(destroy(session, which))
    index_for(session).wipe(session)
    return gone
