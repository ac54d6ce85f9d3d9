"""Accounts: made, changed, and destroyed with everything that is theirs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from chat.errors import NameTaken
from chat.people import Entry, Person, Rank, name_key
from store.feedback.ownership import delete_feedback, delete_old_feedback, take_over_feedback
from store.people.keys import delete_keys
from store.people.links import end_guests_of, revoke_links
from store.people.rows import count_of, person_of, refuse_last_admin, write_entry
from store.people.tables import (
    GuestLinkRow,
    KeyRow,
    PassRow,
    PersonRow,
    SessionRow,
    SpendingRow,
)
from store.queries.conversations import destroy
from store.queries.rows import index_for
from store.tables import ConversationRow, MessageRow, PresetRow, PresetVersionRow


def has_people(session: Session) -> bool:
    return bool(session.scalar(select(exists(select(PersonRow.id)))))


def add_person(session: Session, person: Person, password_hash: str | None, entry: Entry) -> None:
    """Raises NameTaken."""
    key = None if person.rank is Rank.GUEST else name_key(person.name)
    if key is not None and session.scalar(select(PersonRow.id).where(PersonRow.name_key == key)):
        raise NameTaken
    session.add(
        PersonRow(
            id=person.id,
            name=person.name,
            name_key=key,
            rank=person.rank,
            created_at=person.created_at,
            disabled=person.disabled,
            guest_link_id=person.guest_link_id,
            password_hash=password_hash,
        )
    )
    write_entry(session, entry)


def person(session: Session, user_id: str) -> Person:
    """Raises NotFound."""
    return person_of(session, user_id).value()


def people(session: Session) -> Sequence[Person]:
    rows = session.scalars(select(PersonRow).order_by(PersonRow.created_at, PersonRow.id))
    return [row.value() for row in rows]


def credentials(session: Session, name: str) -> tuple[Person, str | None] | None:
    row = session.scalar(select(PersonRow).where(PersonRow.name_key == name_key(name)))
    return None if row is None else (row.value(), row.password_hash)


def set_password(
    session: Session, user_id: str, password_hash: str, entry: Entry, keep: str | None = None
) -> None:
    """Raises NotFound."""
    person_of(session, user_id, for_update=True).password_hash = password_hash
    session.execute(
        delete(SessionRow).where(
            SessionRow.user_id == user_id, SessionRow.id.is_distinct_from(keep)
        )
    )
    session.execute(delete(PassRow).where(PassRow.user_id == user_id))
    write_entry(session, entry)


def change_person(
    session: Session, user_id: str, entry: Entry, rank: Rank | None, disabled: bool | None
) -> Person:
    """Raises NotFound, LastAdmin."""
    if disabled or rank not in (None, Rank.ADMIN):
        refuse_last_admin(session, user_id)
        session.execute(delete(PassRow).where(PassRow.made_by == user_id))
    if disabled:
        revoke_links(session, GuestLinkRow.owner == user_id)
        session.execute(update(KeyRow).where(KeyRow.owner == user_id).values(revoked=True))
        session.execute(delete(SessionRow).where(SessionRow.user_id == user_id))
    row = person_of(session, user_id, for_update=True)
    row.rank = row.rank if rank is None else rank
    row.disabled = row.disabled if disabled is None else disabled
    write_entry(session, entry)
    return row.value()


def delete_person(session: Session, user_id: str, entry: Entry) -> int:
    """Raises NotFound, LastAdmin."""
    refuse_last_admin(session, user_id)
    end_guests_of(session, user_id)
    person_of(session, user_id, for_update=True)
    gone = destroy_person(session, user_id)
    index_for(session).wipe(session)
    write_entry(session, replace(entry, detail=str(gone)))
    return gone


def destroy_person(session: Session, user_id: str) -> int:
    """The account with everything that is theirs; how many rows. Whether it may go is not asked."""
    gone = _delete_chats(session, user_id) + delete_keys(session, user_id)
    return gone + _delete_account(session, user_id) + delete_feedback(session, user_id)


def delete_older(session: Session, before: datetime) -> int:
    conversations, _ = destroy(session, ConversationRow.updated_at < before)
    if conversations:
        index_for(session).wipe(session)
    return conversations + delete_old_feedback(session, before)


def take_over(session: Session, before: str, after: str) -> None:
    """Give everything of one owner to another, who has nothing yet."""
    for table in (ConversationRow, MessageRow, PresetRow, GuestLinkRow):
        session.execute(update(table).where(table.owner == before).values(owner=after))
    take_over_feedback(session, before, after)


def _delete_chats(session: Session, user_id: str) -> int:
    mine = select(PresetRow.id).where(PresetRow.owner == user_id)
    versions = session.scalar(
        select(func.count())
        .select_from(PresetVersionRow)
        .where(PresetVersionRow.preset_id.in_(mine))
    )
    presets = count_of(session, delete(PresetRow).where(PresetRow.owner == user_id))
    conversations, messages = destroy(session, ConversationRow.owner == user_id)
    return conversations + messages + presets + (versions or 0)


def _delete_account(session: Session, user_id: str) -> int:
    """Table by table, so that each row is counted: none is left to a cascade."""
    return sum(
        count_of(session, statement)
        for statement in (
            delete(GuestLinkRow).where(GuestLinkRow.owner == user_id),
            delete(PassRow).where((PassRow.user_id == user_id) | (PassRow.made_by == user_id)),
            delete(SessionRow).where(SessionRow.user_id == user_id),
            delete(SpendingRow).where(SpendingRow.user_id == user_id),
            delete(PersonRow).where(PersonRow.id == user_id),
        )
    )
