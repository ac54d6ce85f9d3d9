"""Distinguishes the tests' stores: in memory or in a database."""

from typing import TypeGuard

from store import RoutingStore
from store.conversations.store import DatabaseConversations
from tests.memory_store import MemoryStore

Store = MemoryStore | RoutingStore


def has_database(store: Store) -> TypeGuard[RoutingStore]:
    """Whether there is a database; a RoutingStore may have only a store in memory."""
    return isinstance(store, RoutingStore) and isinstance(store.database, DatabaseConversations)
