"""Rows of ratings, campaigns, votes and cases, for the tests of their stores."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from chat.campaigns.models import Mode, Plan, Side, Variant
from chat.feedback.models import AnswerSnapshot, RatingInput, Verdict
from chat.models import ChatMessage, PresetRef, Role, Status
from chat.serving.observer import Source
from store import RoutingStore
from store.schema.base import Base
from store.schema.campaigns import CampaignRow, ComparisonRow, ParticipantRow
from store.schema.evaluation import CaseRow, ResultRow, RunRow
from store.schema.feedback import AnswerSnapshotRow, RatingRow, ReviewRow
from tests.contract.stores import ENDED, START
from tests.contract.users import ANN

LATER = START + timedelta(hours=1)
BAD = RatingInput(Verdict.DOWN, ("wrong-facts", "other"), "not so 不对", "Paris\nis it")
assert ENDED.provenance
SNAPSHOT = AnswerSnapshot(
    id="evidence",
    answer_id="answer",
    owner_id=ANN.id,
    source=Source.PAGE,
    prompt=(
        ChatMessage(Role.SYSTEM, "Be brief."),
        ChatMessage(Role.USER, "Capital of France? 首都"),
    ),
    answer="Lyon 里昂",
    status=Status.STOPPED,
    made_at=START,
    finish=ENDED.finish,
    usage=ENDED.usage,
    timing=ENDED.timing,
    provenance=replace(ENDED.provenance, preset=PresetRef("maths", 3)),
    conversation_id="conversation",
    language="zh",
    page_language="en",
)
PLAN = Plan("Which is better?", Mode.SINGLE, (Variant("A"), Variant("B")), reasons=("dull",))
TABLES: tuple[type[Base], ...] = (
    CampaignRow,
    ParticipantRow,
    AnswerSnapshotRow,
    RatingRow,
    ReviewRow,
    ComparisonRow,
    CaseRow,
    RunRow,
    ResultRow,
)


async def add_rows(store: RoutingStore, *rows: Base) -> None:
    """Add the rows one after the other: a row may refer to an earlier one."""

    def write(session: Session) -> None:
        for row in rows:
            session.add(row)
            session.flush()

    await store.feedback.ratings.transactions.write(write)


async def count_rows(store: RoutingStore) -> Counter[str]:
    """The number of rows by table; empty tables are omitted."""

    def read(session: Session) -> Counter[str]:
        return Counter(
            {
                table.__tablename__: count
                for table in TABLES
                if (count := session.scalar(select(func.count()).select_from(table)) or 0)
            }
        )

    return await store.feedback.ratings.transactions.read(read)


def campaign(owner_id: str, mode: Mode = Mode.SINGLE) -> CampaignRow:
    plan = replace(PLAN, mode=mode)
    return CampaignRow(
        id="campaign", owner_id=owner_id, plan=plan, plan_version=1, created_at=START
    )


def participant(user_id: str, variant: int | None = None) -> ParticipantRow:
    return ParticipantRow(campaign_id="campaign", user_id=user_id, joined_at=START, variant=variant)


def comparison(user_id: str) -> ComparisonRow:
    """Between the answers "answer", of the second variant, and "other"."""
    return ComparisonRow(
        id=f"duel of {user_id}",
        campaign_id="campaign",
        user_id=user_id,
        request_id="request",
        question="Which?",
        task_id="",
        left=Side(1, "conversation", "answer"),
        right=Side(0, "elsewhere", "other"),
        asked_at=START,
        comment="",
    )


def review(snapshot_id: str, reviewer: str, assignee: str = "") -> ReviewRow:
    return ReviewRow(
        evidence_id=snapshot_id, reviewer=reviewer, reviewed_at=START, assignee=assignee, note=""
    )


def case(case_id: str, owner_id: str, snapshot_id: str = "") -> CaseRow:
    return CaseRow(
        id=case_id,
        owner_id=owner_id,
        name="A case",
        prompt=SNAPSHOT.prompt,
        checks=(),
        created_at=START,
        sampling=ENDED.provenance.sampling if ENDED.provenance else None,
        reference="",
        evidence_id=snapshot_id,
    )


def run(owner_id: str) -> RunRow:
    return RunRow(
        id=f"run of {owner_id}",
        owner_id=owner_id,
        label="",
        model="m",
        revision="r",
        quantization="none",
        engine="local",
        started_at=START,
    )


def result(run_owner: str, case_id: str, judge: str = "") -> ResultRow:
    return ResultRow(
        run_id=f"run of {run_owner}",
        case_id=case_id,
        answer="Lyon",
        verdict="failed",
        error_code="",
        judged_by=judge,
    )
