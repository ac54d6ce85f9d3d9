"""All SQL of the app: stores over SQLite or PostgreSQL, and one in memory for temporary chats."""

from store.routing import FILE_NAME, RoutingStore, open_store

__all__ = ["FILE_NAME", "RoutingStore", "open_store"]
