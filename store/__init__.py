"""The only home of SQL: conversations on disk, each row with its owner."""

from store.database import DatabaseStore, open_store

__all__ = ["DatabaseStore", "open_store"]
