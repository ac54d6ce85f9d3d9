"""The data of a campaign's report."""

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import JSON, ColumnElement, Select, case, func, select, true, type_coerce
from sqlalchemy.orm import Session

from chat.campaigns.models import Mode, SurveyAnswers, VoteChoice
from chat.errors import NotFound
from chat.feedback.models import AnswerSnapshot, Rating, ReviewState, Verdict
from chat.feedback.report_models import (
    AnswerExcerpt,
    AnswerSource,
    AnswerTimes,
    ReportData,
    SourceCount,
    Vote,
)
from chat.models import PresetRef, Role, Status
from store.campaigns.progress import as_it_is_now, counts_for
from store.schema.accounts import UserRow
from store.schema.campaigns import CampaignRow, ComparisonRow, ParticipantRow
from store.schema.conversations import (
    HAPPENED_HERE,
    ConversationRow,
    MessageRow,
    PresetVersionRow,
)
from store.schema.feedback import AnswerSnapshotRow, RatingRow, ReviewRow

SPACES = " \t\r\n"

Wrote = Mapping[str, int | None]
"""The variant of a conversation by its id; None if unknown."""


def gather(session: Session, campaign_id: str, limit: int) -> ReportData:
    """Raises NotFound."""
    campaign = session.get(CampaignRow, campaign_id)
    if campaign is None:
        raise NotFound
    rated = select(func.count()).select_from(AnswerSnapshotRow).where(*_of(campaign))
    comments, corrections = session.execute(_words_of(campaign)).one()
    best, worst = _best(session, campaign, limit), _worst(session, campaign, limit)
    wrote = _variant_of_answers(session, campaign)
    answered = _answered(session, campaign, wrote)
    return ReportData(
        verdicts=_verdicts(session, campaign),
        reasons=_reasons(session, campaign),
        rated=session.scalar(rated) or 0,
        comments=comments,
        corrections=corrections,
        votes=_votes(session, campaign),
        measured=_measured(session, campaign, wrote),
        answered=answered,
        presets=_preset_names(session, campaign, answered),
        surveys=_surveys(session, campaign, sent=True),
        unsent=_surveys(session, campaign, sent=False),
        testers=_names(session, campaign),
        best=best or _voted_answers(session, campaign, limit, best=True),
        worst=worst or _voted_answers(session, campaign, limit, best=False),
    )


# --- ratings ----------------------------------------------------------------------------------


def _of(campaign: CampaignRow) -> Sequence[ColumnElement[bool]]:
    """Conditions: snapshots of the campaign, without the owner's trial."""
    return (
        AnswerSnapshotRow.campaign_id == campaign.id,
        *counts_for(campaign, AnswerSnapshotRow.owner_id),
    )


def _verdicts(session: Session, campaign: CampaignRow) -> Mapping[tuple[int | None, bool], int]:
    rows = session.execute(
        select(AnswerSnapshotRow.variant, RatingRow.verdict, func.count())
        .join(RatingRow, RatingRow.evidence_id == AnswerSnapshotRow.id)
        .where(*_of(campaign), as_it_is_now(), RatingRow.verdict.is_not(None))
        .group_by(AnswerSnapshotRow.variant, RatingRow.verdict)
    )
    return {(variant, verdict is Verdict.UP): count for variant, verdict, count in rows}


def _reasons(session: Session, campaign: CampaignRow) -> Counter[str]:
    lines = session.scalars(
        select(RatingRow.reasons)
        .join(AnswerSnapshotRow, RatingRow.evidence_id == AnswerSnapshotRow.id)
        .where(*_of(campaign), as_it_is_now(), RatingRow.reasons != "\n\n")
    )
    return Counter(reason for some in lines for reason in some.split("\n") if reason)


def _words_of(campaign: CampaignRow) -> Select[int, int]:
    """Counts of comments and corrections."""
    return (
        select(
            func.count().filter(RatingRow.comment != ""),
            func.count().filter(RatingRow.correction.is_not(None)),
        )
        .select_from(RatingRow)
        .join(AnswerSnapshotRow, RatingRow.evidence_id == AnswerSnapshotRow.id)
        .where(*_of(campaign), as_it_is_now())
    )


# --- the best and the worst -------------------------------------------------------------------


def _best(session: Session, campaign: CampaignRow, limit: int) -> Sequence[AnswerExcerpt]:
    """Liked ones: first those that a reviewer found usable, then those with a comment."""
    order = (
        case((ReviewRow.state == ReviewState.USABLE, 0), else_=1),
        case((RatingRow.comment != "", 0), else_=1),
        RatingRow.sequence.desc(),
    )
    return _rated(session, campaign, Verdict.UP, order, limit)


def _worst(session: Session, campaign: CampaignRow, limit: int) -> Sequence[AnswerExcerpt]:
    """Disliked ones: first those that were corrected, then with a comment, then most reasons."""
    order = (
        case((RatingRow.correction.is_not(None), 0), else_=1),
        case((RatingRow.comment != "", 0), else_=1),
        func.length(RatingRow.reasons).desc(),
        RatingRow.sequence.desc(),
    )
    return _rated(session, campaign, Verdict.DOWN, order, limit)


def _rated(
    session: Session,
    campaign: CampaignRow,
    verdict: Verdict,
    order: Sequence[ColumnElement[int]],
    limit: int,
) -> Sequence[AnswerExcerpt]:
    """One rating per answer, without purged and unusable answers."""
    rows = session.execute(
        select(AnswerSnapshotRow, RatingRow)
        .join(RatingRow, RatingRow.evidence_id == AnswerSnapshotRow.id)
        .outerjoin(ReviewRow, ReviewRow.evidence_id == AnswerSnapshotRow.id)
        .where(
            *_of(campaign),
            as_it_is_now(),
            RatingRow.verdict == verdict,
            func.ltrim(AnswerSnapshotRow.answer, SPACES) != "",
            func.coalesce(ReviewRow.state != ReviewState.UNUSABLE, true()),
        )
        .order_by(*order)
        .limit(limit)
    )
    return [_excerpt(snapshot.value(), rating.value()) for snapshot, rating in rows]


def _excerpt(snapshot: AnswerSnapshot, rating: Rating) -> AnswerExcerpt:
    return AnswerExcerpt(
        question=snapshot.question,
        answer=snapshot.answer,
        comment=rating.rating_input.comment,
        correction=rating.rating_input.correction or "",
        reasons=rating.rating_input.reasons,
        variant=snapshot.variant,
    )


# --- votes ------------------------------------------------------------------------------------


def _votes(session: Session, campaign: CampaignRow) -> Sequence[Vote]:
    """Newest first. Selects short columns only, because there may be very many."""
    left, right = (
        type_coerce(side, JSON)["variant"].as_integer()
        for side in (ComparisonRow.left, ComparisonRow.right)
    )
    rows = session.execute(
        select(left, right, ComparisonRow.choice, ComparisonRow.user_id, ComparisonRow.task_id)
        .where(*_voted(campaign))
        .order_by(ComparisonRow.asked_at.desc(), ComparisonRow.id)
    )
    return [Vote(*row) for row in rows]


def _voted(campaign: CampaignRow) -> Sequence[ColumnElement[bool]]:
    return (
        ComparisonRow.campaign_id == campaign.id,
        ComparisonRow.choice.is_not(None),
        *counts_for(campaign, ComparisonRow.user_id),
    )


def _voted_answers(
    session: Session, campaign: CampaignRow, limit: int, *, best: bool
) -> Sequence[AnswerExcerpt]:
    """Without ratings: answers that won or lost a vote, those with a comment first."""
    decided = session.scalars(
        select(ComparisonRow)
        .where(*_voted(campaign), ComparisonRow.choice.in_((VoteChoice.LEFT, VoteChoice.RIGHT)))
        .order_by(ComparisonRow.comment == "", ComparisonRow.asked_at.desc(), ComparisonRow.id)
        .limit(limit)
    )
    excerpts = []
    for comparison in [row.value() for row in decided]:
        won, lost = (comparison.left, comparison.right)
        if comparison.choice is VoteChoice.RIGHT:
            won, lost = lost, won
        side = won if best else lost
        text = session.scalar(
            select(MessageRow.content).where(
                MessageRow.id == side.message_id, MessageRow.deleted_at.is_(None)
            )
        )
        excerpts.append(
            AnswerExcerpt(comparison.question, text or "", comparison.comment, variant=side.variant)
        )
    return [item for item in excerpts if item.answer]


# --- where answers came from, and what they took ----------------------------------------------


def _answered(session: Session, campaign: CampaignRow, wrote: Wrote) -> Sequence[SourceCount]:
    """Sources of answers by variant, most frequent first."""
    provenance = type_coerce(MessageRow.provenance, JSON)
    names = ("model", "revision", "quantization", "engine")
    sources = (
        select(
            MessageRow.conversation_id,
            *(provenance[name].as_string().label(name) for name in names),
            provenance["preset"]["id"].as_string().label("preset"),
            provenance["preset"]["version"].as_integer().label("version"),
        )
        .where(*_answers(campaign), MessageRow.provenance.is_not(None))
        .subquery()
    )
    counted = Counter[tuple[int | None, AnswerSource]]()
    grouped = select(*sources.c, func.count().label("answers")).group_by(*sources.c)
    for row in session.execute(grouped):
        preset = PresetRef(row.preset, row.version) if row.preset else None
        source = AnswerSource(row.model, row.revision, row.quantization, row.engine, preset)
        counted[wrote[row.conversation_id], source] += row.answers
    answered = [SourceCount(*key, count) for key, count in counted.most_common()]
    return sorted(answered, key=lambda one: (one.variant is None, one.variant))


def _preset_names(
    session: Session, campaign: CampaignRow, answered: Sequence[SourceCount]
) -> Mapping[PresetRef, str]:
    """Names of all presets in the plan or in answers, as of their versions."""
    used = {one.source.preset for one in answered}
    used |= {variant.preset for variant in campaign.plan.variants}
    rows = session.scalars(
        select(PresetVersionRow).where(
            PresetVersionRow.preset_id.in_({ref.id for ref in used if ref})
        )
    )
    names = {PresetRef(row.preset_id, row.version): row.text.name for row in rows}
    return {ref: names[ref] for ref in used if ref in names}


def _measured(session: Session, campaign: CampaignRow, wrote: Wrote) -> Sequence[AnswerTimes]:
    """Timings of every complete answer. A covering index holds these columns."""
    columns = (
        *(MessageRow.queue_s, MessageRow.ttft_s, MessageRow.total_s),
        *(MessageRow.decode_tokens_per_s, MessageRow.completion_tokens),
    )
    rows = session.execute(
        select(func.coalesce(MessageRow.conversation_id, ""), *columns).where(
            *_answers(campaign),
            MessageRow.status == Status.DONE,
            MessageRow.queue_s.is_not(None),
        )
    )
    return [
        AnswerTimes(wrote[name], queue or 0, first or 0, total or 0, rate or 0, tokens)
        for name, queue, first, total, rate, tokens in rows
    ]


def _answers(campaign: CampaignRow) -> Sequence[ColumnElement[bool]]:
    """Conditions on messages: answers in this campaign, without the owner's trial."""
    # coalesce: with the bare column SQLite looks up each conversation and then each long row.
    conversation_id = func.coalesce(MessageRow.conversation_id, "")
    ids = select(ConversationRow.id).where(*_of_conversations(campaign))
    return HAPPENED_HERE, conversation_id.in_(ids), MessageRow.role == Role.ASSISTANT


def _of_conversations(campaign: CampaignRow) -> Sequence[ColumnElement[bool]]:
    """Conditions on conversations."""
    own = ConversationRow.campaign_id == campaign.id
    return own, *counts_for(campaign, ConversationRow.owner_id)


def _variant_of_answers(session: Session, campaign: CampaignRow) -> Wrote:
    variants = _variants(session, campaign)
    rows = session.execute(
        select(ConversationRow.id, ConversationRow.owner_id).where(*_of_conversations(campaign))
    )
    return {name: variants.get(name, variants.get(owner_id)) for name, owner_id in rows}


def _variants(session: Session, campaign: CampaignRow) -> Mapping[str, int | None]:
    """The variant by conversation id, or by tester id."""
    if campaign.plan.mode is Mode.BLIND:
        variants: dict[str, int | None] = {}
        for side in (ComparisonRow.left, ComparisonRow.right):
            side_json = type_coerce(side, JSON)
            columns = (side_json["conversation_id"].as_string(), side_json["variant"].as_integer())
            of_campaign = ComparisonRow.campaign_id == campaign.id
            for name, variant in session.execute(select(*columns).where(of_campaign).distinct()):
                variants[name] = variant
        return variants
    rows = session.execute(
        select(ParticipantRow.user_id, ParticipantRow.variant).where(
            ParticipantRow.campaign_id == campaign.id
        )
    )
    return {row.user_id: row.variant for row in rows}


# --- participants -----------------------------------------------------------------------------


def _surveys(session: Session, campaign: CampaignRow, *, sent: bool) -> Sequence[SurveyAnswers]:
    """Survey answers that were sent, or those that were saved but not sent."""
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
    """Names of the users who voted, by id."""
    voters = select(ComparisonRow.user_id).where(
        ComparisonRow.campaign_id == campaign.id, ComparisonRow.choice.is_not(None)
    )
    users = session.scalars(select(UserRow).where(UserRow.id.in_(voters)))
    return {user.id: user.name for user in users}
