"""What the dashboard counts of answers gets columns of its own, and an index that holds all of it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
SPANS = ("queue_s", "ttft_s", "decode_tokens_per_s")
MESSAGES = sa.table(
    "messages",
    *(sa.column(name, sa.JSON) for name in ("usage", "timing", "provenance")),
    *(sa.column(name) for name in ("completion_tokens", *SPANS, "model")),
)


def upgrade() -> None:
    op.add_column("messages", sa.Column("completion_tokens", NUMBER))
    for name in SPANS:
        op.add_column("messages", sa.Column(name, sa.Double))
    op.add_column("messages", sa.Column("model", sa.Text))
    copy_what_is_there()
    create_index()


def copy_what_is_there() -> None:
    of = MESSAGES.c
    tokens = sa.cast(of.usage["completion_tokens"].as_string(), sa.BigInteger)
    spans = {name: sa.func.coalesce(of.timing[name].as_float(), 0.0) for name in SPANS}
    for column, values in (
        (of.usage, {"completion_tokens": tokens}),
        (of.timing, spans),
        (of.provenance, {"model": of.provenance["model"].as_string()}),
    ):
        op.execute(sa.update(MESSAGES).where(column.is_not(None)).values(values))


def create_index() -> None:
    here = sa.text("origin <> 'imported'")
    op.create_index(
        "ix_messages_happened",
        "messages",
        [
            *("created_at", "origin", "role", "status", "owner", "conversation_id", "error_code"),
            *("completion_tokens", *SPANS, "model"),
        ],
        sqlite_where=here,
        postgresql_where=here,
    )
