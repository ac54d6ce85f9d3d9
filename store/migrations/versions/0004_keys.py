"""API keys, and what each has used by day."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_keys()
    create_key_spending()


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def create_keys() -> None:
    op.create_table(
        "api_keys",
        text("id"),
        text("token_hash"),
        text("owner"),
        text("name"),
        text("prefix"),
        text("scopes"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("used_at", TIME, nullable=True),
        sa.Column("revoked", sa.Boolean, nullable=False),
        sa.Column("requests_per_minute", sa.Integer, nullable=True),
        sa.Column("tokens_per_day", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("token_hash", name="uq_api_keys_token_hash"),
        sa.ForeignKeyConstraint(
            ["owner"], ["people.id"], name="fk_api_keys_owner", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_api_keys_owner", "api_keys", ["owner"])


def create_key_spending() -> None:
    op.create_table(
        "key_spending",
        text("key_id"),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("messages", sa.BigInteger, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "day", name="pk_key_spending"),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name="fk_key_spending_key_id", ondelete="CASCADE"
        ),
    )
