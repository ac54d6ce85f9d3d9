"""What the dashboard counts of answers gets columns of its own, and an index that holds all of it.

The language of each is found from its text, by a rule that is frozen below: an applied migration
imports nothing of ours.
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
BATCH = 500
SPANS = ("queue_s", "ttft_s", "total_s", "decode_tokens_per_s")
MESSAGES = sa.table(
    "messages",
    *(sa.column(name, sa.JSON) for name in ("usage", "timing", "provenance")),
    *(sa.column(name) for name in ("completion_tokens", *SPANS, "model", "language")),
    *(sa.column(name) for name in ("sequence", "role", "content", "status")),
)


def upgrade() -> None:
    op.add_column("messages", sa.Column("completion_tokens", NUMBER))
    for name in SPANS:
        op.add_column("messages", sa.Column(name, sa.Double))
    op.add_column("messages", sa.Column("model", sa.Text))
    op.add_column("messages", sa.Column("language", sa.Text))
    copy_what_is_there()
    store_languages(op.get_bind())
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


def store_languages(connection: sa.Connection) -> None:
    """Of answers that have ended; the others get theirs when they are interrupted."""
    of = MESSAGES.c
    update = (
        sa.update(MESSAGES)
        .where(of.sequence == sa.bindparam("number"))
        .values(language=sa.bindparam("spoken"))
    )
    last = 0
    while texts := ended_after(connection, last):
        languages = [
            {"number": number, "spoken": spoken}
            for number, text in texts.items()
            if (spoken := language_of(text))
        ]
        if languages:
            connection.execute(update, languages)
        last = max(texts)


def ended_after(connection: sa.Connection, sequence: int) -> dict[int, str]:
    of = MESSAGES.c
    rows = connection.execute(
        sa.select(of.sequence, of.content)
        .where(
            of.sequence > sequence,
            of.role == "assistant",
            of.status.not_in(["pending", "streaming"]),
        )
        .order_by(of.sequence)
        .limit(BATCH)
    )
    return {row.sequence: row.content for row in rows}


def create_index() -> None:
    here = sa.text("origin <> 'imported'")
    op.create_index(
        "ix_messages_happened",
        "messages",
        [
            *("created_at", "origin", "role", "status", "owner", "conversation_id", "error_code"),
            *("completion_tokens", *SPANS, "model", "language"),
        ],
        sqlite_where=here,
        postgresql_where=here,
    )


HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
WORD = re.compile(r"[^\W\d_\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+")


def language_of(text: str) -> str:
    """ "zh" where at least half of the words are Chinese characters, else "en"; empty for no word."""
    characters, words = len(HAN.findall(text)), len(WORD.findall(text))
    if not characters + words:
        return ""
    return "zh" if characters >= words else "en"
