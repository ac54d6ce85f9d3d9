"""Tables of regression cases, runs and results."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from chat.evaluation.models import Case, CaseVerdict, Check, Result, Run
from chat.models import (
    ChatMessage,
    PresetRef,
    Sampling,
    Timing,
)
from store.schema.base import Base, words_of_enum
from store.schema.columns import AsJson, PlainText, UtcDateTime


class CaseRow(Base):
    """A regression case."""

    __tablename__ = "cases"
    __table_args__ = (Index(None, "owner"),)

    id: Mapped[str] = mapped_column(PlainText, primary_key=True)
    owner_id: Mapped[str] = mapped_column("owner", PlainText)
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
            owner_id=self.owner_id,
            name=self.name,
            prompt=self.prompt,
            checks=self.checks,
            created_at=self.created_at,
            sampling=self.sampling,
            reference=self.reference,
            evidence_id=self.evidence_id,
        )


class RunRow(Base):
    """One run of cases."""

    __tablename__ = "runs"
    __table_args__ = (Index(None, "owner", "started_at"),)

    id: Mapped[str] = mapped_column(PlainText, primary_key=True)
    owner_id: Mapped[str] = mapped_column("owner", PlainText)
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
            owner_id=self.owner_id,
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
