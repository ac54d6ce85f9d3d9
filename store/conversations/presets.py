"""Presets and their versions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from chat.conversations.models import Preset, PresetText
from chat.errors import NotFound
from store.conversations.rows import row_count
from store.schema.conversations import PresetRow, PresetVersionRow

SHIPPED = ""
"""Owner id of the presets that ship with the app."""


def presets(session: Session, user_id: str) -> Sequence[Preset]:
    """Shipped presets first, then the user's own, then shared ones."""
    rows = session.execute(
        select(PresetRow, PresetVersionRow)
        .join(PresetVersionRow, PresetVersionRow.preset_id == PresetRow.id)
        .where(
            PresetVersionRow.version == PresetRow.newest,
            PresetRow.deleted_at.is_(None),
            _visible(user_id),
        )
        .order_by(PresetRow.owner_id != SHIPPED, PresetRow.owner_id != user_id, PresetRow.sequence)
    )
    return [version.value(row) for row, version in rows]


def preset(session: Session, user_id: str, preset_id: str, version: int | None = None) -> Preset:
    """Raises NotFound."""
    result = session.execute(
        select(PresetRow, PresetVersionRow)
        .join(PresetVersionRow, PresetVersionRow.preset_id == PresetRow.id)
        .where(
            PresetRow.id == preset_id,
            PresetVersionRow.version
            == (PresetRow.newest if version is None else row_count(version)),
            _visible(user_id),
        )
    ).one_or_none()
    if result is None:
        raise NotFound
    row, text = result
    return text.value(row)


def add_preset(session: Session, now: datetime, user_id: str, text: PresetText) -> Preset:
    return _add(session, uuid4().hex, user_id, text, now)


def revise_preset(
    session: Session, now: datetime, user_id: str, preset_id: str, text: PresetText
) -> Preset:
    """Raises NotFound."""
    return _revise(session, _mine(session, user_id, preset_id), text, now)


def share_preset(session: Session, user_id: str, preset_id: str, shared: bool) -> None:
    """Raises NotFound."""
    _mine(session, user_id, preset_id).shared = shared


def delete_preset(session: Session, now: datetime, user_id: str, preset_id: str) -> None:
    """Raises NotFound."""
    _mine(session, user_id, preset_id).deleted_at = now


def ship_presets(session: Session, now: datetime, shipped: Mapping[str, PresetText]) -> None:
    session.execute(
        update(PresetRow)
        .where(
            PresetRow.owner_id == SHIPPED,
            PresetRow.deleted_at.is_(None),
            PresetRow.id.not_in(shipped.keys()),
        )
        .values(deleted_at=now)
    )
    for preset_id, text in shipped.items():
        row = session.scalar(
            select(PresetRow).where(PresetRow.id == preset_id, PresetRow.owner_id == SHIPPED)
        )
        if row is None:
            _add(session, preset_id, SHIPPED, text, now)
        else:
            row.deleted_at = None
            _revise(session, row, text, now)


def _visible(user_id: str) -> ColumnElement[bool]:
    return or_(PresetRow.shared, PresetRow.owner_id == user_id)


def _mine(session: Session, user_id: str, preset_id: str) -> PresetRow:
    row = session.scalar(
        select(PresetRow)
        .where(
            PresetRow.id == preset_id, PresetRow.owner_id == user_id, PresetRow.deleted_at.is_(None)
        )
        .with_for_update()
    )
    if row is None:
        raise NotFound
    return row


def _add(
    session: Session, preset_id: str, owner_id: str, text: PresetText, now: datetime
) -> Preset:
    row = PresetRow(id=preset_id, owner_id=owner_id, shared=owner_id == SHIPPED, newest=0)
    session.add(row)
    session.flush()
    return _add_version(session, row, text, now)


def _revise(session: Session, row: PresetRow, text: PresetText, now: datetime) -> Preset:
    newest = session.get_one(PresetVersionRow, (row.id, row.newest))
    return newest.value(row) if newest.text == text else _add_version(session, row, text, now)


def _add_version(session: Session, row: PresetRow, text: PresetText, now: datetime) -> Preset:
    row.newest += 1
    version = PresetVersionRow(preset_id=row.id, version=row.newest, text=text, created_at=now)
    session.add(version)
    session.flush()
    return version.value(row)
