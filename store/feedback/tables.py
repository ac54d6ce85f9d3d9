"""The tables of ratings, campaigns, votes and cases, and how their rows become values.

Owners and raters have no foreign key: the one local user has no account.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from chat.campaigns import Answers, Campaign, Choice, Duel, Participant, Plan, Side
from chat.cases import Case, Check, Result, Run
from chat.cases import Verdict as CaseVerdict
from chat.evidence import Evidence, Opinion, Rating, Review, ReviewState, Verdict
from chat.observing import Door
from chat.types import (
    ChatMessage,
    Finish,
    PresetRef,
    Provenance,
    Sampling,
    Status,
    Timing,
    Usage,
)
from store.columns import AsJson, PlainText, UtcDateTime
from store.tables import NUMBER, Base, words_of_enum


class CampaignRow(Base):
    """A campaign; `plan_version` counts the changes of its plan."""

    __tablename__ = "campaigns"
    __table_args__ = (Index(None, "owner"),)

    id: Mapped[str] = mapped_column(PlainText, primary_key=True)
    owner: Mapped[str] = mapped_column(PlainText)
    plan: Mapped[Plan] = mapped_column(AsJson(Plan))
    plan_version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def value(self) -> Campaign:
        return Campaign(
            id=self.id,
            owner=self.owner,
            plan=self.plan,
            created_at=self.created_at,
            plan_version=self.plan_version,
            closed_at=self.closed_at,
        )


class ParticipantRow(Base):
    """Somebody in a campaign."""

    __tablename__ = "participants"
    __table_args__ = (Index(None, "user_id"),)

    campaign_id: Mapped[str] = mapped_column(
        PlainText, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(PlainText, primary_key=True)
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
    consented_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    consent_sha256: Mapped[str] = mapped_column(PlainText, default="")
    variant: Mapped[int | None]
    done: Mapped[tuple[str, ...]] = mapped_column(AsJson(tuple[str, ...]), default=())
    survey: Mapped[Answers] = mapped_column(AsJson(dict[str, str | int]), default=dict)
    survey_sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    page_language: Mapped[str] = mapped_column(PlainText, default="")

    def value(self) -> Participant:
        return Participant(
            campaign_id=self.campaign_id,
            user_id=self.user_id,
            joined_at=self.joined_at,
            consented_at=self.consented_at,
            consent_sha256=self.consent_sha256,
            variant=self.variant,
            done=self.done,
            survey=self.survey,
            survey_sent_at=self.survey_sent_at,
            seen_at=self.seen_at,
            page_language=self.page_language,
        )


class EvidenceRow(Base):
    """A rated answer, frozen. What results are filtered by has columns of its own.

    `words` is everything that a search looks into, as it compares it; `rated_at` is when somebody
    last said something of it.
    """

    __tablename__ = "evidence"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("owner", "answer_id"),
        Index(None, "campaign_id", "rated_at"),
        # Rows are long. With this a list of all is filtered without a look at any.
        Index(None, "rated_at", "id", "campaign_id", "preset_id", "model", "language"),
        Index(None, "conversation_id"),
    )

    sequence: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    id: Mapped[str] = mapped_column(PlainText)
    answer_id: Mapped[str] = mapped_column(PlainText)
    owner: Mapped[str] = mapped_column(PlainText)
    door: Mapped[Door] = mapped_column(words_of_enum(Door))
    prompt: Mapped[tuple[ChatMessage, ...]] = mapped_column(AsJson(tuple[ChatMessage, ...]))
    answer: Mapped[str] = mapped_column(PlainText)
    status: Mapped[Status] = mapped_column(words_of_enum(Status))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finish: Mapped[Finish | None] = mapped_column(words_of_enum(Finish))
    usage: Mapped[Usage | None] = mapped_column(AsJson(Usage))
    timing: Mapped[Timing | None] = mapped_column(AsJson(Timing))
    provenance: Mapped[Provenance | None] = mapped_column(AsJson(Provenance))
    conversation_id: Mapped[str] = mapped_column(PlainText)
    campaign_id: Mapped[str | None] = mapped_column(
        PlainText, ForeignKey("campaigns.id", ondelete="CASCADE")
    )
    variant: Mapped[int | None]
    language: Mapped[str] = mapped_column(PlainText)
    page_language: Mapped[str] = mapped_column(PlainText)
    model: Mapped[str] = mapped_column(PlainText)
    preset_id: Mapped[str] = mapped_column(PlainText)
    preset_version: Mapped[int | None]
    words: Mapped[str] = mapped_column(PlainText)
    rated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    def value(self) -> Evidence:
        return Evidence(
            id=self.id,
            answer_id=self.answer_id,
            owner=self.owner,
            door=self.door,
            prompt=self.prompt,
            answer=self.answer,
            status=self.status,
            made_at=self.made_at,
            finish=self.finish,
            usage=self.usage,
            timing=self.timing,
            provenance=self.provenance,
            conversation_id=self.conversation_id,
            campaign_id=self.campaign_id or "",
            variant=self.variant,
            language=self.language,
            page_language=self.page_language,
        )


class RatingRow(Base):
    """One version of a rating. `reasons` are lines, with one empty line before and after."""

    __tablename__ = "ratings"
    __table_args__ = (
        UniqueConstraint("evidence_id", "rater", "version"),
        Index(None, "evidence_id", "newest"),
        Index(None, "rater"),
        Index(None, "newest", "verdict"),
    )

    sequence: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    evidence_id: Mapped[str] = mapped_column(
        PlainText, ForeignKey("evidence.id", ondelete="CASCADE")
    )
    rater: Mapped[str] = mapped_column(PlainText)
    version: Mapped[int]
    newest: Mapped[bool]
    verdict: Mapped[Verdict | None] = mapped_column(words_of_enum(Verdict))
    reasons: Mapped[str] = mapped_column(PlainText)
    comment: Mapped[str] = mapped_column(PlainText)
    correction: Mapped[str | None] = mapped_column(PlainText)
    rated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    def value(self) -> Rating:
        reasons = tuple(self.reasons.strip("\n").split("\n")) if self.reasons.strip("\n") else ()
        return Rating(
            evidence_id=self.evidence_id,
            rater=self.rater,
            version=self.version,
            opinion=Opinion(self.verdict, reasons, self.comment, self.correction),
            rated_at=self.rated_at,
        )


class ReviewRow(Base):
    """What a reviewer made of a rated answer."""

    __tablename__ = "reviews"
    __table_args__ = (Index(None, "state"), Index(None, "assignee"))

    evidence_id: Mapped[str] = mapped_column(
        PlainText, ForeignKey("evidence.id", ondelete="CASCADE"), primary_key=True
    )
    reviewer: Mapped[str] = mapped_column(PlainText)
    reviewed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[ReviewState | None] = mapped_column(words_of_enum(ReviewState))
    assignee: Mapped[str] = mapped_column(PlainText)
    note: Mapped[str] = mapped_column(PlainText)

    def value(self) -> Review:
        return Review(
            evidence_id=self.evidence_id,
            reviewer=self.reviewer,
            reviewed_at=self.reviewed_at,
            state=self.state,
            assignee=self.assignee,
            note=self.note,
        )


class DuelRow(Base):
    """A question with two answers, and the vote. The same `request_id` is the same question."""

    __tablename__ = "duels"
    __table_args__ = (
        UniqueConstraint("user_id", "request_id"),
        Index(None, "campaign_id", "asked_at"),
    )

    id: Mapped[str] = mapped_column(PlainText, primary_key=True)
    campaign_id: Mapped[str] = mapped_column(
        PlainText, ForeignKey("campaigns.id", ondelete="CASCADE")
    )
    user_id: Mapped[str] = mapped_column(PlainText)
    request_id: Mapped[str] = mapped_column(PlainText)
    question: Mapped[str] = mapped_column(PlainText)
    task_id: Mapped[str] = mapped_column(PlainText)
    left: Mapped[Side] = mapped_column(AsJson(Side))
    right: Mapped[Side] = mapped_column(AsJson(Side))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    choice: Mapped[Choice | None] = mapped_column(words_of_enum(Choice))
    comment: Mapped[str] = mapped_column(PlainText)
    voted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def value(self) -> Duel:
        return Duel(
            id=self.id,
            campaign_id=self.campaign_id,
            user_id=self.user_id,
            question=self.question,
            left=self.left,
            right=self.right,
            asked_at=self.asked_at,
            task_id=self.task_id,
            choice=self.choice,
            comment=self.comment,
            voted_at=self.voted_at,
        )


class CaseRow(Base):
    """A regression case."""

    __tablename__ = "cases"
    __table_args__ = (Index(None, "owner"),)

    id: Mapped[str] = mapped_column(PlainText, primary_key=True)
    owner: Mapped[str] = mapped_column(PlainText)
    name: Mapped[str] = mapped_column(PlainText)
    prompt: Mapped[tuple[ChatMessage, ...]] = mapped_column(AsJson(tuple[ChatMessage, ...]))
    checks: Mapped[tuple[Check, ...]] = mapped_column(AsJson(tuple[Check, ...]))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sampling: Mapped[Sampling] = mapped_column(AsJson(Sampling))
    reference: Mapped[str] = mapped_column(PlainText)
    evidence_id: Mapped[str] = mapped_column(PlainText)

    def value(self) -> Case:
        return Case(
            id=self.id,
            owner=self.owner,
            name=self.name,
            prompt=self.prompt,
            checks=self.checks,
            created_at=self.created_at,
            sampling=self.sampling,
            reference=self.reference,
            evidence_id=self.evidence_id,
        )


class RunRow(Base):
    """One replay of cases."""

    __tablename__ = "runs"
    __table_args__ = (Index(None, "owner", "started_at"),)

    id: Mapped[str] = mapped_column(PlainText, primary_key=True)
    owner: Mapped[str] = mapped_column(PlainText)
    label: Mapped[str] = mapped_column(PlainText)
    model: Mapped[str] = mapped_column(PlainText)
    revision: Mapped[str] = mapped_column(PlainText)
    quantization: Mapped[str] = mapped_column(PlainText)
    engine: Mapped[str] = mapped_column(PlainText)
    preset: Mapped[PresetRef | None] = mapped_column(AsJson(PresetRef))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def value(self) -> Run:
        return Run(
            id=self.id,
            owner=self.owner,
            label=self.label,
            model=self.model,
            revision=self.revision,
            quantization=self.quantization,
            engine=self.engine,
            started_at=self.started_at,
            preset=self.preset,
            ended_at=self.ended_at,
        )


class ResultRow(Base):
    """The answer of one case in one run. A case that is deleted keeps its results."""

    __tablename__ = "results"

    run_id: Mapped[str] = mapped_column(
        PlainText, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True
    )
    case_id: Mapped[str] = mapped_column(PlainText, primary_key=True)
    answer: Mapped[str] = mapped_column(PlainText)
    verdict: Mapped[CaseVerdict] = mapped_column(words_of_enum(CaseVerdict))
    failed: Mapped[tuple[int, ...]] = mapped_column(AsJson(tuple[int, ...]), default=())
    error_code: Mapped[str] = mapped_column(PlainText)
    timing: Mapped[Timing | None] = mapped_column(AsJson(Timing))
    judged_by: Mapped[str] = mapped_column(PlainText)

    def value(self) -> Result:
        return Result(
            run_id=self.run_id,
            case_id=self.case_id,
            answer=self.answer,
            verdict=self.verdict,
            failed=self.failed,
            error_code=self.error_code,
            timing=self.timing,
            judged_by=self.judged_by,
        )
