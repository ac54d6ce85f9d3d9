"""Which of the tests' stores lies in a database."""

from typing import TypeGuard

from store import RoutingStore
from store.conversations.store import DatabaseConversations
from tests.memory_store import MemoryStore

Store = MemoryStore | RoutingStore


def has_database(store: Store) -> TypeGuard[RoutingStore]:
    """A store that routes may also have a store in memory behind it."""
    return isinstance(store, RoutingStore) and isinstance(store.database, DatabaseConversations)
