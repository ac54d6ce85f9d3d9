"""Which beginnings of prompts each person has sent before.

The engine's prefix cache is shared, so its count of reused tokens would tell one person that
another had sent the same text. Here is what may be said: only what was that person's own.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from cachetools import LRUCache

from chat.models import ChatMessage
from chat.tools import Tool

MAX_PEOPLE = 1000
MAX_PREFIXES = 4096
"""Per person; beyond it the oldest is forgotten, and what it made faster is not counted."""


class SeenPrefixes:
    """The beginnings that each person has sent, as digests."""

    def __init__(self) -> None:
        self._people: LRUCache[str, LRUCache[bytes, None]] = LRUCache(MAX_PEOPLE)

    def note(
        self, user_id: str, messages: Iterable[ChatMessage], tools: Sequence[Tool] = ()
    ) -> None:
        """This person has sent, or been sent, these messages in this order, behind these tools."""
        known = self._people.setdefault(user_id, LRUCache(MAX_PREFIXES))
        for digest in _digests(messages, tools):
            known[digest] = None

    def known(
        self, user_id: str, messages: Sequence[ChatMessage], tools: Sequence[Tool] = ()
    ) -> int:
        """How many messages at the beginning this person has sent before, in this order."""
        prefixes = self._people.get(user_id, ())
        count = 0
        for digest in _digests(messages, tools):
            if digest not in prefixes:
                break
            count += 1
        return count


def _digests(messages: Iterable[ChatMessage], tools: Sequence[Tool]) -> Iterator[bytes]:
    """One digest for each beginning: of the first message, the first two, and so on."""
    digest = repr(tools).encode() if tools else b""
    for message in messages:
        text = f"{message.role.value}\0{message.content}\0{message.calls or ''}".encode()
        digest = hashlib.blake2b(digest + text, digest_size=12).digest()
        yield digest
