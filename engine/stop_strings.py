"""Stop strings: cuts the text of an answer before the first one."""

from collections.abc import Sequence


class StopFilter:
    """Passes text on until a stop string is complete; never emits any part of a stop string.

    `rest` is the input after the stop string. `written` and `emitted` count the characters of input
    and output.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.stopped = False
        self.rest = ""
        self.written = self.emitted = 0

    def feed(self, text: str) -> str:
        """The text that can be emitted now; always empty after a stop string."""
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
        """The text that was held back as a possible beginning of a stop string."""
        held, self._held = self._held, ""
        self.emitted += len(held)
        return held

    def _first_stop(self, text: str) -> tuple[int, int] | None:
        """(end, start) of the stop string that is complete first; of several, the longest."""
        matches = [
            (start + len(stop), start) for stop in self._stops if (start := text.find(stop)) >= 0
        ]
        return min(matches, default=None)

    def _safe_end(self, text: str) -> int:
        """The start of the longest suffix of `text` that is a prefix of a stop string."""
        longest = max((len(stop) for stop in self._stops), default=1) - 1
        for start in range(max(0, len(text) - longest), len(text)):
            if any(stop.startswith(text[start:]) for stop in self._stops):
                return start
        return len(text)
