"""Accounts: made, changed, and destroyed with everything that is theirs."""

from collections.abc import Sequence

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from chat.accounts.errors import NameTaken
from chat.accounts.models import Entry, Person, Rank, name_key
from store.accounts.guest_links import revoke_links
from store.accounts.rows import person_of, refuse_last_admin, write_entry
from store.schema.accounts import (
    GuestLinkRow,
    KeyRow,
    PassRow,
    PersonRow,
    SessionRow,
)


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
