"""Progress of fetching a model: the value, its JSON line, and a meter of speed and time left.

Shared by download_model.py, which prints the lines, and the app, which reads them.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from chat.serving.models import EngineState, LoadStage, Phase


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """Progress of a stage: bytes done of `total`, share (0–1), bytes per second, seconds left."""

    stage: LoadStage
    progress: float | None = None
    bytes: int = 0
    total: int = 0
    bytes_per_s: float | None = None
    seconds_left: float | None = None
    detail: str = ""

    def to_line(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    def to_state(self) -> EngineState:
        return EngineState(
            phase=Phase.LOADING,
            stage=self.stage,
            progress=self.progress,
            seconds_left=self.seconds_left,
            detail=self.detail,
        )


Report = Callable[[DownloadProgress], None]


class Meter:
    """Counts the bytes of one stage and reports them at most every `interval_s` seconds."""

    def __init__(
        self,
        report: Report,
        stage: LoadStage,
        total: int,
        *,
        interval_s: float = 0.25,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._report = report
        self._stage = stage
        self._total = total
        self._interval_s = interval_s
        self._clock = clock
        self._started = self._reported = clock()
        self._done = self._moved = 0
        self.detail = ""

    def skip(self, count: int) -> None:
        """Count bytes that were there already; they do not count for the speed."""
        self._done += count
        self._send_report()

    def advance(self, count: float | None = 1) -> None:
        """Count new bytes; negative if some have to be downloaded again."""
        self._done += int(count or 0)
        self._moved += int(count or 0)
        now = self._clock()
        if now - self._reported >= self._interval_s or self._done >= self._total:
            self._send_report()

    def _send_report(self) -> None:
        self._reported = self._clock()
        elapsed = self._reported - self._started
        speed = self._moved / elapsed if elapsed > 0 and self._moved > 0 else None
        self._report(
            DownloadProgress(
                stage=self._stage,
                progress=min(1.0, self._done / self._total) if self._total else 1.0,
                bytes=self._done,
                total=self._total,
                bytes_per_s=speed,
                seconds_left=max(0, self._total - self._done) / speed if speed else None,
                detail=self.detail,
            )
        )
