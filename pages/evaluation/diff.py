"""Differences of texts as HTML: one text with both, or two side by side."""

from collections.abc import Sequence
from html import escape

from chat.diff import Change, differences

TAGS = {Change.SAME: "{}", Change.REMOVED: "<del>{}</del>", Change.ADDED: "<ins>{}</ins>"}


def in_one(before: str, after: str) -> str:
    """One text, with what went and what came."""
    return _html(differences(before, after), set(Change))


def side_by_side(before: str, after: str) -> tuple[str, str]:
    """Each of the two, with what is its own marked."""
    pieces = differences(before, after)
    return _html(pieces, {Change.SAME, Change.REMOVED}), _html(pieces, {Change.SAME, Change.ADDED})


def _html(pieces: Sequence[tuple[Change, str]], shown: set[Change]) -> str:
    return "".join(TAGS[change].format(escape(text)) for change, text in pieces if change in shown)
