"""Rated answers by what is wanted of them, and their reviews."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from chat.errors import NotFound
from chat.feedback.models import REASONS, Rated, Rating, Review, Verdict
from chat.feedback.queries import (
    Choices,
    Chunk,
    Contest,
    Counts,
    Filter,
    Path,
    Place,
    ReviewChange,
)
from store.feedback.comparison_paths import contests, days, votes
from store.feedback.retries import tried_again
from store.schema.campaigns import CampaignRow
from store.schema.conversations import PresetRow, PresetVersionRow
from store.schema.feedback import EvidenceRow, RatingRow, ReviewRow
from store.search_words import words_of
from store.transactions import Transactions

Found = Sequence[tuple[EvidenceRow, ReviewRow | None]]


class DatabaseResults:
    """`chat.results.ResultStore` over SQLAlchemy. Raises BadText, StoreFailed."""

    def __init__(self, database: Transactions) -> None:
        self._database = database

    async def page(
        self, seen_by: str | None, wanted: Filter, *, after: Place | None, limit: int
    ) -> Sequence[Rated]:
        return await self._database.read(page, seen_by, wanted, after, limit)

    async def counts(
        self, seen_by: str | None, wanted: Filter, *, among: Sequence[str] | None = None
    ) -> Counts:
        return await self._database.read(counts, seen_by, wanted, among)

    async def choices(self, seen_by: str | None) -> Choices:
        return await self._database.read(choices, seen_by)

    async def rated(self, seen_by: str | None, evidence_id: str) -> Rated:
        return await self._database.read(rated, seen_by, evidence_id)

    async def versions(self, evidence_ids: Sequence[str]) -> Mapping[str, tuple[Rating, ...]]:
        return await self._database.read(versions, evidence_ids)

    async def beside(
        self, seen_by: str | None, wanted: Filter, conversation_ids: Sequence[str]
    ) -> Sequence[Rated]:
        return await self._database.read(beside, seen_by, wanted, conversation_ids)

    async def chunk(self, seen_by: str | None, wanted: Filter, *, after: int, limit: int) -> Chunk:
        return await self._database.read(chunk, seen_by, wanted, after, limit)

    async def tried_again(
        self, reader: str, answer_ids: Sequence[str]
    ) -> Mapping[str, tuple[Path, ...]]:
        return await self._database.read(tried_again, reader, answer_ids)

    async def contests(
        self, seen_by: str | None, wanted: Filter, *, after: Contest | None, limit: int
    ) -> Sequence[Contest]:
        return await self._database.read(contests, seen_by, wanted, after, limit)

    async def votes(self, seen_by: str | None, wanted: Filter) -> int:
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
    session: Session, seen_by: str | None, wanted: Filter, after: Place | None, limit: int
) -> Sequence[Rated]:
    """Newest rating first."""
    newest_first = (EvidenceRow.rated_at.desc(), EvidenceRow.id.desc())
    chosen = _chosen(seen_by, wanted).order_by(*newest_first).limit(limit)
    if after:
        here = tuple_(EvidenceRow.rated_at, EvidenceRow.id)
        chosen = chosen.where(here < (after.rated_at, after.evidence_id))
    return _values(session, _rows(session, chosen, *newest_first))


def counts(
    session: Session, seen_by: str | None, wanted: Filter, among: Sequence[str] | None
) -> Counts:
    """Of all, or of those with these ids."""
    answers = func.count(EvidenceRow.id.distinct())
    found = (
        select(
            answers,
            func.count().filter(RatingRow.verdict == Verdict.UP),
            func.count().filter(RatingRow.verdict == Verdict.DOWN),
            func.count().filter(RatingRow.correction.is_not(None)),
            answers.filter(ReviewRow.state.is_(None)),
        )
        .select_from(EvidenceRow)
        .outerjoin(ReviewRow, ReviewRow.evidence_id == EvidenceRow.id)
        .outerjoin(RatingRow, and_(RatingRow.evidence_id == EvidenceRow.id, RatingRow.newest))
        .where(*_conditions(seen_by, wanted))
    )
    if among is not None:
        found = found.where(EvidenceRow.id.in_(among))
    return Counts(*session.execute(found).one())


def chunk(session: Session, seen_by: str | None, wanted: Filter, after: int, limit: int) -> Chunk:
    chosen = (
        _chosen(seen_by, wanted)
        .where(EvidenceRow.sequence > after)
        .order_by(EvidenceRow.sequence)
        .limit(limit)
    )
    found = _rows(session, chosen, EvidenceRow.sequence.asc())
    more = found[-1][0].sequence if len(found) == limit else None
    return Chunk(tuple(_values(session, found)), more)


def beside(
    session: Session, seen_by: str | None, wanted: Filter, conversation_ids: Sequence[str]
) -> Sequence[Rated]:
    there = EvidenceRow.conversation_id.in_(conversation_ids)
    chosen = _chosen(seen_by, wanted).where(there)
    return _values(session, _rows(session, chosen, EvidenceRow.sequence.asc()))


def rated(session: Session, seen_by: str | None, evidence_id: str) -> Rated:
    """Raises NotFound."""
    chosen = _chosen(seen_by, Filter()).where(EvidenceRow.id == evidence_id)
    found = _values(session, _rows(session, chosen, EvidenceRow.sequence.asc()))
    if not found:
        raise NotFound
    return found[0]


def versions(session: Session, evidence_ids: Sequence[str]) -> Mapping[str, tuple[Rating, ...]]:
    """Of each of these answers, oldest first."""
    return _ratings(session, RatingRow.evidence_id.in_(evidence_ids))


def choices(session: Session, seen_by: str | None) -> Choices:
    own = select(CampaignRow).order_by(CampaignRow.created_at)
    if seen_by is not None:
        own = own.where(CampaignRow.owner == seen_by)
    campaigns = session.scalars(own).all()
    presets, models, languages = _occurring(session, seen_by)
    own_reasons = (reason for campaign in campaigns for reason in campaign.plan.reasons)
    return Choices(
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
    """Of evidence, with its review: what belongs to one's campaigns or is one's to review."""
    own = select(CampaignRow.id).where(CampaignRow.owner == seen_by)
    return or_(EvidenceRow.campaign_id.in_(own), ReviewRow.assignee == seen_by)


def _chosen(seen_by: str | None, wanted: Filter) -> Select[int]:
    """The numbers of the rows alone: whole rows are long, and there is an index to choose by."""
    return (
        select(EvidenceRow.sequence)
        .outerjoin(ReviewRow, ReviewRow.evidence_id == EvidenceRow.id)
        .where(*_conditions(seen_by, wanted))
    )


def _conditions(seen_by: str | None, wanted: Filter) -> Iterable[ColumnElement[bool]]:
    if seen_by is not None:
        yield visible(seen_by)
    for column, value in (
        (EvidenceRow.campaign_id, wanted.campaign_id),
        (EvidenceRow.preset_id, wanted.preset_id),
        (EvidenceRow.language, wanted.language),
        (EvidenceRow.model, wanted.model),
        (ReviewRow.assignee, wanted.assignee),
    ):
        if value:
            yield column == value
    yield from days(EvidenceRow.rated_at, wanted)
    if wanted.standing:
        state = wanted.standing.state
        yield ReviewRow.state.is_(None) if state is None else ReviewRow.state == state
    if of_rating := list(_of_one_rating(wanted)):
        # Looked up once: asked of each answer, SQLite went through all ratings for every one.
        said = select(RatingRow.evidence_id).where(RatingRow.newest, *of_rating)
        yield EvidenceRow.id.in_(said)
    if wanted.words.strip():
        yield _holding(wanted.words)


def _of_one_rating(wanted: Filter) -> Iterable[ColumnElement[bool]]:
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
        return EvidenceRow.sequence.is_(None)
    return and_(*(EvidenceRow.words.contains(needle) for needle in needles))


# --- values -----------------------------------------------------------------------------------


def _rows(session: Session, chosen: Select[int], *order: ColumnElement[Any]) -> Found:
    rows = (
        select(EvidenceRow, ReviewRow)
        .outerjoin(ReviewRow, ReviewRow.evidence_id == EvidenceRow.id)
        .where(EvidenceRow.sequence.in_(chosen))
        .order_by(*order)
    )
    return [(evidence, review) for evidence, review in session.execute(rows)]


def _values(session: Session, found: Found) -> list[Rated]:
    ids = [evidence.id for evidence, _ in found]
    ratings = _ratings(session, and_(RatingRow.evidence_id.in_(ids), RatingRow.newest))
    return [
        Rated(evidence.value(), ratings.get(evidence.id, ()), kept.value() if kept else None)
        for evidence, kept in found
    ]


def _ratings(session: Session, which: ColumnElement[bool]) -> Mapping[str, tuple[Rating, ...]]:
    rows = session.scalars(select(RatingRow).where(which).order_by(RatingRow.sequence))
    ratings: dict[str, tuple[Rating, ...]] = {}
    for row in rows:
        ratings[row.evidence_id] = (*ratings.get(row.evidence_id, ()), row.value())
    return ratings


def _occurring(session: Session, seen_by: str | None) -> Sequence[Sequence[str]]:
    """The presets, models and languages of the answers, without empty ones, in order."""
    columns = (EvidenceRow.preset_id, EvidenceRow.model, EvidenceRow.language)
    together = select(*columns).distinct()
    if seen_by is not None:
        together = together.outerjoin(ReviewRow, ReviewRow.evidence_id == EvidenceRow.id)
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
