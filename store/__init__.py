"""The only home of SQL: conversations on disk, each row with its owner; some in memory alone."""

from store.routing import FILE_NAME, RoutingStore, open_store

__all__ = ["FILE_NAME", "RoutingStore", "open_store"]
