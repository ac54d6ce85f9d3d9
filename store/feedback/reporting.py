"""What came of a campaign: counted and gathered by queries over what is there."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from chat.campaigns import Answers, Choice, Duel, Mode
from chat.errors import NotFound
from chat.evidence import Evidence, Rating, ReviewState, Verdict
from chat.reporting import Answered, Ballot, Measured, Raw, Shown, Source
from chat.types import PresetRef, Provenance, Role, Status
from store.feedback.progress import counts_for
from store.feedback.tables import (
    CampaignRow,
    DuelRow,
    EvidenceRow,
    ParticipantRow,
    RatingRow,
    ReviewRow,
)
from store.people.tables import PersonRow
from store.tables import ConversationRow, MessageRow, PresetVersionRow
from store.transactions import Transactions

SPACES = " \t\r\n"

Wrote = Mapping[str, int | None]
"""Which variant wrote in a conversation, by its id; or for a tester, by theirs."""


class DatabaseReports:
    """`chat.reporting.ReportStore` over SQLAlchemy. Raises StoreFailed."""

    def __init__(self, database: Transactions) -> None:
        self._database = database

    async def gather(self, campaign_id: str, shown: int) -> Raw:
        return await self._database.read(gather, campaign_id, shown)


def gather(session: Session, campaign_id: str, shown: int) -> Raw:
    """Raises NotFound."""
    campaign = session.get(CampaignRow, campaign_id)
    if campaign is None:
        raise NotFound
    rated = select(func.count()).select_from(EvidenceRow).where(*_of(campaign))
    comments, corrections = session.execute(_words_of(campaign)).one()
    duels = _voted(session, campaign)
    best, worst = _best(session, campaign, shown), _worst(session, campaign, shown)
    variants = _variants(session, campaign)
    answered = _answered(session, campaign, variants)
    return Raw(
        verdicts=_verdicts(session, campaign),
        reasons=_reasons(session, campaign),
        rated=session.scalar(rated) or 0,
        comments=comments,
        corrections=corrections,
        ballots=[_ballot(duel) for duel in duels],
        measured=_measured(session, campaign, variants),
        answered=answered,
        presets=_preset_names(session, campaign, answered),
        surveys=_surveys(session, campaign, sent=True),
        unsent=_surveys(session, campaign, sent=False),
        testers=_names(session, campaign),
        best=best or _voted_answers(session, duels, shown, best=True),
        worst=worst or _voted_answers(session, duels, shown, best=False),
    )


# --- ratings ----------------------------------------------------------------------------------


def _of(campaign: CampaignRow) -> Sequence[ColumnElement[bool]]:
    """Of the evidence that counts."""
    return (EvidenceRow.campaign_id == campaign.id, *counts_for(campaign, EvidenceRow.owner))


def _verdicts(session: Session, campaign: CampaignRow) -> Mapping[tuple[int | None, bool], int]:
    rows = session.execute(
        select(EvidenceRow.variant, RatingRow.verdict, func.count())
        .join(RatingRow, RatingRow.evidence_id == EvidenceRow.id)
        .where(*_of(campaign), RatingRow.newest, RatingRow.verdict.is_not(None))
        .group_by(EvidenceRow.variant, RatingRow.verdict)
    )
    return {(variant, verdict is Verdict.UP): count for variant, verdict, count in rows}


def _reasons(session: Session, campaign: CampaignRow) -> Counter[str]:
    lines = session.scalars(
        select(RatingRow.reasons)
        .join(EvidenceRow, RatingRow.evidence_id == EvidenceRow.id)
        .where(*_of(campaign), RatingRow.newest, RatingRow.reasons != "\n\n")
    )
    return Counter(reason for some in lines for reason in some.split("\n") if reason)


def _words_of(campaign: CampaignRow) -> Select[int, int]:
    """How many comments and corrections there are."""
    return (
        select(
            func.count().filter(RatingRow.comment != ""),
            func.count().filter(RatingRow.correction.is_not(None)),
        )
        .select_from(RatingRow)
        .join(EvidenceRow, RatingRow.evidence_id == EvidenceRow.id)
        .where(*_of(campaign), RatingRow.newest)
    )


# --- the best and the worst -------------------------------------------------------------------


def _best(session: Session, campaign: CampaignRow, shown: int) -> Sequence[Shown]:
    """Liked ones: first those that a reviewer found usable, then those with a comment."""
    order = (
        case((ReviewRow.state == ReviewState.USABLE, 0), else_=1),
        case((RatingRow.comment != "", 0), else_=1),
        RatingRow.sequence.desc(),
    )
    return _rated(session, campaign, Verdict.UP, order, shown)


def _worst(session: Session, campaign: CampaignRow, shown: int) -> Sequence[Shown]:
    """Disliked ones: first those that were corrected, then with a comment, then most reasons."""
    order = (
        case((RatingRow.correction.is_not(None), 0), else_=1),
        case((RatingRow.comment != "", 0), else_=1),
        func.length(RatingRow.reasons).desc(),
        RatingRow.sequence.desc(),
    )
    return _rated(session, campaign, Verdict.DOWN, order, shown)


def _rated(
    session: Session,
    campaign: CampaignRow,
    verdict: Verdict,
    order: Sequence[ColumnElement[int]],
    shown: int,
) -> Sequence[Shown]:
    """One rating of each answer; what has no words, or was found unusable, is left out."""
    rows = session.execute(
        select(EvidenceRow, RatingRow)
        .join(RatingRow, RatingRow.evidence_id == EvidenceRow.id)
        .outerjoin(ReviewRow, ReviewRow.evidence_id == EvidenceRow.id)
        .where(
            *_of(campaign),
            RatingRow.newest,
            RatingRow.verdict == verdict,
            func.ltrim(EvidenceRow.answer, SPACES) != "",
            func.coalesce(ReviewRow.state != ReviewState.UNUSABLE, true()),
        )
        .order_by(*order)
        .limit(shown)
    )
    return [_shown(evidence.value(), rating.value()) for evidence, rating in rows]


def _shown(evidence: Evidence, rating: Rating) -> Shown:
    return Shown(
        question=evidence.question,
        answer=evidence.answer,
        comment=rating.opinion.comment,
        correction=rating.opinion.correction or "",
        reasons=rating.opinion.reasons,
        variant=evidence.variant,
    )


# --- votes ------------------------------------------------------------------------------------


def _voted(session: Session, campaign: CampaignRow) -> Sequence[Duel]:
    """Newest first."""
    rows = session.scalars(
        select(DuelRow)
        .where(
            DuelRow.campaign_id == campaign.id,
            DuelRow.choice.is_not(None),
            *counts_for(campaign, DuelRow.user_id),
        )
        .order_by(DuelRow.asked_at.desc(), DuelRow.id)
    )
    return [row.value() for row in rows]


def _ballot(duel: Duel) -> Ballot:
    assert duel.choice
    return Ballot(duel.left.variant, duel.right.variant, duel.choice, duel.user_id, duel.task_id)


def _voted_answers(
    session: Session, duels: Sequence[Duel], shown: int, *, best: bool
) -> Sequence[Shown]:
    """Where nothing was rated: answers that won or lost, first those with a comment."""
    decided = sorted(
        (duel for duel in duels if duel.winner is not None), key=lambda duel: not duel.comment
    )
    found = []
    for duel in decided[:shown]:
        won, lost = (duel.left, duel.right)
        if duel.choice is Choice.RIGHT:
            won, lost = lost, won
        side = won if best else lost
        text = session.scalar(
            select(MessageRow.content).where(
                MessageRow.id == side.message_id, MessageRow.deleted_at.is_(None)
            )
        )
        found.append(Shown(duel.question, text or "", duel.comment, variant=side.variant))
    return [item for item in found if item.answer]


# --- where answers came from, and what they took ----------------------------------------------


def _answered(session: Session, campaign: CampaignRow, variants: Wrote) -> Sequence[Answered]:
    """By variant, what wrote most first."""
    counted = Counter(
        (variants.get(conversation_id, variants.get(owner)), _source(made))
        for conversation_id, owner, made in session.execute(
            _answers(campaign, MessageRow.provenance)
        )
        if made
    )
    answered = [Answered(*key, count) for key, count in counted.most_common()]
    return sorted(answered, key=lambda one: (one.variant is None, one.variant))


def _source(made: Provenance) -> Source:
    return Source(made.model, made.revision, made.quantization, made.engine, made.preset)


def _preset_names(
    session: Session, campaign: CampaignRow, answered: Sequence[Answered]
) -> Mapping[PresetRef, str]:
    """Of all that are in the plan or answered, as they were called in that version."""
    used = {one.source.preset for one in answered}
    used |= {variant.preset for variant in campaign.plan.variants}
    rows = session.scalars(
        select(PresetVersionRow).where(
            PresetVersionRow.preset_id.in_({ref.id for ref in used if ref})
        )
    )
    names = {PresetRef(row.preset_id, row.version): row.text.name for row in rows}
    return {ref: names[ref] for ref in used if ref in names}


def _measured(session: Session, campaign: CampaignRow, variants: Wrote) -> Sequence[Measured]:
    """Of every answer that was written to its end."""
    rows = session.execute(
        _answers(campaign, MessageRow.timing, MessageRow.usage).where(
            MessageRow.status == Status.DONE
        )
    )
    return [
        Measured(variants.get(conversation_id, variants.get(owner)), timing, usage)
        for conversation_id, owner, timing, usage in rows
        if timing
    ]


def _answers(campaign: CampaignRow, *columns: InstrumentedAttribute[Any]) -> Select[Any]:
    """Conversation, owner and those columns of every answer."""
    return (
        select(ConversationRow.id, ConversationRow.owner, *columns)
        .join(MessageRow, MessageRow.conversation_id == ConversationRow.id)
        .where(
            ConversationRow.campaign_id == campaign.id,
            *counts_for(campaign, ConversationRow.owner),
            MessageRow.role == Role.ASSISTANT,
        )
    )


def _variants(session: Session, campaign: CampaignRow) -> Wrote:
    if campaign.plan.mode is Mode.BLIND:
        duels = session.execute(
            select(DuelRow.left, DuelRow.right).where(DuelRow.campaign_id == campaign.id)
        )
        return {side.conversation_id: side.variant for sides in duels for side in sides}
    rows = session.execute(
        select(ParticipantRow.user_id, ParticipantRow.variant).where(
            ParticipantRow.campaign_id == campaign.id
        )
    )
    return {row.user_id: row.variant for row in rows}


# --- who took part ----------------------------------------------------------------------------


def _surveys(session: Session, campaign: CampaignRow, *, sent: bool) -> Sequence[Answers]:
    """Those that were sent, or else those that are half done."""
    sent_at = ParticipantRow.survey_sent_at
    rows = session.scalars(
        select(ParticipantRow.survey)
        .where(
            ParticipantRow.campaign_id == campaign.id,
            ParticipantRow.consented_at.is_not(None),
            sent_at.is_not(None) if sent else sent_at.is_(None),
            *counts_for(campaign, ParticipantRow.user_id),
        )
        .order_by(ParticipantRow.joined_at)
    )
    return [answers for answers in rows if answers]


def _names(session: Session, campaign: CampaignRow) -> Mapping[str, str]:
    """Of who has voted."""
    voters = select(DuelRow.user_id).where(
        DuelRow.campaign_id == campaign.id, DuelRow.choice.is_not(None)
    )
    people = session.scalars(select(PersonRow).where(PersonRow.id.in_(voters)))
    return {person.id: person.name for person in people}
