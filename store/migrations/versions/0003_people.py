"""People, their sessions, one-time links, guest links, what was used, and the audit log.

The log is append-only by the database's own word: not even a mistake of ours changes a line.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TIME = sa.DateTime(timezone=True)
WORD = sa.String(32)


def upgrade() -> None:
    create_guest_links()
    create_users()
    create_sessions()
    create_passes()
    create_spending()
    create_audit()


def text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def time(name: str) -> sa.Column[object]:
    return sa.Column(name, TIME, nullable=False)


def create_guest_links() -> None:
    op.create_table(
        "guest_links",
        text("id"),
        text("token_hash"),
        text("owner"),
        text("label"),
        time("created_at"),
        time("expires_at"),
        sa.Column("max_guests", sa.Integer, nullable=False),
        sa.Column("max_messages", sa.Integer, nullable=False),
        sa.Column("max_tokens", sa.BigInteger, nullable=False),
        text("preset_id", nullable=True),
        sa.Column("revoked", sa.Boolean, nullable=False),
        sa.Column("guests", sa.Integer, nullable=False),
        sa.Column("messages", sa.BigInteger, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_guest_links"),
        sa.UniqueConstraint("token_hash", name="uq_guest_links_token_hash"),
    )
    op.create_index("ix_guest_links_owner", "guest_links", ["owner"])


def create_users() -> None:
    op.create_table(
        "people",
        text("id"),
        text("name"),
        text("name_key", nullable=True),
        sa.Column("rank", WORD, nullable=False),
        time("created_at"),
        sa.Column("disabled", sa.Boolean, nullable=False),
        text("guest_link_id", nullable=True),
        text("password_hash", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("name_key", name="uq_people_name_key"),
        sa.ForeignKeyConstraint(
            ["guest_link_id"],
            ["guest_links.id"],
            name="fk_people_guest_link_id",
            ondelete="SET NULL",
        ),
    )
    op.create_index("ix_people_guest_link_id", "people", ["guest_link_id"])


def create_sessions() -> None:
    op.create_table(
        "sessions",
        text("id"),
        text("token_hash"),
        text("user_id"),
        time("created_at"),
        time("used_at"),
        time("expires_at"),
        text("device"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_sessions_token_hash"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["people.id"], name="fk_sessions_user_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])


def create_passes() -> None:
    op.create_table(
        "passes",
        text("token_hash"),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("rank", WORD, nullable=False),
        text("made_by"),
        time("expires_at"),
        text("user_id", nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name="pk_passes"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["people.id"], name="fk_passes_user_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_passes_user_id", "passes", ["user_id"])
    op.create_index("ix_passes_made_by", "passes", ["made_by"])


def create_spending() -> None:
    op.create_table(
        "spending",
        text("user_id"),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("messages", sa.BigInteger, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "day", name="pk_spending"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["people.id"], name="fk_spending_user_id", ondelete="CASCADE"
        ),
    )


def create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("sequence", NUMBER, autoincrement=True, nullable=False),
        time("at"),
        text("actor"),
        text("action"),
        text("target"),
        text("detail"),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    if op.get_context().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_refuses_{verb.lower()} BEFORE {verb} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_to_change_audit() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_refuses_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_audit()"
    )
