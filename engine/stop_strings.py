"""Stop strings: cut the text of an answer before the first one."""

from collections.abc import Sequence


class StopFilter:
    """Passes text on until a stop string is complete; no part of a stop string ever comes out.

    `rest` is the text that came with the stop string, after it. `written` and `shown` count the
    characters that went in and came out.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.stopped = False
        self.rest = ""
        self.written = self.emitted = 0

    def feed(self, text: str) -> str:
        """What may be shown now. After a stop string: nothing, for ever."""
        if self.stopped:
            return ""
        self.written += len(text)
        text = self._held + text
        if match := self._first_stop(text):
            end, emitted = match
            self.stopped, self.rest, self._held = True, text[end:], ""
        else:
            emitted = self._safe_end(text)
            self._held = text[emitted:]
        self.emitted += emitted
        return text[:emitted]

    def flush(self) -> str:
        """What was held back because a stop string might have come."""
        held, self._held = self._held, ""
        self.emitted += len(held)
        return held

    def _first_stop(self, text: str) -> tuple[int, int] | None:
        """End and start of the stop string that is complete first; of several, the longest."""
        matches = [
            (start + len(stop), start) for stop in self._stops if (start := text.find(stop)) >= 0
        ]
        return min(matches, default=None)

    def _safe_end(self, text: str) -> int:
        """Where the longest tail begins that a stop string could begin with."""
        longest = max((len(stop) for stop in self._stops), default=1) - 1
        for start in range(max(0, len(text) - longest), len(text)):
            if any(stop.startswith(text[start:]) for stop in self._stops):
                return start
        return len(text)
