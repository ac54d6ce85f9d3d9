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
"""The type of row numbers: SQLite increments only columns declared INTEGER."""


class Base(DeclarativeBase):
    """Constraint names follow a convention, so that migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )


def words_of_enum(kind: type[StrEnum]) -> Enum:
    """An enum stored as text: a new member needs no migration."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )
