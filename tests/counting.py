"""Stores whose calls are counted by name."""

from collections import Counter
from typing import Any

from store import RoutingStore
from store.conversations.memory import TemporaryStore
from store.conversations.store import DatabaseConversations


class Counting:
    """A store with the methods of another; `calls` counts them."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._store, name)
        if not callable(value):
            return value

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            return value(*args, **kwargs)

        return counted


class CountingStore(RoutingStore):
    """A database whose store of accounts is counted."""

    def __init__(self, database: DatabaseConversations, temporary: TemporaryStore) -> None:
        super().__init__(database, temporary)
        self._accounts = Counting(super().accounts)

    @property
    def accounts(self) -> Any:
        return self._accounts

    @property
    def calls(self) -> Counter[str]:
        """Of the store of accounts."""
        return self._accounts.calls
