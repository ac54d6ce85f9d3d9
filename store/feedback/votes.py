"""Votes as hosts look for them, in the database."""

from collections.abc import Iterable, Sequence

from sqlalchemy import JSON, ColumnElement, and_, func, or_, select, tuple_, type_coerce
from sqlalchemy.orm import Session

from chat.campaigns.models import Comparison, Mode, VoteChoice
from chat.errors import NotFound
from chat.feedback.result_models import VotedComparison
from chat.feedback.vote_models import VoteCounts, VoteCursor, VoteFilter, VoteFilterOptions
from store.feedback.comparison_paths import voted, with_answers
from store.schema.campaigns import CampaignRow, ComparisonRow
from store.transactions import Transactions

MOST_WORDS = 16
"""Of a search."""


class DatabaseVotes:
    """`chat.feedback.ports.VoteStore` over SQLAlchemy. Raises BadText, StoreFailed."""

    def __init__(self, database: Transactions) -> None:
        self._database = database

    async def page(
        self, seen_by: str | None, wanted: VoteFilter, *, after: VoteCursor | None, limit: int
    ) -> Sequence[Comparison]:
        return await self._database.read(page, seen_by, wanted, after, limit)

    async def counts(self, seen_by: str | None, wanted: VoteFilter) -> VoteCounts:
        return await self._database.read(counts, seen_by, wanted)

    async def choices(self, seen_by: str | None, campaign_id: str) -> VoteFilterOptions:
        return await self._database.read(choices, seen_by, campaign_id)

    async def voted_comparison(self, seen_by: str | None, comparison_id: str) -> VotedComparison:
        return await self._database.read(voted_comparison, seen_by, comparison_id)


def page(
    session: Session, seen_by: str | None, wanted: VoteFilter, after: VoteCursor | None, limit: int
) -> Sequence[Comparison]:
    """Newest vote first."""
    newest_first = (ComparisonRow.voted_at.desc(), ComparisonRow.id.desc())
    # The ids alone are put in order: whole rows are long.
    chosen = (
        select(ComparisonRow.id)
        .where(*_conditions(seen_by, wanted))
        .order_by(*newest_first)
        .limit(limit)
    )
    if after:
        here = tuple_(ComparisonRow.voted_at, ComparisonRow.id)
        chosen = chosen.where(here < (after.voted_at, after.comparison_id))
    rows = select(ComparisonRow).where(ComparisonRow.id.in_(chosen)).order_by(*newest_first)
    return [row.value() for row in session.scalars(rows)]


def counts(session: Session, seen_by: str | None, wanted: VoteFilter) -> VoteCounts:
    """Of all that the filter finds."""
    kinds = [
        ComparisonRow.choice == choice
        for choice in (VoteChoice.LEFT, VoteChoice.RIGHT, VoteChoice.TIE, VoteChoice.BOTH_BAD)
    ]
    kinds += [ComparisonRow.comment != "", _won(0)]
    found = select(func.count(), *(func.count().filter(kind) for kind in kinds))
    found = found.select_from(ComparisonRow).where(*_conditions(seen_by, wanted))
    numbers: Sequence[int] = session.execute(found).one()
    return VoteCounts(*numbers)


def choices(session: Session, seen_by: str | None, campaign_id: str) -> VoteFilterOptions:
    """All campaigns that compare; who has voted in that one, or without an id in any."""
    own = select(CampaignRow).order_by(CampaignRow.created_at)
    if seen_by is not None:
        own = own.where(CampaignRow.owner_id == seen_by)
    campaigns = [row.value() for row in session.scalars(own) if row.plan.mode is Mode.BLIND]
    testers = select(ComparisonRow.user_id).distinct()
    testers = testers.where(*voted(seen_by, VoteFilter(campaign_id=campaign_id)))
    return VoteFilterOptions(
        campaigns={campaign.id: campaign for campaign in campaigns},
        testers=tuple(sorted(session.scalars(testers))),
    )


def voted_comparison(session: Session, seen_by: str | None, comparison_id: str) -> VotedComparison:
    """Raises NotFound."""
    rows = select(ComparisonRow).where(
        ComparisonRow.id == comparison_id, *voted(seen_by, VoteFilter())
    )
    row = session.scalar(rows)
    if row is None:
        raise NotFound
    (found,) = with_answers(session, [row.value()])
    return found


def _conditions(seen_by: str | None, wanted: VoteFilter) -> Iterable[ColumnElement[bool]]:
    yield from voted(seen_by, wanted)
    if wanted.choice:
        yield ComparisonRow.choice == wanted.choice
    if wanted.winner is not None:
        yield _won(wanted.winner)
    if wanted.task_id:
        yield ComparisonRow.task_id == wanted.task_id
    if wanted.tester:
        yield ComparisonRow.user_id == wanted.tester
    if wanted.commented:
        yield ComparisonRow.comment != ""
    for word in wanted.words.split()[:MOST_WORDS]:
        yield or_(
            ComparisonRow.question.icontains(word, autoescape=True),
            ComparisonRow.comment.icontains(word, autoescape=True),
        )


def _won(variant: int) -> ColumnElement[bool]:
    """That this variant was voted for: it stood where the vote went."""
    return or_(
        *(
            and_(
                ComparisonRow.choice == choice,
                type_coerce(side, JSON)["variant"].as_integer() == variant,
            )
            for choice, side in (
                (VoteChoice.LEFT, ComparisonRow.left),
                (VoteChoice.RIGHT, ComparisonRow.right),
            )
        )
    )
