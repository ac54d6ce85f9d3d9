"""What the dashboard hands to Gradio's plots: how few values stay visible and labels legible."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import gradio as gr
import pytest

from chat.errors import AppError, BadRequest, StoreFailed
from chat.feedback.dashboard import overview_of
from chat.feedback.dashboard_models import (
    DAY,
    HOUR,
    MINUTE,
    Count,
    DashboardScope,
    Overview,
    TurnCounts,
)
from chat.feedback.models import Verdict
from chat.serving.errors import (
    BadSchema,
    EngineFailed,
    EngineNotReady,
    EngineNotServing,
    EngineStalled,
    OutOfMemory,
    PromptTooLong,
    QueueTimeout,
    RequestTimeout,
)
from i18n import Language
from ui.dashboard import COLOURS, FEW, PLOTS, key_of_reasons, plots
from ui.i18n import words

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
LAST = 59
"""The number of the last of sixty steps."""

FAILURES = (
    *(AppError, BadRequest, BadSchema, EngineFailed, EngineNotReady, EngineNotServing),
    *(EngineStalled, OutOfMemory, PromptTooLong, QueueTimeout, RequestTimeout, StoreFailed),
)
"""With which an answer may end."""


def drawn(step: timedelta = MINUTE, steps: int = LAST + 1, **counted: Any) -> Mapping[str, Any]:
    """The updates of all plots, by their names."""
    scope = DashboardScope(None, "", SINCE, step)
    overview = overview_of(scope, Count(**counted), SINCE + (steps - 0.5) * step)
    return updates(overview)


def updates(overview: Overview) -> Mapping[str, Any]:
    on = {name: gr.LinePlot(render=False) for name in PLOTS}
    changed = plots(Language.EN, on, overview)
    return {name: changed[on[name]] for name in PLOTS}


def rows(update: Mapping[str, Any]) -> Sequence[list[Any]]:
    found: Sequence[list[Any]] = update["value"]["data"]
    return found


def at(number: int, step: timedelta = MINUTE) -> datetime:
    return SINCE + number * step


def test_a_single_measurement_is_a_dot_and_several_are_a_line() -> None:
    one = {at(0): [(0.5, 1.5, 20.0)]}
    for name in ("queue", "first-token", "rate"):
        assert drawn(timings=one)[name]["value"]["mark"] == "point"
        several = one | {at(7): [(0.1, 1.0, 9.0)]}
        assert drawn(timings=several)[name]["value"]["mark"] == "line"
    assert drawn()["queue"]["value"] is None


def test_a_dot_is_not_clipped_by_the_plot() -> None:
    plot = drawn(timings={at(0): [(0.5, 1.5, 20.0)]})["queue"]
    moment, value, _ = rows(plot)[0]
    assert plot["x_lim"][0] < moment / 1000 < plot["x_lim"][1]
    assert plot["y_lim"][0] < value < plot["y_lim"][1]


def test_with_one_time_step_only_users_and_rates_are_dots() -> None:
    overview = drawn(steps=1, turns={at(0): TurnCounts(1, 1, 0, 30, 1)})
    for name in ("users", "requests", "tokens"):
        assert overview[name]["value"]["mark"] == "point"


def test_the_axis_of_a_single_bar_covers_the_whole_period() -> None:
    languages = {(at(30), "zh"): 1}
    moments = {row[0] / 1000: row[1] for row in rows(drawn(languages=languages)["languages"])}
    assert moments == {at(number).timestamp(): number == 30 for number in (0, 30, LAST)}


def test_a_single_series_leaves_room_for_others() -> None:
    names = [name for name, *_ in rows(drawn(failures={"engine_failed": 3})["failures"])]
    assert names[0] == "Model failed"
    assert len(set(names)) == FEW
    assert not "".join(names[1:]).strip()
    many = {f"failure {number}": 1 for number in range(FEW + 2)}
    assert {name for name, *_ in rows(drawn(failures=many)["failures"])} == many.keys()
    assert drawn()["failures"]["value"] is None


def test_an_unknown_failure_has_a_generic_text() -> None:
    assert rows(drawn(failures={"": 2})["failures"])[0][:2] == ["Not known", 2]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("error", FAILURES, ids=lambda error: error.code)
def test_failures_have_short_texts(language: Language, error: type[AppError]) -> None:
    assert 0 < len(words(language)[f"failure-{error.code}"]) < 25


def test_reasons_are_bars_over_time_with_their_texts() -> None:
    reasons = {(at(3), "slow"): 2, (at(3), "dull"): 1, (at(9), "slow"): 4}
    plot = drawn(reasons=reasons)["reasons"]
    found = {(row[0] / 1000, row[2]): row[1] for row in rows(plot) if row[1]}
    assert found == {
        (at(3).timestamp(), "Slow"): 2,
        (at(3).timestamp(), "dull"): 1,
        (at(9).timestamp(), "Slow"): 4,
    }
    assert plot["x_bin"] == "60s"


def test_the_legend_of_reasons_has_the_plots_colours_most_frequent_first() -> None:
    overview = overview_of(
        DashboardScope(None, "", SINCE, MINUTE),
        Count(reasons={(at(3), "slow"): 2, (at(9), "slow"): 4, (at(3), "<b>"): 1}),
        at(LAST),
    )
    colours = updates(overview)["reasons"]["color_map"]
    key_text = key_of_reasons(Language.EN, overview)
    first, second = key_text.split("</li>")[:2]
    assert f"{colours['Slow']}" in first
    assert "Slow <b>6</b>" in first
    assert f"{colours['<b>']}" in second
    assert "&lt;b&gt; <b>1</b>" in second


def test_more_series_than_colours_are_drawn_as_the_most_frequent_and_others() -> None:
    count = len(COLOURS) + 3
    reasons = {(at(number % 2), f"reason {number:02}"): number + 1 for number in range(count)}
    plot = drawn(reasons=reasons)["reasons"]
    assert len(plot["color_map"]) == len(set(plot["color_map"].values())) == len(COLOURS)
    assert "All others" in plot["color_map"]
    assert "reason 00" not in plot["color_map"]
    assert sum(row[1] for row in rows(plot)) == sum(reasons.values())


def test_votes_are_drawn_with_ratings() -> None:
    plot = drawn(ratings={(at(1), Verdict.UP): 2}, votes={at(1): 3})["ratings"]
    assert {row[2]: row[1] for row in rows(plot) if row[1]} == {"Good": 2, "Votes": 3}


@pytest.mark.parametrize(("count", "highest"), [(1, FEW), (FEW - 1, FEW), (FEW, None)])
def test_small_counts_have_integer_axes(count: int, highest: int | None) -> None:
    languages = {(at(1), "zh"): count - 1, (at(1), "en"): 1}
    assert drawn(languages=languages)["languages"]["y_lim"] == [0, highest]
    assert drawn(failures={"": count})["failures"]["y_lim"] == [0, highest]


@pytest.mark.parametrize(
    ("step", "steps", "form"),
    [
        (MINUTE, 60, "%H:%M"),
        (HOUR, 25, "%H:%M"),
        (HOUR, 40, "%m-%d %H:%M"),
        (6 * HOUR, 28, "%m-%d"),
        (DAY, 31, "%m-%d"),
        (7 * DAY, 60, "%Y-%m-%d"),
    ],
)
def test_times_are_formatted_as_short_as_they_stay_distinct(
    step: timedelta, steps: int, form: str
) -> None:
    assert drawn(step, steps)["users"]["x_axis_format"] == form


def test_microseconds_in_the_queue_are_rendered_as_no_wait() -> None:
    overview = drawn(timings={at(0): [(0.000_006, 0.5, 20.0)]})
    assert overview["queue"]["y_lim"] == [0, 0.1]
    assert overview["first-token"]["y_lim"][1] > 0.5
