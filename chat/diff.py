"""The word-level diff of two texts. Pure; pages render it."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from enum import StrEnum

WORDS = re.compile(r"\s+|[A-Za-z0-9_]+|.", re.DOTALL)
"""A Chinese character is a word, as is a punctuation mark."""

LINES = re.compile(r"[^\n]*\n|[^\n]+")
MOST_PAIRS = 1_000_000
"""Word pairs to compare; longer texts are compared by line, and still longer ones not at all."""


class Change(StrEnum):
    """The kind of a piece of a diff."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


def differences(before: str, after: str) -> Sequence[tuple[Change, str]]:
    """Pieces in order: SAME and REMOVED make up `before`, SAME and ADDED make up `after`."""
    for parts in (WORDS, LINES):
        old, new = parts.findall(before), parts.findall(after)
        if len(old) * len(new) <= MOST_PAIRS:
            return list(_compare(old, new))
    return [(Change.REMOVED, before), (Change.ADDED, after)]


def _compare(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[Change, str]]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for kind, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        removed, added = "".join(old[old_from:old_to]), "".join(new[new_from:new_to])
        if kind == "equal":
            yield Change.SAME, removed
            continue
        if removed:
            yield Change.REMOVED, removed
        if added:
            yield Change.ADDED, added
