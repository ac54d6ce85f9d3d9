"""Rated answers by what is wanted of them, and their reviews."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from chat.errors import NotFound
from chat.feedback.models import REASONS, RatedAnswer, Rating, Review, Verdict
from chat.feedback.result_models import (
    Cursor,
    ExportChunk,
    FilterOptions,
    Path,
    RatingCounts,
    RatingFilter,
    ReviewChange,
    VotedComparison,
)
from store.feedback.comparison_paths import days, voted_comparisons, votes
from store.feedback.retries import tried_again
from store.schema.campaigns import CampaignRow
from store.schema.conversations import PresetRow, PresetVersionRow
from store.schema.feedback import AnswerSnapshotRow, RatingRow, ReviewRow
from store.search_words import words_of
from store.transactions import Transactions

Found = Sequence[tuple[AnswerSnapshotRow, ReviewRow | None]]


class DatabaseResults:
    """`chat.feedback.ports.ResultStore` over SQLAlchemy. Raises BadText, StoreFailed."""

    def __init__(self, database: Transactions) -> None:
        self._database = database

    async def page(
        self, seen_by: str | None, wanted: RatingFilter, *, after: Cursor | None, limit: int
    ) -> Sequence[RatedAnswer]:
        return await self._database.read(page, seen_by, wanted, after, limit)

    async def counts(
        self, seen_by: str | None, wanted: RatingFilter, *, among: Sequence[str] | None = None
    ) -> RatingCounts:
        return await self._database.read(counts, seen_by, wanted, among)

    async def choices(self, seen_by: str | None) -> FilterOptions:
        return await self._database.read(choices, seen_by)

    async def rated(self, seen_by: str | None, evidence_id: str) -> RatedAnswer:
        return await self._database.read(rated, seen_by, evidence_id)

    async def versions(self, evidence_ids: Sequence[str]) -> Mapping[str, tuple[Rating, ...]]:
        return await self._database.read(versions, evidence_ids)

    async def beside(
        self, seen_by: str | None, wanted: RatingFilter, conversation_ids: Sequence[str]
    ) -> Sequence[RatedAnswer]:
        return await self._database.read(beside, seen_by, wanted, conversation_ids)

    async def chunk(
        self, seen_by: str | None, wanted: RatingFilter, *, after: int, limit: int
    ) -> ExportChunk:
        return await self._database.read(chunk, seen_by, wanted, after, limit)

    async def tried_again(
        self, reader: str, answer_ids: Sequence[str]
    ) -> Mapping[str, tuple[Path, ...]]:
        return await self._database.read(tried_again, reader, answer_ids)

    async def voted_comparisons(
        self,
        seen_by: str | None,
        wanted: RatingFilter,
        *,
        after: VotedComparison | None,
        limit: int,
    ) -> Sequence[VotedComparison]:
        return await self._database.read(voted_comparisons, seen_by, wanted, after, limit)

    async def votes(self, seen_by: str | None, wanted: RatingFilter) -> int:
        return await self._database.read(votes, seen_by, wanted)

    async def review(
        self,
        seen_by: str | None,
        evidence_id: str,
        change: ReviewChange,
        reviewer: str,
        reviewed_at: datetime,
    ) -> Review:
        return await self._database.write(
            review, seen_by, evidence_id, change, reviewer, reviewed_at
        )


def page(
    session: Session, seen_by: str | None, wanted: RatingFilter, after: Cursor | None, limit: int
) -> Sequence[RatedAnswer]:
    """Newest rating first."""
    newest_first = (AnswerSnapshotRow.rated_at.desc(), AnswerSnapshotRow.id.desc())
    chosen = _chosen(seen_by, wanted).order_by(*newest_first).limit(limit)
    if after:
        here = tuple_(AnswerSnapshotRow.rated_at, AnswerSnapshotRow.id)
        chosen = chosen.where(here < (after.rated_at, after.snapshot_id))
    return _values(session, _rows(session, chosen, *newest_first))


def counts(
    session: Session, seen_by: str | None, wanted: RatingFilter, among: Sequence[str] | None
) -> RatingCounts:
    """Of all, or of those with these ids."""
    answers = func.count(AnswerSnapshotRow.id.distinct())
    found = (
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
        .where(*_conditions(seen_by, wanted))
    )
    if among is not None:
        found = found.where(AnswerSnapshotRow.id.in_(among))
    return RatingCounts(*session.execute(found).one())


def chunk(
    session: Session, seen_by: str | None, wanted: RatingFilter, after: int, limit: int
) -> ExportChunk:
    chosen = (
        _chosen(seen_by, wanted)
        .where(AnswerSnapshotRow.sequence > after)
        .order_by(AnswerSnapshotRow.sequence)
        .limit(limit)
    )
    found = _rows(session, chosen, AnswerSnapshotRow.sequence.asc())
    more = found[-1][0].sequence if len(found) == limit else None
    return ExportChunk(tuple(_values(session, found)), more)


def beside(
    session: Session, seen_by: str | None, wanted: RatingFilter, conversation_ids: Sequence[str]
) -> Sequence[RatedAnswer]:
    there = AnswerSnapshotRow.conversation_id.in_(conversation_ids)
    chosen = _chosen(seen_by, wanted).where(there)
    return _values(session, _rows(session, chosen, AnswerSnapshotRow.sequence.asc()))


def rated(session: Session, seen_by: str | None, evidence_id: str) -> RatedAnswer:
    """Raises NotFound."""
    chosen = _chosen(seen_by, RatingFilter()).where(AnswerSnapshotRow.id == evidence_id)
    found = _values(session, _rows(session, chosen, AnswerSnapshotRow.sequence.asc()))
    if not found:
        raise NotFound
    return found[0]


def versions(session: Session, evidence_ids: Sequence[str]) -> Mapping[str, tuple[Rating, ...]]:
    """Of each of these answers, oldest first."""
    return _ratings(session, RatingRow.evidence_id.in_(evidence_ids))


def choices(session: Session, seen_by: str | None) -> FilterOptions:
    own = select(CampaignRow).order_by(CampaignRow.created_at)
    if seen_by is not None:
        own = own.where(CampaignRow.owner_id == seen_by)
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
    """Of snapshot, with its review: what belongs to one's campaigns or is one's to review."""
    own = select(CampaignRow.id).where(CampaignRow.owner_id == seen_by)
    return or_(AnswerSnapshotRow.campaign_id.in_(own), ReviewRow.assignee == seen_by)


def _chosen(seen_by: str | None, wanted: RatingFilter) -> Select[int]:
    """The numbers of the rows alone: whole rows are long, and there is an index to choose by."""
    return (
        select(AnswerSnapshotRow.sequence)
        .outerjoin(ReviewRow, ReviewRow.evidence_id == AnswerSnapshotRow.id)
        .where(*_conditions(seen_by, wanted))
    )


def _conditions(seen_by: str | None, wanted: RatingFilter) -> Iterable[ColumnElement[bool]]:
    if seen_by is not None:
        yield visible(seen_by)
    for column, value in (
        (AnswerSnapshotRow.campaign_id, wanted.campaign_id),
        (AnswerSnapshotRow.preset_id, wanted.preset_id),
        (AnswerSnapshotRow.language, wanted.language),
        (AnswerSnapshotRow.model, wanted.model),
        (ReviewRow.assignee, wanted.assignee),
    ):
        if value:
            yield column == value
    yield from days(AnswerSnapshotRow.rated_at, wanted)
    if wanted.standing:
        state = wanted.standing.state
        yield ReviewRow.state.is_(None) if state is None else ReviewRow.state == state
    if of_rating := list(_of_one_rating(wanted)):
        # Looked up once: asked of each answer, SQLite went through all ratings for every one.
        said = select(RatingRow.evidence_id).where(RatingRow.newest, *of_rating)
        yield AnswerSnapshotRow.id.in_(said)
    if wanted.words.strip():
        yield _holding(wanted.words)


def _of_one_rating(wanted: RatingFilter) -> Iterable[ColumnElement[bool]]:
    if wanted.verdict:
        yield RatingRow.verdict == wanted.verdict
    if wanted.reason:
        yield RatingRow.reasons.contains(f"\n{wanted.reason}\n", autoescape=True)
    if wanted.corrected:
        yield RatingRow.correction.is_not(None)


def _holding(words: str) -> ColumnElement[bool]:
    """That all words are in it; text without a letter or digit finds nothing."""
    needles = [word.needle for word in words_of(words)]
    if not needles:
        return AnswerSnapshotRow.sequence.is_(None)
    return and_(*(AnswerSnapshotRow.words.contains(needle) for needle in needles))


# --- values -----------------------------------------------------------------------------------


def _rows(session: Session, chosen: Select[int], *order: ColumnElement[Any]) -> Found:
    rows = (
        select(AnswerSnapshotRow, ReviewRow)
        .outerjoin(ReviewRow, ReviewRow.evidence_id == AnswerSnapshotRow.id)
        .where(AnswerSnapshotRow.sequence.in_(chosen))
        .order_by(*order)
    )
    return [(snapshot, review) for snapshot, review in session.execute(rows)]


def _values(session: Session, found: Found) -> list[RatedAnswer]:
    ids = [snapshot.id for snapshot, _ in found]
    ratings = _ratings(session, and_(RatingRow.evidence_id.in_(ids), RatingRow.newest))
    return [
        RatedAnswer(snapshot.value(), ratings.get(snapshot.id, ()), kept.value() if kept else None)
        for snapshot, kept in found
    ]


def _ratings(session: Session, which: ColumnElement[bool]) -> Mapping[str, tuple[Rating, ...]]:
    rows = session.scalars(select(RatingRow).where(which).order_by(RatingRow.sequence))
    ratings: dict[str, tuple[Rating, ...]] = {}
    for row in rows:
        ratings[row.evidence_id] = (*ratings.get(row.evidence_id, ()), row.value())
    return ratings


def _occurring(session: Session, seen_by: str | None) -> Sequence[Sequence[str]]:
    """The presets, models and languages of the answers, without empty ones, in order."""
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
