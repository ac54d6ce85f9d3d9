"""What the dashboard hands to Gradio's plots: how few values stay visible and labels legible."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import gradio as gr
import pytest

from chat.figures import DAY, HOUR, MINUTE, Overview, Scope, Tally, Turns, overview_of
from ui.dashboard import FEW, PLOTS, plots
from ui.i18n import Language

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
LAST = 59
"""The number of the last of sixty steps."""


def drawn(step: timedelta = MINUTE, steps: int = LAST + 1, **counted: Any) -> Mapping[str, Any]:
    """The updates of all plots, by their names."""
    scope = Scope(None, "", SINCE, step)
    shown = overview_of(scope, Tally(**counted), SINCE + (steps - 0.5) * step)
    return updates(shown)


def updates(shown: Overview) -> Mapping[str, Any]:
    on = {name: gr.LinePlot(render=False) for name in PLOTS}
    changed = plots(Language.EN, on, shown)
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


def test_a_dot_is_not_cut_by_the_edges_of_its_plot() -> None:
    plot = drawn(timings={at(0): [(0.5, 1.5, 20.0)]})["queue"]
    moment, value, _ = rows(plot)[0]
    assert plot["x_lim"][0] < moment / 1000 < plot["x_lim"][1]
    assert plot["y_lim"][0] < value < plot["y_lim"][1]


def test_where_time_has_one_step_only_users_and_rates_are_dots() -> None:
    shown = drawn(steps=1, turns={at(0): Turns(1, 1, 0, 30, 1)})
    for name in ("users", "requests", "tokens"):
        assert shown[name]["value"]["mark"] == "point"


def test_the_axis_of_a_single_bar_reaches_over_the_whole_time() -> None:
    languages = {(at(30), "zh"): 1}
    moments = {row[0] / 1000: row[1] for row in rows(drawn(languages=languages)["languages"])}
    assert moments == {at(number).timestamp(): number == 30 for number in (0, 30, LAST)}


def test_a_single_name_leaves_room_for_others() -> None:
    names = [name for name, *_ in rows(drawn(reasons={"slow": 3})["reasons"])]
    assert names[0] == "Slow"
    assert len(set(names)) == FEW
    assert not "".join(names[1:]).strip()
    many = {f"reason {number}": 1 for number in range(FEW + 2)}
    assert {name for name, *_ in rows(drawn(reasons=many)["reasons"])} == many.keys()
    assert drawn()["reasons"]["value"] is None


@pytest.mark.parametrize(("count", "highest"), [(1, FEW), (FEW - 1, FEW), (FEW, None)])
def test_small_counts_have_no_tenths_on_their_axis(count: int, highest: int | None) -> None:
    languages = {(at(1), "zh"): count - 1, (at(1), "en"): 1}
    assert drawn(languages=languages)["languages"]["y_lim"] == [0, highest]
    assert drawn(reasons={"slow": count})["reasons"]["y_lim"] == [0, highest]


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
def test_times_are_written_as_short_as_tells_them_apart(
    step: timedelta, steps: int, form: str
) -> None:
    assert drawn(step, steps)["users"]["x_axis_format"] == form
