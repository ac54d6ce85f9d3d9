"""The declarative base of every table."""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Enum,
    Integer,
    MetaData,
)
from sqlalchemy.orm import DeclarativeBase

NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""Of rows: SQLite counts up only what is called INTEGER."""


class Base(DeclarativeBase):
    """Names of constraints are fixed, so that a migration can name what it changes."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )


def words_of_enum(kind: type[StrEnum]) -> Enum:
    """An enum as its values in a text column: a new word needs no migration."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )
