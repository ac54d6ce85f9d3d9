"""What changed between two texts, word by word. Pure; how it is shown is up to pages."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from enum import StrEnum

WORDS = re.compile(r"\s+|[A-Za-z0-9_]+|.", re.DOTALL)
"""A Chinese sign is a word, as is every mark."""

LINES = re.compile(r"[^\n]*\n|[^\n]+")
MOST_PAIRS = 1_000_000
"""Of words; texts with more are compared line by line, and still longer ones not at all."""


class Change(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


def differences(before: str, after: str) -> Sequence[tuple[Change, str]]:
    """Pieces, in order: SAME and REMOVED together are `before`, SAME and ADDED are `after`."""
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
