"""Votes as hosts look for them, in the database."""

from collections.abc import Iterable, Sequence

from sqlalchemy import JSON, ColumnElement, and_, func, or_, select, tuple_, type_coerce
from sqlalchemy.orm import Session

from chat.campaigns.models import Choice, Duel, Mode
from chat.errors import NotFound
from chat.feedback.queries import Contest
from chat.feedback.votes import VoteChoices, VoteCounts, VoteFilter, VotePlace
from store.feedback.comparison_paths import voted, with_answers
from store.schema.campaigns import CampaignRow, DuelRow
from store.transactions import Transactions

MOST_WORDS = 16
"""Of a search."""


class DatabaseBallots:
    """`chat.votes.VoteStore` over SQLAlchemy. Raises BadText, StoreFailed."""

    def __init__(self, database: Transactions) -> None:
        self._database = database

    async def page(
        self, seen_by: str | None, wanted: VoteFilter, *, after: VotePlace | None, limit: int
    ) -> Sequence[Duel]:
        return await self._database.read(page, seen_by, wanted, after, limit)

    async def counts(self, seen_by: str | None, wanted: VoteFilter) -> VoteCounts:
        return await self._database.read(counts, seen_by, wanted)

    async def choices(self, seen_by: str | None, campaign_id: str) -> VoteChoices:
        return await self._database.read(choices, seen_by, campaign_id)

    async def contest(self, seen_by: str | None, duel_id: str) -> Contest:
        return await self._database.read(contest, seen_by, duel_id)


def page(
    session: Session, seen_by: str | None, wanted: VoteFilter, after: VotePlace | None, limit: int
) -> Sequence[Duel]:
    """Newest vote first."""
    newest_first = (DuelRow.voted_at.desc(), DuelRow.id.desc())
    # The ids alone are put in order: whole rows are long.
    chosen = (
        select(DuelRow.id).where(*_conditions(seen_by, wanted)).order_by(*newest_first).limit(limit)
    )
    if after:
        here = tuple_(DuelRow.voted_at, DuelRow.id)
        chosen = chosen.where(here < (after.voted_at, after.duel_id))
    rows = select(DuelRow).where(DuelRow.id.in_(chosen)).order_by(*newest_first)
    return [row.value() for row in session.scalars(rows)]


def counts(session: Session, seen_by: str | None, wanted: VoteFilter) -> VoteCounts:
    """Of all that the filter finds."""
    kinds = [
        DuelRow.choice == choice
        for choice in (Choice.LEFT, Choice.RIGHT, Choice.TIE, Choice.BOTH_BAD)
    ]
    kinds += [DuelRow.comment != "", _won(0)]
    found = select(func.count(), *(func.count().filter(kind) for kind in kinds))
    found = found.select_from(DuelRow).where(*_conditions(seen_by, wanted))
    numbers: Sequence[int] = session.execute(found).one()
    return VoteCounts(*numbers)


def choices(session: Session, seen_by: str | None, campaign_id: str) -> VoteChoices:
    """All campaigns that compare; who has voted in that one, or without an id in any."""
    own = select(CampaignRow).order_by(CampaignRow.created_at)
    if seen_by is not None:
        own = own.where(CampaignRow.owner == seen_by)
    campaigns = [row.value() for row in session.scalars(own) if row.plan.mode is Mode.BLIND]
    testers = select(DuelRow.user_id).distinct()
    testers = testers.where(*voted(seen_by, VoteFilter(campaign_id=campaign_id)))
    return VoteChoices(
        campaigns={campaign.id: campaign for campaign in campaigns},
        testers=tuple(sorted(session.scalars(testers))),
    )


def contest(session: Session, seen_by: str | None, duel_id: str) -> Contest:
    """Raises NotFound."""
    rows = select(DuelRow).where(DuelRow.id == duel_id, *voted(seen_by, VoteFilter()))
    row = session.scalar(rows)
    if row is None:
        raise NotFound
    (found,) = with_answers(session, [row.value()])
    return found


def _conditions(seen_by: str | None, wanted: VoteFilter) -> Iterable[ColumnElement[bool]]:
    yield from voted(seen_by, wanted)
    if wanted.choice:
        yield DuelRow.choice == wanted.choice
    if wanted.winner is not None:
        yield _won(wanted.winner)
    if wanted.task_id:
        yield DuelRow.task_id == wanted.task_id
    if wanted.tester:
        yield DuelRow.user_id == wanted.tester
    if wanted.commented:
        yield DuelRow.comment != ""
    for word in wanted.words.split()[:MOST_WORDS]:
        yield or_(
            DuelRow.question.icontains(word, autoescape=True),
            DuelRow.comment.icontains(word, autoescape=True),
        )


def _won(variant: int) -> ColumnElement[bool]:
    """That this variant was voted for: it stood where the vote went."""
    return or_(
        *(
            and_(
                DuelRow.choice == choice, type_coerce(side, JSON)["variant"].as_integer() == variant
            )
            for choice, side in ((Choice.LEFT, DuelRow.left), (Choice.RIGHT, DuelRow.right))
        )
    )
