"""Query functions as async methods of a store: one hop between a port and its SQL.

A query is a function that takes a SQLAlchemy session and then what the port's method takes. A store
class lists which function is which method:

    class DatabaseCases(DatabaseStore):
        case = Read(cases.case)
        delete = Destroy(cases.delete_case)

Each call is one transaction. The type checker reads the method's signature off the function, so a
class still has to match its port.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from sqlalchemy.orm import Session

from store.transactions import Transactions

Clock = Callable[[], datetime]

P = ParamSpec("P")
T = TypeVar("T")


def utc_now() -> datetime:
    return datetime.now(UTC)


class DatabaseStore:
    """A part of the store over one database. Its methods raise BadText and StoreFailed."""

    def __init__(self, transactions: Transactions, clock: Clock = utc_now) -> None:
        self.transactions = transactions
        self.clock = clock


class _Query(ABC, Generic[P, T]):
    """A descriptor that binds a query function to the transactions of its store."""

    def __init__(self, function: Callable[Concatenate[Session, P], T]) -> None:
        self._function = function

    def __get__(
        self, store: DatabaseStore, owner: type[DatabaseStore]
    ) -> Callable[P, Coroutine[Any, Any, T]]:
        def call(*args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
            return self._run(store.transactions, *args, **kwargs)

        return call

    @abstractmethod
    def _run(
        self, transactions: Transactions, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]: ...


class Read(_Query[P, T]):
    """A query that changes nothing."""

    def _run(
        self, transactions: Transactions, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        return transactions.read(self._function, *args, **kwargs)


class Write(_Query[P, T]):
    """A query that changes rows."""

    def _run(
        self, transactions: Transactions, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        return transactions.write(self._function, *args, **kwargs)


class Destroy(_Query[P, T]):
    """A query that deletes rows, whose content is then removed from the database's log as well."""

    def _run(
        self, transactions: Transactions, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        return transactions.destroy(self._function, *args, **kwargs)


class TimedWrite(Generic[P, T]):
    """A query that changes rows and takes the time of the store's clock after the session."""

    def __init__(self, function: Callable[Concatenate[Session, datetime, P], T]) -> None:
        self._function = function

    def __get__(
        self, store: DatabaseStore, owner: type[DatabaseStore]
    ) -> Callable[P, Coroutine[Any, Any, T]]:
        def call(*args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
            return store.transactions.write(self._function, store.clock(), *args, **kwargs)

        return call
