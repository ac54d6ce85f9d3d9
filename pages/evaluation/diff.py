"""Differences of texts as HTML: one text with both versions, or two side by side."""

from collections.abc import Sequence

from markupsafe import Markup

from chat.diff import Change, differences
from pages.html import render_fragment


def in_one(before: str, after: str) -> Markup:
    """One text, in which removed and added pieces are marked."""
    return _html(differences(before, after))


def side_by_side(before: str, after: str) -> tuple[Markup, Markup]:
    """Both texts, each with the pieces marked that the other does not have."""
    pieces = differences(before, after)
    return (
        _html([piece for piece in pieces if piece[0] is not Change.ADDED]),
        _html([piece for piece in pieces if piece[0] is not Change.REMOVED]),
    )


def _html(pieces: Sequence[tuple[Change, str]]) -> Markup:
    return render_fragment("evaluation/diff.html", pieces=pieces)
