"""Progress of getting a model: one value, its JSON line, and the meter that knows speed and rest.

Shared by the command that does the work and by the app that reads its lines.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from chat.serving.models import EngineState, LoadStage, Phase


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a stage is: bytes done of `total`, share 0–1, bytes per second, seconds left."""

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
    """Counts the bytes of one stage and reports them, not more often than every `interval_s`."""

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
        """Bytes that were there already: done, but no measure of speed."""
        self._done += count
        self._send_report()

    def advance(self, count: float | None = 1) -> None:
        """Bytes that came now; negative when some of them have to come again."""
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
