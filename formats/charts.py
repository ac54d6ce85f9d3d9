"""Small pictures of numbers as inline SVG: they load nothing, and print as sharp as text.

Numbers stand beside their bars, so that no picture is needed to read them.
"""

from collections.abc import Sequence
from html import escape

from chat.feedback.statistics import Share

WIDTH = 640
LABEL = 190
"""Pixels for the words before a bar."""

ROW = 24
NUMBERS = 60
"""Pixels for the number behind it."""

INTERVAL = 150
"""Pixels for a share and its interval."""


def bars(rows: Sequence[tuple[str, float, str]], *, kind: str = "bar", name: str = "") -> str:
    """Horizontal bars of (words, size, number as text), the largest over the whole width."""
    largest = max((size for _, size, _ in rows), default=0) or 1
    room = WIDTH - LABEL - NUMBERS
    drawn = "".join(
        _label(number * ROW, words)
        + f'<rect class="{kind}" x="{LABEL}" y="{number * ROW + 4}" rx="3" '
        f'width="{max(room * size / largest, 1 if size else 0):.1f}" height="{ROW - 8}"/>'
        f'<text x="{LABEL + room * size / largest + 6:.1f}" y="{number * ROW + 16}">'
        f"{escape(told)}</text>"
        for number, (words, size, told) in enumerate(rows)
    )
    return _picture(drawn, len(rows) * ROW, name)


def shares(rows: Sequence[tuple[str, Share]], *, name: str = "") -> str:
    """Shares as points with their intervals, on a line from 0 to 100 % whose middle is marked."""
    room = WIDTH - LABEL - INTERVAL
    height = len(rows) * ROW + 18
    middle = LABEL + room / 2
    drawn = f'<line class="line" x1="{middle}" x2="{middle}" y1="0" y2="{height - 18}"/>'
    for number, (words, share) in enumerate(rows):
        y = number * ROW + ROW / 2
        told, reach = share.told()
        low, at, high = (LABEL + room * value for value in (share.low, share.value, share.high))
        drawn += (
            _label(number * ROW, words)
            + f'<line class="reach" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>'
            f'<circle class="bar" cx="{at:.1f}" cy="{y}" r="5"/>'
            f'<text x="{LABEL + room + 16}" y="{y + 4}">{told} ({reach})</text>'
        )
    for value in (0, 50, 100):
        x = LABEL + room * value / 100
        drawn += (
            f'<text class="quiet" x="{x}" y="{height - 3}" text-anchor="middle">{value} %</text>'
        )
    return _picture(drawn, height, name)


def _label(y: float, words: str) -> str:
    """Cut to what fits; the whole is read aloud and shown by the pointer."""
    shown, width = "", 0.0
    for sign in words:
        width += 12 if ord(sign) > 0x2E7F else 6.6
        if width > LABEL - 24:
            shown += "…"
            break
        shown += sign
    return (
        f'<text x="{LABEL - 8}" y="{y + 16}" text-anchor="end">'
        f"<title>{escape(words)}</title>{escape(shown)}</text>"
    )


def _picture(drawn: str, height: float, name: str) -> str:
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(name)}">'
        f"{drawn}</svg></figure>"
    )
