"""Column types: text that every database can hold, times in UTC, values of the domain as JSON."""

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import JSON, DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

from chat.errors import BadText

T = TypeVar("T")


def plain(text: str) -> str:
    """Returns the text. Raises BadText for a lone surrogate (not UTF-8) or NUL (PostgreSQL)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadText from None
    if "\0" in text:
        raise BadText
    return text


class PlainText(TypeDecorator[str]):
    """Text that every database can hold, checked wherever it is written or compared.

    SQLAlchemy wraps the BadText in a StatementError.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else plain(value)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware times in UTC. SQLite stores no time zone, so UTC is attached when reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class AsJson(TypeDecorator[T]):
    """A frozen dataclass as a JSON object.

    Reading takes the fields it knows and leaves the others at their defaults, so a field can be
    added (with a default) or removed without a migration.
    """

    impl = JSON(none_as_null=True)
    cache_ok = True

    def __init__(self, kind: type[T]) -> None:
        super().__init__()
        self.kind = kind
        self._adapter = TypeAdapter(kind)

    def process_bind_param(self, value: T | None, dialect: Dialect) -> Any:
        return None if value is None else _storable(self._adapter.dump_python(value, mode="json"))

    def process_result_value(self, value: Any, dialect: Dialect) -> T | None:
        return None if value is None else self._adapter.validate_python(value)


def _storable(value: Any) -> Any:
    """JSON that every database accepts: plain text, no None, NaN or infinity."""
    match value:
        case str():
            return plain(value)
        case float():
            return value if isfinite(value) else None
        case list():
            return [_storable(item) for item in value]
        case dict():
            clean = {name: _storable(item) for name, item in value.items()}
            return {name: item for name, item in clean.items() if item is not None}
    return value


def refuse_bad_text(*values: object) -> None:
    """Raises BadText if any text within the values is not plain."""
    for value in values:
        match value:
            case str():
                plain(value)
            case tuple() | list():
                refuse_bad_text(*value)
            case _ if is_dataclass(value):
                refuse_bad_text(*(getattr(value, item.name) for item in fields(value)))
