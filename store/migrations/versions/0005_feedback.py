"""Campaigns and who takes part, rated answers, ratings and reviews, votes, regression cases."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TIME = sa.DateTime(timezone=True)
WORD = sa.String(32)


def upgrade() -> None:
    op.add_column("conversations", text("campaign_id", nullable=True))
    op.create_index("ix_conversations_campaign_id", "conversations", ["campaign_id"])
    op.add_column("guest_links", text("campaign_id", nullable=True))
    create_campaigns()
    create_participants()
    create_evidence()
    create_ratings()
    create_reviews()
    create_duels()
    create_cases()
    create_runs()


def text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def time(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, TIME, nullable=nullable)


def json(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.JSON, nullable=nullable)


def word(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, WORD, nullable=nullable)


def of_campaign(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_campaign_id"
    return sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name, ondelete="CASCADE")


def of_evidence(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_evidence_id"
    return sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name, ondelete="CASCADE")


def create_campaigns() -> None:
    op.create_table(
        "campaigns",
        text("id"),
        text("owner"),
        json("plan"),
        sa.Column("plan_version", sa.Integer, nullable=False),
        time("created_at"),
        time("closed_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
    )
    op.create_index("ix_campaigns_owner", "campaigns", ["owner"])


def create_participants() -> None:
    op.create_table(
        "participants",
        text("campaign_id"),
        text("user_id"),
        time("joined_at"),
        time("consented_at", nullable=True),
        text("consent_sha256"),
        sa.Column("variant", sa.Integer),
        json("done"),
        json("survey"),
        time("survey_sent_at", nullable=True),
        time("seen_at", nullable=True),
        text("page_language"),
        of_campaign("participants"),
        sa.PrimaryKeyConstraint("campaign_id", "user_id", name="pk_participants"),
    )
    op.create_index("ix_participants_user_id", "participants", ["user_id"])


def create_evidence() -> None:
    op.create_table(
        "evidence",
        sa.Column("sequence", NUMBER, nullable=False),
        text("id"),
        text("answer_id"),
        text("owner"),
        word("door"),
        json("prompt"),
        text("answer"),
        word("status"),
        time("made_at"),
        word("finish", nullable=True),
        json("usage", nullable=True),
        json("timing", nullable=True),
        json("provenance", nullable=True),
        text("conversation_id"),
        text("campaign_id", nullable=True),
        sa.Column("variant", sa.Integer),
        text("language"),
        text("page_language"),
        text("model"),
        text("preset_id"),
        sa.Column("preset_version", sa.Integer),
        text("words"),
        time("rated_at"),
        of_campaign("evidence"),
        sa.PrimaryKeyConstraint("sequence", name="pk_evidence"),
        sa.UniqueConstraint("id", name="uq_evidence_id"),
        sa.UniqueConstraint("owner", "answer_id", name="uq_evidence_owner_answer_id"),
    )
    op.create_index("ix_evidence_campaign_id_rated_at", "evidence", ["campaign_id", "rated_at"])
    for column in ("rated_at", "preset_id", "model"):
        op.create_index(f"ix_evidence_{column}", "evidence", [column])


def create_ratings() -> None:
    op.create_table(
        "ratings",
        sa.Column("sequence", NUMBER, nullable=False),
        text("evidence_id"),
        text("rater"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("newest", sa.Boolean, nullable=False),
        word("verdict", nullable=True),
        text("reasons"),
        text("comment"),
        text("correction", nullable=True),
        time("rated_at"),
        of_evidence("ratings"),
        sa.PrimaryKeyConstraint("sequence", name="pk_ratings"),
        sa.UniqueConstraint(
            "evidence_id", "rater", "version", name="uq_ratings_evidence_id_rater_version"
        ),
    )
    op.create_index("ix_ratings_evidence_id_newest", "ratings", ["evidence_id", "newest"])
    op.create_index("ix_ratings_newest_verdict", "ratings", ["newest", "verdict"])
    op.create_index("ix_ratings_rater", "ratings", ["rater"])


def create_reviews() -> None:
    op.create_table(
        "reviews",
        text("evidence_id"),
        text("reviewer"),
        time("reviewed_at"),
        word("state", nullable=True),
        text("assignee"),
        text("note"),
        of_evidence("reviews"),
        sa.PrimaryKeyConstraint("evidence_id", name="pk_reviews"),
    )
    for column in ("state", "assignee"):
        op.create_index(f"ix_reviews_{column}", "reviews", [column])


def create_duels() -> None:
    op.create_table(
        "duels",
        text("id"),
        text("campaign_id"),
        text("user_id"),
        text("request_id"),
        text("question"),
        text("task_id"),
        json("left"),
        json("right"),
        time("asked_at"),
        word("choice", nullable=True),
        text("comment"),
        time("voted_at", nullable=True),
        of_campaign("duels"),
        sa.PrimaryKeyConstraint("id", name="pk_duels"),
        sa.UniqueConstraint("user_id", "request_id", name="uq_duels_user_id_request_id"),
    )
    op.create_index("ix_duels_campaign_id_asked_at", "duels", ["campaign_id", "asked_at"])


def create_cases() -> None:
    op.create_table(
        "cases",
        text("id"),
        text("owner"),
        text("name"),
        json("prompt"),
        json("checks"),
        time("created_at"),
        json("sampling"),
        text("reference"),
        text("evidence_id"),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
    )
    op.create_index("ix_cases_owner", "cases", ["owner"])


def create_runs() -> None:
    op.create_table(
        "runs",
        text("id"),
        text("owner"),
        text("label"),
        text("model"),
        text("revision"),
        text("quantization"),
        text("engine"),
        json("preset", nullable=True),
        time("started_at"),
        time("ended_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_owner_started_at", "runs", ["owner", "started_at"])
    op.create_table(
        "results",
        text("run_id"),
        text("case_id"),
        text("answer"),
        word("verdict"),
        json("failed"),
        text("error_code"),
        json("timing", nullable=True),
        text("judged_by"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name="fk_results_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "case_id", name="pk_results"),
    )
