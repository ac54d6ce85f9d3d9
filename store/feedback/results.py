"""Rated answers by filter, and their reviews."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from chat.errors import NotFound
from chat.feedback.filter_models import Cursor
from chat.feedback.models import REASONS, RatedAnswer, Rating, Review, Verdict
from chat.feedback.result_models import (
    ExportChunk,
    FilterOptions,
    RatingCounts,
    RatingFilter,
    ReviewChange,
)
from store.accounts.rows import owned_by
from store.feedback.comparison_paths import days, own_campaigns
from store.schema.campaigns import CampaignRow
from store.schema.conversations import PresetRow, PresetVersionRow
from store.schema.feedback import AnswerSnapshotRow, RatingRow, ReviewRow
from store.search_words import words_of

SnapshotRows = Sequence[tuple[AnswerSnapshotRow, ReviewRow | None]]


def page(
    session: Session,
    seen_by: str | None,
    filters: RatingFilter,
    *,
    after: Cursor | None,
    limit: int,
) -> Sequence[RatedAnswer]:
    """Newest rating first."""
    newest_first = (AnswerSnapshotRow.rated_at.desc(), AnswerSnapshotRow.id.desc())
    chosen = _chosen(seen_by, filters).order_by(*newest_first).limit(limit)
    if after:
        here = tuple_(AnswerSnapshotRow.rated_at, AnswerSnapshotRow.id)
        chosen = chosen.where(here < (after.at, after.row_id))
    return _values(session, _rows(session, chosen, *newest_first))


def counts(
    session: Session,
    seen_by: str | None,
    filters: RatingFilter,
    *,
    among: Sequence[str] | None = None,
) -> RatingCounts:
    """Counts over the filter, or only over the given snapshot ids."""
    answers = func.count(AnswerSnapshotRow.id.distinct())
    statement = (
        select(
            answers,
            func.count().filter(RatingRow.verdict == Verdict.UP),
            func.count().filter(RatingRow.verdict == Verdict.DOWN),
            func.count().filter(RatingRow.correction.is_not(None)),
            answers.filter(ReviewRow.state.is_(None)),
        )
        .select_from(AnswerSnapshotRow)
        .outerjoin(ReviewRow, ReviewRow.evidence_id == AnswerSnapshotRow.id)
        .outerjoin(RatingRow, and_(RatingRow.evidence_id == AnswerSnapshotRow.id, RatingRow.newest))
        .where(*_conditions(seen_by, filters))
    )
    if among is not None:
        statement = statement.where(AnswerSnapshotRow.id.in_(among))
    return RatingCounts(*session.execute(statement).one())


def chunk(
    session: Session, seen_by: str | None, filters: RatingFilter, *, after: int, limit: int
) -> ExportChunk:
    chosen = (
        _chosen(seen_by, filters)
        .where(AnswerSnapshotRow.sequence > after)
        .order_by(AnswerSnapshotRow.sequence)
        .limit(limit)
    )
    rows = _rows(session, chosen, AnswerSnapshotRow.sequence.asc())
    more = rows[-1][0].sequence if len(rows) == limit else None
    return ExportChunk(tuple(_values(session, rows)), more)


def beside(
    session: Session, seen_by: str | None, filters: RatingFilter, conversation_ids: Sequence[str]
) -> Sequence[RatedAnswer]:
    in_them = AnswerSnapshotRow.conversation_id.in_(conversation_ids)
    chosen = _chosen(seen_by, filters).where(in_them)
    return _values(session, _rows(session, chosen, AnswerSnapshotRow.sequence.asc()))


def rated(session: Session, seen_by: str | None, evidence_id: str) -> RatedAnswer:
    """Raises NotFound."""
    chosen = _chosen(seen_by, RatingFilter()).where(AnswerSnapshotRow.id == evidence_id)
    answers = _values(session, _rows(session, chosen, AnswerSnapshotRow.sequence.asc()))
    if not answers:
        raise NotFound
    return answers[0]


def versions(session: Session, evidence_ids: Sequence[str]) -> Mapping[str, tuple[Rating, ...]]:
    """All versions of the ratings of each snapshot, oldest first."""
    return _ratings(session, RatingRow.evidence_id.in_(evidence_ids))


def choices(session: Session, seen_by: str | None) -> FilterOptions:
    own = select(CampaignRow).where(owned_by(CampaignRow.owner_id, seen_by))
    own = own.where(CampaignRow.is_draft.is_(False))
    own = own.order_by(CampaignRow.created_at)
    campaigns = session.scalars(own).all()
    presets, models, languages = _occurring(session, seen_by)
    own_reasons = (reason for campaign in campaigns for reason in campaign.plan.reasons)
    return FilterOptions(
        campaigns={campaign.id: campaign.plan.title for campaign in campaigns},
        presets=_preset_names(session, presets),
        reasons=tuple(dict.fromkeys((*REASONS, *own_reasons))),
        models=tuple(models),
        languages=tuple(languages),
    )


def review(
    session: Session,
    seen_by: str | None,
    evidence_id: str,
    change: ReviewChange,
    reviewer: str,
    reviewed_at: datetime,
) -> Review:
    """Raises NotFound."""
    rated(session, seen_by, evidence_id)
    row = session.get(ReviewRow, evidence_id, with_for_update=True)
    if row is None:
        row = ReviewRow(evidence_id=evidence_id, assignee="", note="")
        session.add(row)
    row.reviewer, row.reviewed_at = reviewer, reviewed_at
    if change.standing is not None:
        row.state = change.standing.state
    if change.assignee is not None:
        row.assignee = change.assignee
    if change.note is not None:
        row.note = change.note
    session.flush()
    return row.value()


# --- conditions -------------------------------------------------------------------------------


def visible(seen_by: str) -> ColumnElement[bool]:
    """Condition: the snapshot is in one of the user's campaigns or assigned to the user."""
    own = AnswerSnapshotRow.campaign_id.in_(own_campaigns(seen_by))
    return or_(own, ReviewRow.assignee == seen_by)


def _chosen(seen_by: str | None, filters: RatingFilter) -> Select[int]:
    """Selects sequence numbers only: rows are long, and an index covers the filter."""
    return (
        select(AnswerSnapshotRow.sequence)
        .outerjoin(ReviewRow, ReviewRow.evidence_id == AnswerSnapshotRow.id)
        .where(*_conditions(seen_by, filters))
    )


def _conditions(seen_by: str | None, filters: RatingFilter) -> Iterable[ColumnElement[bool]]:
    if seen_by is not None:
        yield visible(seen_by)
    for column, value in (
        (AnswerSnapshotRow.campaign_id, filters.campaign_id),
        (AnswerSnapshotRow.preset_id, filters.preset_id),
        (AnswerSnapshotRow.language, filters.language),
        (AnswerSnapshotRow.model, filters.model),
        (ReviewRow.assignee, filters.assignee),
    ):
        if value:
            yield column == value
    yield from days(AnswerSnapshotRow.rated_at, filters)
    if filters.standing:
        state = filters.standing.state
        yield ReviewRow.state.is_(None) if state is None else ReviewRow.state == state
    if of_rating := list(_of_one_rating(filters)):
        # A subquery that runs once: correlated, SQLite scanned all ratings for every answer.
        matching = select(RatingRow.evidence_id).where(RatingRow.newest, *of_rating)
        yield AnswerSnapshotRow.id.in_(matching)
    if filters.words.strip():
        yield _holding(filters.words)


def _of_one_rating(filters: RatingFilter) -> Iterable[ColumnElement[bool]]:
    if filters.verdict:
        yield RatingRow.verdict == filters.verdict
    if filters.reason:
        yield RatingRow.reasons.contains(f"\n{filters.reason}\n", autoescape=True)
    if filters.corrected:
        yield RatingRow.correction.is_not(None)


def _holding(words: str) -> ColumnElement[bool]:
    """Condition: all words occur. A query without letters and digits matches nothing."""
    needles = [word.needle for word in words_of(words)]
    if not needles:
        return AnswerSnapshotRow.sequence.is_(None)
    return and_(*(AnswerSnapshotRow.words.contains(needle) for needle in needles))


# --- values -----------------------------------------------------------------------------------


def _rows(session: Session, chosen: Select[int], *order: ColumnElement[Any]) -> SnapshotRows:
    rows = (
        select(AnswerSnapshotRow, ReviewRow)
        .outerjoin(ReviewRow, ReviewRow.evidence_id == AnswerSnapshotRow.id)
        .where(AnswerSnapshotRow.sequence.in_(chosen))
        .order_by(*order)
    )
    return [(snapshot, review) for snapshot, review in session.execute(rows)]


def _values(session: Session, rows: SnapshotRows) -> list[RatedAnswer]:
    ids = [snapshot.id for snapshot, _ in rows]
    ratings = _ratings(session, and_(RatingRow.evidence_id.in_(ids), RatingRow.newest))
    return [
        RatedAnswer(
            snapshot.value(), ratings.get(snapshot.id, ()), review.value() if review else None
        )
        for snapshot, review in rows
    ]


def _ratings(session: Session, condition: ColumnElement[bool]) -> Mapping[str, tuple[Rating, ...]]:
    rows = session.scalars(select(RatingRow).where(condition).order_by(RatingRow.sequence))
    ratings: dict[str, tuple[Rating, ...]] = {}
    for row in rows:
        ratings[row.evidence_id] = (*ratings.get(row.evidence_id, ()), row.value())
    return ratings


def _occurring(session: Session, seen_by: str | None) -> Sequence[Sequence[str]]:
    """The sorted presets, models and languages of the answers, without empty values."""
    columns = (AnswerSnapshotRow.preset_id, AnswerSnapshotRow.model, AnswerSnapshotRow.language)
    together = select(*columns).distinct()
    if seen_by is not None:
        together = together.outerjoin(ReviewRow, ReviewRow.evidence_id == AnswerSnapshotRow.id)
        together = together.where(visible(seen_by))
    values = zip(*session.execute(together), strict=True)
    return [sorted({*different} - {""}) for different in values] or [[], [], []]


def _preset_names(session: Session, ids: Sequence[str]) -> Mapping[str, str]:
    rows = session.scalars(
        select(PresetVersionRow)
        .join(PresetRow, PresetRow.id == PresetVersionRow.preset_id)
        .where(PresetRow.id.in_(ids), PresetVersionRow.version == PresetRow.newest)
    )
    names = {row.preset_id: row.text.name for row in rows}
    return {preset_id: names.get(preset_id, preset_id) for preset_id in ids}
