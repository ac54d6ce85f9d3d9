"""A campaign while it runs: its testers, what happened last, and its chats."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from chat.campaigns.live_models import (
    EventKind,
    ListedChat,
    LiveEvent,
    LiveState,
    TesterProgress,
)
from chat.campaigns.models import Mode
from chat.conversations.models import Archive
from chat.errors import NotFound
from chat.feedback.models import Verdict
from chat.models import Role, Status
from store.campaigns.campaigns import row_of
from store.campaigns.progress import as_it_is_now, counts_for, is_complete
from store.conversations.archives import archive
from store.schema.accounts import GuestLinkRow, UserRow
from store.schema.campaigns import CampaignRow, ComparisonRow, ParticipantRow
from store.schema.conversations import ConversationRow, MessageRow
from store.schema.feedback import AnswerSnapshotRow, RatingRow

MOST_TESTERS = 300
MOST_EVENTS = 50
MOST_CHATS = 300
MOST_TEXT = 300
"""Bounds of what the host's page lists; characters of each text."""


def version(session: Session, campaign_id: str) -> str:
    """Raises NotFound."""
    campaign = row_of(session, campaign_id)
    parts: list[object] = [
        campaign.plan_version,
        campaign.closed_at,
        campaign.paused_at,
        campaign.notice,
    ]
    for statement in _changes(campaign_id):
        parts += session.execute(statement).one()
    return hashlib.sha256(repr([str(part) for part in parts]).encode()).hexdigest()[:24]


def state(session: Session, campaign_id: str) -> LiveState:
    """Raises NotFound."""
    campaign = row_of(session, campaign_id)
    testers, events = _testers(session, campaign), _events(session, campaign)
    chats = _chats(session, campaign_id)
    users = {one.user_id for one in testers} | {one.user_id for one in events}
    users |= {one.user_id for one in chats}
    names = session.execute(select(UserRow.id, UserRow.name).where(UserRow.id.in_(users)))
    return LiveState(testers, events, chats, dict(names.all()))


def chat(session: Session, campaign_id: str, conversation_id: str) -> Archive:
    """Raises NotFound."""
    row = session.get(ConversationRow, conversation_id)
    if row is None or row.campaign_id != campaign_id:
        raise NotFound
    return archive(session, row.owner_id, conversation_id)


def _changes(campaign_id: str) -> Iterable[Select[*tuple[object, ...]]]:
    """Counts and newest times of all that the host sees."""
    part, duel, link = ParticipantRow, ComparisonRow, GuestLinkRow
    yield select(
        func.count(), func.max(part.seen_at), func.max(part.consented_at),
        func.max(part.survey_sent_at),
    ).where(part.campaign_id == campaign_id)  # fmt: skip
    yield select(
        func.count(), func.max(duel.asked_at), func.max(duel.voted_at), func.count(duel.choice),
        func.sum(func.length(duel.comment)), func.sum(func.length(duel.skip_reason)),
    ).where(duel.campaign_id == campaign_id)  # fmt: skip
    yield select(
        func.count(), func.max(ConversationRow.updated_at), func.count(ConversationRow.deleted_at)
    ).where(ConversationRow.campaign_id == campaign_id)
    yield (
        select(func.count(), func.max(MessageRow.sequence))
        .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
        .where(
            ConversationRow.campaign_id == campaign_id,
            MessageRow.status.not_in((Status.PENDING, Status.STREAMING)),
        )
    )
    yield select(func.count(), func.max(AnswerSnapshotRow.rated_at)).where(
        AnswerSnapshotRow.campaign_id == campaign_id
    )
    yield select(
        func.sum(link.guests), func.sum(link.messages), func.sum(link.max_guests),
        func.sum(link.max_messages), func.max(link.expires_at),
    ).where(link.campaign_id == campaign_id)  # fmt: skip


def _testers(session: Session, campaign: CampaignRow) -> tuple[TesterProgress, ...]:
    seen = func.coalesce(ParticipantRow.seen_at, ParticipantRow.joined_at)
    rows = session.scalars(
        select(ParticipantRow)
        .where(
            ParticipantRow.campaign_id == campaign.id,
            *counts_for(campaign, ParticipantRow.user_id),
        )
        .order_by(seen.desc(), ParticipantRow.user_id)
        .limit(MOST_TESTERS)
    ).all()
    tasks = {task.id for task in campaign.plan.tasks}
    votes, rated = _votes(session, campaign), _rated(session, campaign)
    is_blind = campaign.plan.mode is Mode.BLIND
    asked = {user_id: counts[0] for user_id, counts in votes.items()}
    questions = asked if is_blind else _questions(session, campaign)
    return tuple(
        TesterProgress(
            row.user_id,
            len(tasks.intersection(row.done)),
            questions.get(row.user_id, 0),
            rated.get(row.user_id, 0),
            *votes.get(row.user_id, (0, 0, 0, 0))[1:],
            consented=row.consented_at is not None,
            finished=row.survey_sent_at is not None,
            seen_at=row.seen_at,
        )
        for row in rows
    )


def _votes(session: Session, campaign: CampaignRow) -> Mapping[str, tuple[int, int, int, int]]:
    """By tester: comparisons, votes, skipped ones, and those that wait for a decision."""
    voted, skipped = ComparisonRow.choice.is_not(None), ComparisonRow.skip_reason != ""
    waits = ~voted & ~skipped & is_complete(campaign)
    rows = session.execute(
        select(
            ComparisonRow.user_id,
            func.count(),
            *(func.count().filter(condition) for condition in (voted, skipped, waits)),
        )
        .where(ComparisonRow.campaign_id == campaign.id)
        .group_by(ComparisonRow.user_id)
    )
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in rows.all()}


def _questions(session: Session, campaign: CampaignRow) -> Mapping[str, int]:
    rows = session.execute(
        select(ConversationRow.owner_id, func.count())
        .join(MessageRow, MessageRow.conversation_id == ConversationRow.id)
        .where(ConversationRow.campaign_id == campaign.id, MessageRow.role == Role.USER)
        .group_by(ConversationRow.owner_id)
    )
    return dict(rows.all())


def _rated(session: Session, campaign: CampaignRow) -> Mapping[str, int]:
    rows = session.execute(
        select(AnswerSnapshotRow.owner_id, func.count())
        .join(RatingRow, RatingRow.evidence_id == AnswerSnapshotRow.id)
        .where(
            AnswerSnapshotRow.campaign_id == campaign.id,
            as_it_is_now(),
            RatingRow.verdict.is_not(None),
        )
        .group_by(AnswerSnapshotRow.owner_id)
    )
    return dict(rows.all())


def _events(session: Session, campaign: CampaignRow) -> tuple[LiveEvent, ...]:
    """The newest of all kinds."""
    found = [
        *_comparison_events(session, campaign),
        *_rating_events(session, campaign),
        *_failures(session, campaign),
        *_arrivals(session, campaign),
    ]
    found.sort(key=lambda event: (event.at, event.target), reverse=True)
    return tuple(found[:MOST_EVENTS])


def _comparison_events(session: Session, campaign: CampaignRow) -> Iterable[LiveEvent]:
    voted, skipped = ComparisonRow.choice.is_not(None), ComparisonRow.skip_reason != ""
    kinds: Sequence[tuple[EventKind, ColumnElement[bool], InstrumentedAttribute[object]]] = (
        (EventKind.VOTE, voted, ComparisonRow.voted_at),
        (EventKind.SKIP, skipped, ComparisonRow.asked_at),
        (EventKind.UNVOTED, ~voted & ~skipped & is_complete(campaign), ComparisonRow.asked_at),
    )
    for kind, condition, at in kinds:
        rows = session.scalars(
            select(ComparisonRow)
            .where(
                ComparisonRow.campaign_id == campaign.id,
                condition,
                *counts_for(campaign, ComparisonRow.user_id),
            )
            .order_by(at.desc())
            .limit(MOST_EVENTS)
        )
        for one in (row.value() for row in rows):
            yield LiveEvent(
                kind,
                (one.voted_at if kind is EventKind.VOTE else None) or one.asked_at,
                one.user_id,
                one.question[:MOST_TEXT],
                (one.skip_reason or one.comment)[:MOST_TEXT],
                one.id if kind is EventKind.VOTE else one.left.conversation_id,
                one.choice,
                one.winner,
                len(one.earlier_votes),
            )


def _rating_events(session: Session, campaign: CampaignRow) -> Iterable[LiveEvent]:
    rows = session.execute(
        select(RatingRow, AnswerSnapshotRow.id, func.substr(AnswerSnapshotRow.answer, 1, MOST_TEXT))
        .join(AnswerSnapshotRow, AnswerSnapshotRow.id == RatingRow.evidence_id)
        .where(
            AnswerSnapshotRow.campaign_id == campaign.id,
            as_it_is_now(),
            *counts_for(campaign, AnswerSnapshotRow.owner_id),
        )
        .order_by(RatingRow.rated_at.desc())
        .limit(MOST_EVENTS)
    )
    kinds = {Verdict.UP: EventKind.UP, Verdict.DOWN: EventKind.DOWN}
    for row, evidence_id, answer in rows:
        kind = kinds.get(row.verdict, EventKind.COMMENT)
        detail = row.comment[:MOST_TEXT]
        yield LiveEvent(kind, row.rated_at, row.user_id, answer, detail, evidence_id)


def _failures(session: Session, campaign: CampaignRow) -> Iterable[LiveEvent]:
    rows = session.execute(
        select(MessageRow.created_at, MessageRow.error_code, ConversationRow)
        .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
        .where(
            ConversationRow.campaign_id == campaign.id,
            MessageRow.status == Status.ERROR,
            *counts_for(campaign, ConversationRow.owner_id),
        )
        .order_by(MessageRow.sequence.desc())
        .limit(MOST_EVENTS)
    )
    for at, code, row in rows:
        title = row.title[:MOST_TEXT]
        yield LiveEvent(EventKind.FAILURE, at, row.owner_id, title, code or "", row.id)


def _arrivals(session: Session, campaign: CampaignRow) -> Iterable[LiveEvent]:
    for kind, at in (
        (EventKind.JOINED, ParticipantRow.consented_at),
        (EventKind.FINISHED, ParticipantRow.survey_sent_at),
    ):
        rows = session.execute(
            select(ParticipantRow.user_id, at)
            .where(
                ParticipantRow.campaign_id == campaign.id,
                at.is_not(None),
                *counts_for(campaign, ParticipantRow.user_id),
            )
            .order_by(at.desc())
            .limit(MOST_EVENTS)
        )
        for user_id, moment in rows:
            if moment is not None:
                yield LiveEvent(kind, moment, user_id)


def _chats(session: Session, campaign_id: str) -> tuple[ListedChat, ...]:
    rows = session.scalars(
        select(ConversationRow)
        .where(ConversationRow.campaign_id == campaign_id, ConversationRow.deleted_at.is_(None))
        .order_by(ConversationRow.updated_at.desc(), ConversationRow.id)
        .limit(MOST_CHATS)
    )
    return tuple(ListedChat(row.id, row.owner_id, row.title, row.updated_at) for row in rows)
