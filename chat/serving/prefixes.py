"""Which prefixes of prompts each user has sent before.

The engine's prefix cache may be shared, so its count of reused tokens would tell one user that
another one had sent the same text. A user sees reuse of their own prefixes only.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from cachetools import LRUCache

from chat.models import ChatMessage
from chat.tools import Tool

MAX_USERS = 1000
MAX_PREFIXES = 4096
"""For each user; the least recently used is dropped, and its reuse is no longer reported."""


class SeenPrefixes:
    """The prefixes that each user has sent, as digests."""

    def __init__(self) -> None:
        self._users: LRUCache[str, LRUCache[bytes, None]] = LRUCache(MAX_USERS)

    def note(
        self, user_id: str, messages: Iterable[ChatMessage], tools: Sequence[Tool] = ()
    ) -> None:
        """Record that this user sent or received these messages, after these tools."""
        prefixes = self._users.setdefault(user_id, LRUCache(MAX_PREFIXES))
        for digest in _digests(messages, tools):
            prefixes[digest] = None

    def seen_messages(
        self, user_id: str, messages: Sequence[ChatMessage], tools: Sequence[Tool] = ()
    ) -> int:
        """The length, in messages, of the longest prefix that this user sent before."""
        prefixes = self._users.get(user_id, ())
        count = 0
        for digest in _digests(messages, tools):
            if digest not in prefixes:
                break
            count += 1
        return count


def _digests(messages: Iterable[ChatMessage], tools: Sequence[Tool]) -> Iterator[bytes]:
    """One digest for each prefix: the first message, the first two, and so on."""
    digest = repr(tools).encode() if tools else b""
    for message in messages:
        text = f"{message.role.value}\0{message.content}\0{message.calls or ''}".encode()
        digest = hashlib.blake2b(digest + text, digest_size=12).digest()
        yield digest
