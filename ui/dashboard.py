"""The dashboard's components, and how figures are drawn in them. Knows no event and no domain."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import gradio as gr
from gradio.components import Component
from markupsafe import Markup

from chat.feedback.dashboard_models import DAY, HOUR, VOTE, Overview, Period, Point, SpreadOverTime
from i18n import Language
from ui.html import html
from ui.i18n import NAMES, text, words

COLOURS = (
    *("#7568e8", "#2a9164", "#b7791f", "#2f86bd", "#b0578d", "#6f7f3a", "#8f8981"),
    *("#d5544c", "#2b9c9c"),
)
"""Of series: each stands out on light and on dark paper, and from the others."""

REST = ""
"""The kind of all those together for which there is no colour."""

GOOD, BAD = "#2a9164", "#d5544c"
PLACES = (("", "chat"), ("campaigns", "campaigns"), ("results", "results"), ("cases", "cases"))
"""The other pages for hosts: address and key of the words."""


BARS = frozenset({"messages", "ratings", "reasons", "languages", "models"})
"""Plots that count by step of time."""

NAMED = frozenset({"failures"})
"""Plots that count by name."""

UNKNOWN = "unknown"
"""Why an answer failed of which nothing is kept but that it did."""

COUNTS = BARS | NAMED | {"users"}
"""Plots of whole numbers."""

FEW = 5
"""As high and as wide at least is a plot: the number 1 is no tower, and has no tenths below it."""

LEAST = {"queue": 0.1, "first-token": 0.1}
"""So many seconds are on a plot at least: some microseconds are no wait."""

PLOTS = (
    *("messages", "users", "ratings", "reasons", "languages", "models"),
    *("queue", "first-token", "rate", "requests", "tokens", "failures"),
)


@dataclass(frozen=True, slots=True)
class Board:
    """The components of the page."""

    head: gr.HTML
    language: gr.Radio
    campaign: gr.Dropdown
    period: gr.Radio
    refresh: gr.Button
    sums: gr.HTML
    plots: Mapping[str, Component]
    reasons: gr.HTML
    """What the colours of the reasons mean: there are too many for one line below a plot."""

    @property
    def asked(self) -> list[Component]:
        """The filters."""
        return [self.language, self.campaign, self.period]

    @property
    def drawn(self) -> list[Component]:
        """The components that change."""
        return [self.head, *self.asked, self.refresh, self.sums, self.reasons, *self.plots.values()]


def lay_out_board() -> Board:
    """The components, empty: their texts come with the first figures."""
    with gr.Column(elem_id="dashboard"):
        with gr.Row(elem_id="header"):
            head = gr.HTML(elem_id="tools")
            named = [(name, language.value) for language, name in NAMES.items()]
            language = gr.Radio(named, elem_id="language", container=False)
        with gr.Row(elem_id="filters"):
            campaign = gr.Dropdown(elem_id="campaign", filterable=False)
            period = gr.Radio([item.value for item in Period], elem_id="period")
            refresh = gr.Button("", elem_id="refresh", size="sm")
        sums = gr.HTML(elem_id="sums")
        with gr.Row(elem_id="plots"):
            plots: dict[str, Component] = {}
            for name in PLOTS:
                if name == "reasons":
                    with gr.Column(elem_id="card-reasons"):
                        plots[name] = _plot(name)
                        reasons = gr.HTML(elem_id="key-reasons")
                else:
                    plots[name] = _plot(name)
    return Board(head, language, campaign, period, refresh, sums, plots, reasons)


def _plot(name: str) -> Component:
    by_name: dict[str, Any] = {"sort": "-y", "x_label_angle": -30} if name in NAMED else {}
    kind = gr.BarPlot if name in BARS | NAMED else gr.LinePlot
    options: dict[str, Any] = {
        "height": 310,
        "show_label": True,
        "elem_id": f"plot-{name}",
    }
    return kind(x="x", y="y", **options, **by_name)


# --- text -------------------------------------------------------------------------------------


def head(language: Language, note: str = "") -> Markup:
    """Links to the other pages, an error, and the texts of the script."""
    return html("dashboard.head", places=PLACES, note=note, language=language)


def sums(language: Language, overview: Overview) -> Markup:
    """The numbers of the whole time."""
    turns = overview.turns
    counts = (
        ("questions", turns.questions),
        ("answers", turns.answers),
        ("users", turns.users),
        ("tokens-written", turns.tokens),
        ("up", overview.up),
        ("down", overview.down),
        ("votes", overview.votes),
        ("failed", turns.failures),
    )
    cells = [(key, f"{number:,}") for key, number in counts]
    for key, spread in (
        ("queue", overview.queue),
        ("first-token", overview.first_token),
        ("rate", overview.rate),
    ):
        cells.append((key, _median_and_p95(spread)))
    return html("dashboard.sums", cells=cells, language=language)


def _median_and_p95(spread: SpreadOverTime) -> str:
    return " / ".join(
        "–" if value is None else f"{value:,.2f}" for value in (spread.p50, spread.p95)
    )


# --- plots ------------------------------------------------------------------------------------


def plots(
    language: Language, on: Mapping[str, Component], overview: Overview
) -> dict[Component, Any]:
    """Every plot with its values."""
    draw = _Drawing(language, overview)
    over_time = {
        "messages": overview.messages,
        "users": overview.users,
        "ratings": overview.ratings,
        "reasons": overview.reasons,
        "languages": overview.languages,
        "models": overview.models,
        "queue": overview.queue_over_time,
        "first-token": overview.first_token_over_time,
        "rate": overview.rate_over_time,
        "requests": overview.requests_per_minute,
        "tokens": overview.tokens_per_minute,
    }
    return {on[name]: draw.over_time(name, points) for name, points in over_time.items()} | {
        on["failures"]: draw.by_name("failures", overview.failures)
    }


def key_of_reasons(language: Language, overview: Overview) -> Markup:
    """What the colours of the reasons mean, and how often each was given."""
    return _Drawing(language, overview).key("reasons", overview.reasons)


class _Drawing:
    """Updates of plots in a language. Values go as Gradio sends a data frame on."""

    def __init__(self, language: Language, overview: Overview) -> None:
        self._language = language
        self._words = words(language)
        self._step = overview.scope.step
        self._first, self._last = overview.scope.since, overview.users[-1].at
        self._end = self._last + self._step

    def over_time(self, key: str, points: Sequence[Point]) -> Any:
        """One series for each kind; bars are as wide as a step."""
        points = _merge_rare_kinds(points)
        kinds = list(dict.fromkeys(point.kind for point in points))
        named = {kind: self._named(key, kind) for kind in kinds}
        series = text(self._language, "series")
        mark = _mark(key, points)
        bars = mark == "bar"
        drawn = [*points, *self._ends(kinds)] if bars else points
        rows = ([_milliseconds(point.at), point.value, named[point.kind]] for point in drawn)
        return gr.update(
            value=_frame(("x", "temporal"), series, rows, mark),
            label=text(self._language, f"plot-{key}"),
            color=series if bars or len(kinds) > 1 else None,
            color_title=" ",
            color_map={named[kind]: colour for kind, colour in _colours(kinds).items()},
            x_title=" ",
            x_lim=self._limits(mark),
            y_lim=_limits(key, _heights(key, points)),
            y_title=text(self._language, f"unit-{key}"),
            x_axis_format=self._format(),
            **self._bins(bars),
        )

    def key(self, key: str, points: Sequence[Point]) -> Markup:
        """A colour, a name and a number for each kind, the most frequent first."""
        counted = Counter[str]()
        for point in _merge_rare_kinds(points):
            counted[point.kind] += int(point.value)
        colours = _colours(counted)
        kinds = [
            (colours[kind], self._named(key, kind), number)
            for kind, number in counted.most_common()
        ]
        return html("dashboard.colour_key", kinds=kinds)

    def by_name(self, key: str, counts: Sequence[tuple[str, int]]) -> Any:
        """A bar for each name, the longest first."""
        series, label = text(self._language, "series"), text(self._language, f"plot-{key}")
        rows = [[self._named(key, name), number, label] for name, number in counts]
        # Places without a name: otherwise a single bar is as wide as the plot.
        free = [[" " * place, 0, label] for place in range(1, FEW - len(rows) + 1)] if rows else []
        return gr.update(
            value=_frame(("x", "nominal"), series, rows + free, "bar"),
            label=label,
            x_title=" ",
            y_lim=_limits(key, (number for _, number in counts)),
            y_title=text(self._language, f"unit-{key}"),
        )

    def _named(self, key: str, kind: str) -> str:
        """A kind in words; a host's own reason and the name of a model are words already."""
        if key == "failures":
            return self._words.get(f"failure-{kind or UNKNOWN}", kind)
        if key == "reasons":
            return self._words.get(f"reason-{kind}", kind) if kind else self._words["rest"]
        return self._words.get(f"kind-{kind}", kind) if kind else self._words["rest"]

    def _limits(self, mark: str) -> list[float]:
        """The whole time; a dot at its beginning needs room."""
        before = self._step / 2 if mark == "point" else timedelta()
        return [(self._first - before).timestamp(), self._end.timestamp()]

    def _ends(self, kinds: Sequence[str]) -> Sequence[Point]:
        """Nothing at both ends of the time: the axis of bars reaches as far as they do."""
        return [Point(at, kind, 0) for kind in kinds[:1] for at in (self._first, self._last)]

    def _format(self) -> str:
        """The format of times, as short as keeps them distinct: there is little room."""
        span = self._last - self._first
        if span <= DAY:
            return "%H:%M"
        if span > 300 * DAY:
            return "%Y-%m-%d"
        return "%m-%d" if self._step >= 6 * HOUR else "%m-%d %H:%M"

    def _bins(self, bars: bool) -> dict[str, Any]:
        seconds = int(self._step.total_seconds())
        return {"x_bin": f"{seconds}s", "y_aggregate": "sum"} if bars else {}


def _merge_rare_kinds(points: Sequence[Point]) -> Sequence[Point]:
    """The points with at most as many kinds as there are colours: the rarest are merged."""
    counted = Counter[str]()
    for point in points:
        counted[point.kind] += int(point.value)
    if len(counted) <= len(COLOURS):
        return points
    kept = {kind for kind, _ in counted.most_common(len(COLOURS) - 1)}
    piled = Counter[tuple[datetime, str]]()
    for point in points:
        piled[point.at, point.kind if point.kind in kept else REST] += int(point.value)
    return [Point(at, kind, number) for (at, kind), number in sorted(piled.items())]


def _mark(key: str, points: Sequence[Point]) -> str:
    """Bars, or lines; but a kind with a single point is no line and would not be seen."""
    if key in BARS:
        return "bar"
    counted = Counter(point.kind for point in points)
    return "point" if 1 in counted.values() else "line"


def _heights(key: str, points: Sequence[Point]) -> Iterable[float]:
    """The heights that must fit: bars of one step are stacked."""
    if key not in BARS:
        return [point.value for point in points]
    piled = Counter[datetime]()
    for point in points:
        piled[point.at] += int(point.value)
    return piled.values()


def _limits(key: str, heights: Iterable[float]) -> list[float | None]:
    """The axis from 0 to the largest value, with room for a dot or for integer steps."""
    highest = max(heights, default=0)
    if key in COUNTS:
        return [0, FEW if highest < FEW else None]
    return [0, max(1.1 * highest, LEAST.get(key, 0.0)) or None]


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _frame(
    x: tuple[str, str], series: str, rows: Iterable[list[Any]], mark: str
) -> dict[str, Any] | None:
    """The value that Gradio makes of a data frame; None if there is nothing to draw."""
    data = list(rows)
    if not data:
        return None
    name, kind = x
    return {
        "columns": [name, "y", series],
        "data": data,
        "datatypes": {name: kind, "y": "quantitative", series: "nominal"},
        "mark": mark,
    }


def _colours(kinds: Iterable[str]) -> Mapping[str, str]:
    """Colours by kind, independent of the order of the kinds."""
    known = {"up": GOOD, "down": BAD, VOTE: COLOURS[0], "p95": COLOURS[2]}
    places = enumerate(sorted(kinds))
    return {kind: known.get(kind, COLOURS[place % len(COLOURS)]) for place, kind in places}
