"""Which messages hold a word: an index beside the messages, of its own kind in each database.

Both get the tokens of `store.search_words`, so no database decides what a word is; and tokens are
letters and digits, so nothing a user types can be syntax.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Executable,
    ScalarSelect,
    Select,
    any_,
    cast,
    column,
    delete,
    func,
    insert,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.orm import Session

from store.schema.conversations import MessageRow
from store.search_words import MOST_TOKENS, SearchWord, haystack, tokens_of

TABLE = "message_words"
"""Created by a migration. SQLite's FTS shadow tables begin with the same name."""

PIECE = 512
"""Tokens per tsvector. PostgreSQL stores 256 positions per lexeme, up to position 16,383."""


class MessageIndex(Protocol):
    """Finds messages by their `sequence`, inside the caller's transaction."""

    def add(self, session: Session | Connection, texts: Mapping[int, str]) -> None:
        """Index these messages, which must not be in the index yet."""

    def remove(self, session: Session, sequences: Select[int]) -> None: ...

    def wipe(self, session: Session) -> None:
        """Remove deleted text from the index's own pages. Scans the whole index."""

    def holding(self, words: Sequence[SearchWord]) -> Sequence[ColumnElement[bool]]:
        """Conditions on a message that together require all these words."""


def index_of(dialect: str) -> MessageIndex:
    return SqliteIndex() if dialect == "sqlite" else PostgresIndex()


class SqliteIndex:
    """An FTS5 table; the rowid is the message's `sequence`."""

    _words = table(TABLE, column("rowid"), column("words"), column(TABLE))

    def add(self, session: Session | Connection, texts: Mapping[int, str]) -> None:
        _insert(
            session,
            insert(self._words),
            [
                {"rowid": sequence, "words": hay}
                for sequence, text in texts.items()
                if (hay := haystack(text)).strip()
            ],
        )

    def remove(self, session: Session, sequences: Select[int]) -> None:
        session.execute(delete(self._words).where(self._words.c.rowid.in_(sequences)))

    def wipe(self, session: Session) -> None:
        # FTS5 only marks a removed row as deleted until the segments with its words are merged.
        session.execute(insert(self._words).values({TABLE: "optimize"}))

    def holding(self, words: Sequence[SearchWord]) -> Sequence[ColumnElement[bool]]:
        query = " AND ".join(
            f'"{" ".join(word.keys)}"' + ("*" if word.begins else "") for word in words
        )
        matching = select(self._words.c.rowid).where(self._words.c[TABLE].match(query))
        return [MessageRow.sequence.in_(matching)]


class PostgresIndex:
    """tsvectors: a message has one for each piece; pieces overlap by the longest word."""

    _words = table(TABLE, column("sequence"), column("words", TSVECTOR))

    def add(self, session: Session | Connection, texts: Mapping[int, str]) -> None:
        _insert(
            session,
            insert(self._words),
            [
                {"sequence": sequence, "words": vector}
                for sequence, text in texts.items()
                for vector in _vectors(text)
            ],
        )

    def remove(self, session: Session, sequences: Select[int]) -> None:
        session.execute(delete(self._words).where(self._words.c.sequence.in_(sequences)))

    def wipe(self, session: Session) -> None:
        """Nothing to do: autovacuum removes dead rows."""

    def holding(self, words: Sequence[SearchWord]) -> Sequence[ColumnElement[bool]]:
        # As an array the subquery runs once. With a plain IN the planner, until it has statistics
        # of new rows, searches the index again for every message.
        return [
            MessageRow.sequence == any_(func.array(self._with(word), type_=ARRAY(BigInteger)))
            for word in words
        ]

    def _with(self, word: SearchWord) -> ScalarSelect[int]:
        query = " <-> ".join(f"'{key}'" for key in word.keys) + (":*" if word.begins else "")
        matching = self._words.c.words.op("@@")(cast(query, TSQUERY))
        return select(self._words.c.sequence).where(matching).scalar_subquery()


def _vectors(text: str) -> list[str]:
    keys = [token.key for token in tokens_of(text)]
    starts = range(0, max(len(keys) - MOST_TOKENS, 1), PIECE - MOST_TOKENS)
    pieces = [keys[start : start + PIECE] for start in starts if keys]
    return [" ".join(f"'{key}':{place}" for place, key in enumerate(piece, 1)) for piece in pieces]


def _insert(
    session: Session | Connection, statement: Executable, rows: list[dict[str, object]]
) -> None:
    if rows:
        session.execute(statement, rows)
