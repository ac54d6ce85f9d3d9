"""Tables of campaigns, participants and comparisons."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from chat.campaigns.models import (
    Campaign,
    Comparison,
    EarlierVote,
    Participant,
    Plan,
    Side,
    SurveyAnswers,
    VoteChoice,
)
from store.schema.base import Base, words_of_enum
from store.schema.columns import AsJson, PlainText, UtcDateTime


class CampaignRow(Base):
    """A campaign; `plan_version` counts the changes of its plan."""

    __tablename__ = "campaigns"
    __table_args__ = (Index(None, "owner"),)

    id: Mapped[str] = mapped_column(PlainText, primary_key=True)
    owner_id: Mapped[str] = mapped_column("owner", PlainText)
    plan: Mapped[Plan] = mapped_column(AsJson(Plan))
    plan_version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_draft: Mapped[bool] = mapped_column("draft", server_default=false())
    paused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    notice: Mapped[str] = mapped_column(PlainText, default="", server_default="")

    def value(self) -> Campaign:
        return Campaign(
            id=self.id,
            owner_id=self.owner_id,
            plan=self.plan,
            created_at=self.created_at,
            plan_version=self.plan_version,
            closed_at=self.closed_at,
            is_draft=self.is_draft,
            paused_at=self.paused_at,
            notice=self.notice,
        )


class ParticipantRow(Base):
    """A participant of a campaign."""

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
    survey: Mapped[SurveyAnswers] = mapped_column(AsJson(dict[str, str | int]), default=dict)
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


class ComparisonRow(Base):
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
    choice: Mapped[VoteChoice | None] = mapped_column(words_of_enum(VoteChoice))
    comment: Mapped[str] = mapped_column(PlainText)
    voted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    skip_reason: Mapped[str] = mapped_column(PlainText, server_default="")
    earlier_votes: Mapped[tuple[EarlierVote, ...]] = mapped_column(
        AsJson(tuple[EarlierVote, ...]), default=(), server_default="[]"
    )

    def value(self) -> Comparison:
        return Comparison(
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
            skip_reason=self.skip_reason,
            earlier_votes=self.earlier_votes or (),
        )
