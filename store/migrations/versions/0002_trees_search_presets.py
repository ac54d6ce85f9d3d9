"""Pins, deletion that can be undone, files with questions, presets, and the index of words.

The index is filled from the texts with the tokens of this version, frozen below: an applied
migration imports nothing of ours. A later change of what a token is brings a migration that fills
the index anew.
"""

import re
from collections.abc import Iterator
from unicodedata import normalize

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TIME = sa.DateTime(timezone=True)
WORD = sa.String(32)
BATCH = 500

CONVERSATIONS = sa.table("conversations", sa.column("id"), sa.column("title"), sa.column("title_words"))
MESSAGES = sa.table(
    "messages", sa.column("sequence"), sa.column("content"), sa.column("status")
)


def upgrade() -> None:
    extend_conversations()
    extend_messages()
    create_presets()
    create_index()
    index_what_is_there(op.get_bind())


def extend_conversations() -> None:
    op.add_column(
        "conversations", sa.Column("title_words", sa.Text, nullable=False, server_default="")
    )
    op.add_column(
        "conversations",
        sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.add_column("conversations", sa.Column("deleted_at", TIME))
    op.drop_index("ix_conversations_owner_updated_at", "conversations")
    op.create_index(
        "ix_conversations_owner_pinned_updated_at",
        "conversations",
        ["owner", "pinned", "updated_at"],
    )
    index_deleted("conversations")


def extend_messages() -> None:
    op.add_column(
        "messages", sa.Column("attachments", sa.JSON, nullable=False, server_default="[]")
    )
    op.add_column("messages", sa.Column("origin", WORD, nullable=False, server_default="here"))
    op.add_column("messages", sa.Column("deleted_at", TIME))
    op.add_column(
        "messages", sa.Column("purged", sa.Boolean, nullable=False, server_default=sa.false())
    )
    index_deleted("messages")


def index_deleted(table: str) -> None:
    some = sa.text("deleted_at IS NOT NULL")
    op.create_index(
        f"ix_{table}_deleted_at", table, ["deleted_at"], sqlite_where=some, postgresql_where=some
    )


def create_presets() -> None:
    op.create_table(
        "presets",
        sa.Column("sequence", INTEGER, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("newest", sa.Integer, nullable=False),
        sa.Column("deleted_at", TIME),
        sa.PrimaryKeyConstraint("sequence", name="pk_presets"),
        sa.UniqueConstraint("id", name="uq_presets_id"),
    )
    op.create_index("ix_presets_owner", "presets", ["owner"])
    op.create_table(
        "preset_versions",
        sa.Column("preset_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("text", sa.JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("preset_id", "version", name="pk_preset_versions"),
        sa.ForeignKeyConstraint(
            ["preset_id"],
            ["presets.id"],
            name="fk_preset_versions_preset_id",
            ondelete="CASCADE",
        ),
    )


def create_index() -> None:
    if op.get_context().dialect.name == "sqlite":
        # Of the ASCII tokenizer every other character is a letter: tokens stay as they are given.
        op.execute(
            "CREATE VIRTUAL TABLE message_words "
            "USING fts5(words, tokenize = 'ascii', columnsize = 0)"
        )
        return
    op.create_table(
        "message_words",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column(
            "sequence",
            sa.BigInteger,
            sa.ForeignKey("messages.sequence", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("words", postgresql.TSVECTOR, nullable=False),
    )
    op.create_index("ix_message_words_sequence", "message_words", ["sequence"])
    op.create_index(
        "ix_message_words_words",
        "message_words",
        ["words"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},  # a search never waits for a list to be sorted in
    )


def index_what_is_there(connection: sa.Connection) -> None:
    """Titles, and the texts of what has ended; the others follow when they are interrupted."""
    for row in connection.execute(sa.select(CONVERSATIONS.c.id, CONVERSATIONS.c.title)).all():
        connection.execute(
            sa.update(CONVERSATIONS)
            .where(CONVERSATIONS.c.id == row.id)
            .values(title_words=haystack(row.title))
        )
    last = 0
    while texts := ended_after(connection, last):
        index_messages(connection, texts)
        last = max(texts)


def ended_after(connection: sa.Connection, sequence: int) -> dict[int, str]:
    rows = connection.execute(
        sa.select(MESSAGES.c.sequence, MESSAGES.c.content)
        .where(
            MESSAGES.c.sequence > sequence,
            MESSAGES.c.status.not_in(["pending", "streaming"]),
        )
        .order_by(MESSAGES.c.sequence)
        .limit(BATCH)
    )
    return {row.sequence: row.content for row in rows}


# --- tokens, as they were --------------------------------------------------------------------

CJK = (
    "\u1100-\u11ff\u2e80-\u2fd5\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u3096\u309d-\u309f"
    "\u30a1-\u30fa\u30fc-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97c\uac00-\ud7fb\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
)
VOICING = "\u3099\u309a\uff9e\uff9f"
ACCENTS = "\u0300-\u036f"
TOKEN = re.compile(rf"[{CJK}][{VOICING}]?|(?:[^\W_{CJK}]|[{ACCENTS}])+")
IDEOGRAPH = re.compile(f"[{CJK}]")
MOST_CHARACTERS = 100
PIECE, OVERLAP = 512, 64


def keys_of(text: str) -> Iterator[str]:
    """Runs of letters and digits without case and width; each CJK character by itself."""
    for match in TOKEN.finditer(text):
        word = match[0]
        if word.isascii():
            key = word.lower()
        elif IDEOGRAPH.match(word):
            key = letters(normalize("NFKC", word))
        else:
            key = letters(normalize("NFKD", word).casefold())
        if key:
            yield key[:MOST_CHARACTERS]


def letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


def haystack(text: str) -> str:
    return f" {' '.join(keys_of(text))} "


def index_messages(connection: sa.Connection, texts: dict[int, str]) -> None:
    if connection.dialect.name == "sqlite":
        statement = sa.text("INSERT INTO message_words (rowid, words) VALUES (:sequence, :words)")
        rows = [
            {"sequence": sequence, "words": words}
            for sequence, text in texts.items()
            if (words := haystack(text)).strip()
        ]
    else:
        statement = sa.text(
            "INSERT INTO message_words (sequence, words) VALUES (:sequence, CAST(:words AS TSVECTOR))"
        )
        rows = [
            {"sequence": sequence, "words": vector}
            for sequence, text in texts.items()
            for vector in vectors(text)
        ]
    if rows:
        connection.execute(statement, rows)


def vectors(text: str) -> Iterator[str]:
    """One vector for each piece of a text: PostgreSQL keeps 256 places of a token in a vector."""
    keys = list(keys_of(text))
    for start in range(0, max(len(keys) - OVERLAP, 1), PIECE - OVERLAP):
        if piece := keys[start : start + PIECE]:
            yield " ".join(f"'{key}':{place}" for place, key in enumerate(piece, 1))
