"""The terminal's output while the model is fetched and loaded."""

import pytest

from chat.serving.models import EngineState, LoadStage, Phase
from loading import LoadProgress


def printed(capsys: pytest.CaptureFixture[str], *states: EngineState) -> list[str]:
    load_progress = LoadProgress()
    for state in states:
        load_progress.report(state)
    return capsys.readouterr().err.splitlines()


def loading(stage: LoadStage, progress: float | None = None, detail: str = "") -> EngineState:
    return EngineState(Phase.LOADING, stage, progress=progress, detail=detail)


def test_each_new_stage_is_printed_however_short(capsys: pytest.CaptureFixture[str]) -> None:
    states = [
        loading(LoadStage.DOWNLOAD, detail=name) for name in ("asking A", "asking B", "starter")
    ]
    assert printed(capsys, *states) == [f"download {state.detail}" for state in states]


def test_progress_is_printed_at_each_tenth(
    capsys: pytest.CaptureFixture[str],
) -> None:
    states = [loading(LoadStage.CONVERT, percent / 100) for percent in range(100)]
    assert len(printed(capsys, *states)) == 10


def test_other_phases_are_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, EngineState(Phase.LOADING), EngineState(Phase.READY)) == []
