"""Votes as a host filters them."""

from collections.abc import Iterable, Sequence

from sqlalchemy import JSON, ColumnElement, and_, func, or_, select, tuple_, type_coerce
from sqlalchemy.orm import Session

from chat.campaigns.models import Comparison, Mode, VoteChoice
from chat.campaigns.validation import MOST_VARIANTS
from chat.errors import NotFound
from chat.feedback.filter_models import Cursor
from chat.feedback.result_models import VotedComparison
from chat.feedback.vote_models import VoteCounts, VoteFilter, VoteFilterOptions
from store.accounts.rows import owned_by
from store.feedback.comparison_paths import voted, with_answers
from store.schema.campaigns import CampaignRow, ComparisonRow

MOST_WORDS = 16
"""The number of words that a search uses."""


def page(
    session: Session,
    seen_by: str | None,
    filters: VoteFilter,
    *,
    after: Cursor | None,
    limit: int,
) -> Sequence[Comparison]:
    """Newest vote first."""
    newest_first = (ComparisonRow.voted_at.desc(), ComparisonRow.id.desc())
    # Sorts ids only, because rows are long.
    chosen = (
        select(ComparisonRow.id)
        .where(*_conditions(seen_by, filters))
        .order_by(*newest_first)
        .limit(limit)
    )
    if after:
        here = tuple_(ComparisonRow.voted_at, ComparisonRow.id)
        chosen = chosen.where(here < (after.at, after.row_id))
    rows = select(ComparisonRow).where(ComparisonRow.id.in_(chosen)).order_by(*newest_first)
    return [row.value() for row in session.scalars(rows)]


def counts(session: Session, seen_by: str | None, filters: VoteFilter) -> VoteCounts:
    """Counts over the whole filter."""
    kinds = [
        ComparisonRow.choice == choice
        for choice in (VoteChoice.LEFT, VoteChoice.RIGHT, VoteChoice.TIE, VoteChoice.BOTH_BAD)
    ]
    kinds += [ComparisonRow.comment != "", *map(_won, range(MOST_VARIANTS))]
    statement = select(func.count(), *(func.count().filter(kind) for kind in kinds))
    statement = statement.select_from(ComparisonRow).where(*_conditions(seen_by, filters))
    numbers: Sequence[int] = session.execute(statement).one()
    votes, left, right, ties, both_bad, commented, *won = numbers
    return VoteCounts(votes, left, right, ties, both_bad, commented, tuple(won))


def choices(session: Session, seen_by: str | None, campaign_id: str) -> VoteFilterOptions:
    """All blind campaigns, and the testers who voted in the given one, or in any."""
    own = select(CampaignRow).where(owned_by(CampaignRow.owner_id, seen_by))
    own = own.order_by(CampaignRow.created_at)
    campaigns = [
        row.value()
        for row in session.scalars(own)
        if row.plan.mode is Mode.BLIND and not row.is_draft
    ]
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
    (comparison,) = with_answers(session, [row.value()])
    return comparison


def _conditions(seen_by: str | None, filters: VoteFilter) -> Iterable[ColumnElement[bool]]:
    yield from voted(seen_by, filters)
    if filters.choice:
        yield ComparisonRow.choice == filters.choice
    if filters.winner is not None:
        yield _won(filters.winner)
    if filters.task_id:
        yield ComparisonRow.task_id == filters.task_id
    if filters.tester:
        yield ComparisonRow.user_id == filters.tester
    if filters.commented:
        yield ComparisonRow.comment != ""
    for word in filters.words.split()[:MOST_WORDS]:
        yield or_(
            ComparisonRow.question.icontains(word, autoescape=True),
            ComparisonRow.comment.icontains(word, autoescape=True),
        )


def _won(variant: int) -> ColumnElement[bool]:
    """Condition: the vote went to the side of this variant."""
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
