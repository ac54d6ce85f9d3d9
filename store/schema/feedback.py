"""The tables of ratings, campaigns, votes and cases, and how their rows become values.

Owners and raters have no foreign key: the one local user has no account.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from chat.feedback.models import AnswerSnapshot, Rating, RatingInput, Review, ReviewState, Verdict
from chat.models import (
    ChatMessage,
    Finish,
    Provenance,
    Status,
    Timing,
    Usage,
)
from chat.serving.observer import Source
from store.schema.base import NUMBER, Base, words_of_enum
from store.schema.columns import AsJson, PlainText, UtcDateTime


class AnswerSnapshotRow(Base):
    """A snapshot of a rated answer. Fields that results are filtered by are columns.

    `words` is the searchable text in its compared form; `rated_at` is the time of the last
    rating.
    """

    __tablename__ = "evidence"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("owner", "answer_id"),
        Index(None, "campaign_id", "rated_at"),
        # Covering index: rows are long, and filters must not read them.
        Index(None, "rated_at", "id", "campaign_id", "preset_id", "model", "language"),
        Index(None, "conversation_id"),
    )

    sequence: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    id: Mapped[str] = mapped_column(PlainText)
    answer_id: Mapped[str] = mapped_column(PlainText)
    owner_id: Mapped[str] = mapped_column("owner", PlainText)
    source: Mapped[Source] = mapped_column("door", words_of_enum(Source))
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

    def value(self) -> AnswerSnapshot:
        return AnswerSnapshot(
            id=self.id,
            answer_id=self.answer_id,
            owner_id=self.owner_id,
            source=self.source,
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
    user_id: Mapped[str] = mapped_column("rater", PlainText)
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
            snapshot_id=self.evidence_id,
            user_id=self.user_id,
            version=self.version,
            rating_input=RatingInput(self.verdict, reasons, self.comment, self.correction),
            rated_at=self.rated_at,
        )


class ReviewRow(Base):
    """The review of a rated answer."""

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
