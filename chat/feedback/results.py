"""Rated answers for hosts: search, detail, review, export.

Owns the access rules: administrators see all, members the answers of their campaigns and those
assigned to them for review, guests none. Knows no SQL, no page and no file format.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from chat.accounts.access import may_host, refuse_guests, visible_owner
from chat.accounts.models import LOCAL, Clock, User, utc_now
from chat.accounts.ports import UserReader
from chat.errors import MessageTooLong, NotFound
from chat.feedback.errors import NothingToExport
from chat.feedback.filter_models import Cursor
from chat.feedback.models import RatedAnswer, Review
from chat.feedback.omissions import in_words
from chat.feedback.ports import DataFile, ResultStore
from chat.feedback.preferences import is_liked, prompt_before_answer
from chat.feedback.result_models import (
    AnswerDetail,
    ExportContext,
    FilterOptions,
    Names,
    RatingCounts,
    RatingFilter,
    RatingPage,
    ReviewChange,
    ReviewStatus,
    VotedComparison,
)
from chat.feedback.validation import MOST_NOTE
from chat.languages import language_of
from chat.validation import check_text

PAGE = 50
CHUNK = 200
"""Answers on a page of the list, and in a chunk of an export."""


class Results:
    """The service of rated answers. What the user may not see raises NotFound."""

    def __init__(self, store: ResultStore, users: UserReader, clock: Clock = utc_now) -> None:
        self._store = store
        self._users = users
        self._clock = clock

    # --- finding and reading ------------------------------------------------------------------

    async def page(
        self, user: User, filters: RatingFilter, after: Cursor | None = None
    ) -> RatingPage:
        """A page of the list, newest rating first."""
        found = await self._store.page(visible_owner(user), filters, after=after, limit=PAGE + 1)
        items = tuple(found[:PAGE])
        last = items[-1] if len(found) > PAGE else None
        return RatingPage(items, place_of(last) if last else None)

    async def look(
        self, user: User, filters: RatingFilter, after: Cursor | None = None
    ) -> tuple[RatingPage, RatingCounts]:
        """A page of the list, and the counts of the whole list, with votes where they match."""
        page, seen_by = await self.page(user, filters, after), visible_owner(user)
        all_here = after is None and page.next is None  # saves a second search
        among = [rated.snapshot.id for rated in page.items] if all_here else None
        counts = await self._store.counts(seen_by, filters, among=among)
        votes = 0 if filters.is_of_ratings else await self._store.votes(seen_by, filters)
        return page, replace(counts, votes=votes)

    async def choices(self, user: User) -> FilterOptions:
        return await self._store.choices(visible_owner(user))

    async def read(self, user: User, snapshot_id: str) -> AnswerDetail:
        """Raises NotFound."""
        seen_by = visible_owner(user)
        rated = await self._store.rated(seen_by, snapshot_id)
        versions = await self._store.versions([snapshot_id])
        beside = await self._siblings(seen_by, RatingFilter(), [rated])
        snapshot = rated.snapshot
        others = tuple(
            other
            for other in beside.get(snapshot.conversation_id, ())
            if other.snapshot.id != snapshot.id
            and prompt_before_answer(other.snapshot) == prompt_before_answer(snapshot)
        )
        return AnswerDetail(rated, versions.get(snapshot_id, ()), others)

    async def names(self, user: User) -> Mapping[str, str]:
        """The names of users by id."""
        refuse_guests(user)
        users = (LOCAL, *await self._users.users())
        return {other.id: other.name for other in users}

    # --- reviewing ----------------------------------------------------------------------------

    async def reviewers(self, user: User) -> Sequence[User]:
        """The users to whom a review can be assigned; none without accounts."""
        refuse_guests(user)
        return [other for other in await self._users.users() if may_host(other)]

    async def review(self, user: User, snapshot_id: str, change: ReviewChange) -> Review:
        """Review an answer, or assign the review.

        Raises NotFound (also for an assignee who is no reviewer), MessageTooLong, BadText.
        """
        seen_by = visible_owner(user)
        to = change.assignee
        if to and to not in {other.id for other in await self.reviewers(user)}:
            raise NotFound
        note = change.note or ""
        if len(note) > MOST_NOTE:
            raise MessageTooLong(field="note", characters=len(note), limit=MOST_NOTE)
        check_text(note)
        return await self._store.review(seen_by, snapshot_id, change, user.id, self._clock())

    async def next_open(
        self, user: User, filters: RatingFilter, after_id: str | None = None
    ) -> str | None:
        """The id of the next answer without a review; wraps around at the end of the list."""
        seen_by, waiting = visible_owner(user), replace(filters, standing=ReviewStatus.OPEN)
        places: list[Cursor | None] = [None]
        if after_id is not None:
            places.insert(0, place_of(await self._store.rated(seen_by, after_id)))
        for place in places:
            found = await self._store.page(seen_by, waiting, after=place, limit=2)
            for rated in found:
                if rated.snapshot.id != after_id:
                    return rated.snapshot.id
        return None

    # --- export -------------------------------------------------------------------------------

    def export(self, user: User, filters: RatingFilter, file: DataFile) -> AsyncIterator[bytes]:
        """The pieces of the file. At most one chunk is in memory.

        An answer that is rated again meanwhile is included once, with the old or the new rating.
        After a file without a byte raises NothingToExport, which says why.
        """
        refuse_guests(user)
        return _not_empty(self._pieces(user, filters, file), file)

    async def _pieces(
        self, user: User, filters: RatingFilter, file: DataFile
    ) -> AsyncIterator[bytes]:
        seen_by = visible_owner(user)
        names = await self._all_names(user) if file.takes_names else Names()
        after: int | None = 0
        yield file.begin()
        while after is not None:
            chunk = await self._store.chunk(seen_by, filters, after=after, limit=CHUNK)
            after, items = chunk.next, chunk.items
            around = await self._around(user, filters, file, items)
            yield await asyncio.to_thread(file.add, items, replace(around, names=names))
        async for voted_comparisons in self._contests(seen_by, filters, file):
            yield await asyncio.to_thread(file.add_votes, voted_comparisons)
        yield file.end()

    async def _around(
        self, user: User, filters: RatingFilter, file: DataFile, items: Sequence[RatedAnswer]
    ) -> ExportContext:
        ids = [rated.snapshot.id for rated in items]
        versions = await self._store.versions(ids) if file.takes_versions else {}
        if not file.takes_others:
            return ExportContext(versions)
        siblings = await self._siblings(visible_owner(user), filters, items)
        liked = {item.snapshot.answer_id: item.snapshot.id for item in items if is_liked(item)}
        found = await self._store.tried_again(user.id, list(liked)) if liked else {}
        tried_again = {liked[answer_id]: paths for answer_id, paths in found.items()}
        return ExportContext(versions, siblings, tried_again)

    async def _all_names(self, user: User) -> Names:
        options = await self._store.choices(visible_owner(user))
        return Names(await self.names(user), options.campaigns, options.presets)

    async def _contests(
        self, seen_by: str | None, filters: RatingFilter, file: DataFile
    ) -> AsyncIterator[Sequence[VotedComparison]]:
        if not file.takes_votes or filters.is_of_ratings:
            return
        last: VotedComparison | None = None
        while voted_comparisons := await self._store.voted_comparisons(
            seen_by, filters, after=last, limit=CHUNK
        ):
            yield [
                voted_comparison
                for voted_comparison in voted_comparisons
                if is_about(voted_comparison, filters)
            ]
            last = voted_comparisons[-1]

    async def _siblings(
        self, seen_by: str | None, filters: RatingFilter, items: Sequence[RatedAnswer]
    ) -> Mapping[str, Sequence[RatedAnswer]]:
        """The matching answers of the same conversations, by conversation."""
        ids = sorted({rated.snapshot.conversation_id for rated in items} - {""})
        found: dict[str, list[RatedAnswer]] = {}
        for rated in await self._store.beside(seen_by, filters, ids) if ids else ():
            found.setdefault(rated.snapshot.conversation_id, []).append(rated)
        return found


async def _not_empty(pieces: AsyncIterator[bytes], file: DataFile) -> AsyncIterator[bytes]:
    is_empty = True
    async for piece in pieces:
        is_empty = is_empty and not piece
        yield piece
    if is_empty:
        reasons = in_words(file.omissions)
        why = f"Left out: {reasons}." if reasons else "Nothing that it takes matches the filter."
        raise NothingToExport(f"There is nothing to export in this format. {why}")


def place_of(rated: RatedAnswer) -> Cursor:
    """The cursor of an answer in the list."""
    newest = max(rating.rated_at for rating in rated.ratings)
    return Cursor(newest, rated.snapshot.id)


def is_about(voted_comparison: VotedComparison, filters: RatingFilter) -> bool:
    """Whether one of its answers matches the model, the preset and the language of the filter."""
    answers = [path[-1] for path in (voted_comparison.left, voted_comparison.right) if path]
    provenances = [answer.provenance for answer in answers if answer.provenance]
    required = (
        (filters.model, {provenance.model for provenance in provenances}),
        (
            filters.preset_id,
            {provenance.preset.id for provenance in provenances if provenance.preset},
        ),
        (filters.language, {language_of(answer.content) for answer in answers}),
    )
    return all(not value or value in found for value, found in required)
