"""Charts as inline SVG without external resources.

Every bar has its number as text, so that the chart is accessible.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chat.feedback.statistics import Share
from formats.drawing import html

WIDTH = 640
LABEL = 190
"""Pixels for the label before a bar."""

ROW = 24
NUMBERS = 60
"""Pixels for the number behind it."""

INTERVAL = 150
"""Pixels for a share and its interval."""


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A row with its label, in pixels from the top left.

    The label is truncated to fit; the full text is in the title for screen readers and pointers.
    """

    label: str
    index: int
    label_end: int = LABEL - 8

    @property
    def short_label(self) -> str:
        label, width = "", 0.0
        for character in self.label:
            width += 12 if ord(character) > 0x2E7F else 6.6
            if width > LABEL - 24:
                return label + "…"
            label += character
        return label

    @property
    def top(self) -> int:
        return self.index * ROW + 4

    @property
    def baseline(self) -> int:
        return self.index * ROW + 16


@dataclass(frozen=True, slots=True)
class Bar(ChartRow):
    """A bar with its number behind it."""

    number: str = ""
    width: float = 0.0
    number_x: float = 0.0
    x: int = LABEL
    height: int = ROW - 8


@dataclass(frozen=True, slots=True)
class ShareRow(ChartRow):
    """A share as a point with its interval."""

    low: float = 0.0
    at: float = 0.0
    high: float = 0.0
    share: str = ""
    interval: str = ""
    number_x: int = WIDTH - INTERVAL + 16

    @property
    def y(self) -> float:
        return self.index * ROW + ROW / 2


def bars(rows: Sequence[tuple[str, float, str]], *, kind: str = "bar", name: str = "") -> Markup:
    """Horizontal bars of (label, size, number as text); the largest has the full width."""
    largest = max((size for _, size, _ in rows), default=0) or 1
    room = WIDTH - LABEL - NUMBERS
    drawn = [
        Bar(
            label,
            index,
            number=number,
            width=max(room * size / largest, 1 if size else 0),
            number_x=LABEL + room * size / largest + 6,
        )
        for index, (label, size, number) in enumerate(rows)
    ]
    height = len(rows) * ROW
    return html("charts.bars", rows=drawn, kind=kind, name=name, width=WIDTH, height=height)


def shares(rows: Sequence[tuple[str, Share]], *, name: str = "") -> Markup:
    """Shares as points with their intervals, on a line from 0 to 100 % whose middle is marked."""
    room = WIDTH - LABEL - INTERVAL
    drawn = []
    for index, (label, share) in enumerate(rows):
        low, at, high = (LABEL + room * value for value in (share.low, share.value, share.high))
        value, interval = share.formatted()
        drawn.append(
            ShareRow(label, index, low=low, at=at, high=high, share=value, interval=interval)
        )
    return html(
        "charts.shares",
        rows=drawn,
        ticks=[(LABEL + room * percent / 100, percent) for percent in (0, 50, 100)],
        middle=LABEL + room / 2,
        name=name,
        width=WIDTH,
        height=len(rows) * ROW + 18,
    )
