import json

from hypothesis import given
from hypothesis import strategies as st

from chat.serving.models import LoadStage, Phase
from engine.weights.progress import DownloadProgress, Meter


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_existing_bytes_count_for_the_progress_but_not_for_the_speed() -> None:
    clock, reported = Clock(), list[DownloadProgress]()
    meter = Meter(reported.append, LoadStage.DOWNLOAD, 1000, clock=clock)
    meter.skip(500)
    clock.now = 2.0
    meter.advance(100)
    last = reported[-1]
    assert (last.bytes, last.bytes_per_s, last.seconds_left) == (600, 50.0, 8.0)
    assert last.progress == 0.6


def test_reports_are_rare_except_the_last() -> None:
    clock, reported = Clock(), list[DownloadProgress]()
    meter = Meter(reported.append, LoadStage.VERIFY, 100, interval_s=1.0, clock=clock)
    for _ in range(100):
        clock.now += 0.1
        meter.advance(1)
    assert 9 <= len(reported) <= 11
    assert reported[-1].progress == 1.0


@given(st.lists(st.integers(-50, 100)), st.integers(0, 200))
def test_the_progress_is_at_most_one(steps: list[int], total: int) -> None:
    reported = list[DownloadProgress]()
    meter = Meter(reported.append, LoadStage.DOWNLOAD, total, interval_s=0.0)
    for step in steps:
        meter.advance(step)
    assert all(progress.progress is not None and progress.progress <= 1 for progress in reported)


def test_a_line_is_one_json_object_with_the_fields_of_the_engine_state() -> None:
    progress = DownloadProgress(LoadStage.CONVERT, progress=0.5, seconds_left=3.0, detail="权重")
    fields = json.loads(progress.to_line())
    assert fields["stage"] == "convert"
    assert "\n" not in progress.to_line()
    state = progress.to_state()
    assert (state.phase, state.stage) == (Phase.LOADING, LoadStage.CONVERT)
    assert (state.progress, state.seconds_left, state.detail) == (0.5, 3.0, "权重")
