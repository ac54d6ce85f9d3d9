"""Pins, deletion that can be undone, files with questions, presets, and the index of words.

The index is made anew from the texts, by the code of the version that runs this: what it holds
must fit what that code looks for.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from store.search_index import index_of
from store.search_words import haystack

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
    index = index_of(connection.dialect.name)
    last = 0
    while texts := ended_after(connection, last):
        index.add(connection, texts)
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
