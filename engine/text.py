"""Token ids → printable text: half characters and possible stop strings are held back.

Knows nothing of models, requests or threads.
"""

from collections.abc import Sequence

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

REPLACEMENT = "\ufffd"


class Characters:
    """Whole characters out of token ids. Bytes that never become a character are dropped."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._stream = DecodeStream(skip_special_tokens=True)
        self._held: list[int] = []

    def feed(self, token_id: int) -> str:
        """The characters that `token_id` completes; often none."""
        self._held.append(token_id)
        text = self._stream.step(self._tokenizer, token_id)
        if text is None:
            return ""
        self._held.clear()
        return text.replace(REPLACEMENT, "")

    def flush(self) -> str:
        """The whole characters among the tokens still held. For the end of the answer."""
        text: str = self._tokenizer.decode(self._held, skip_special_tokens=True)
        self._held.clear()
        return text.replace(REPLACEMENT, "")


class StopFilter:
    """Passes text on until a stop string is complete; no part of a stop string ever comes out."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """What may be shown now. After a stop string: nothing, for ever."""
        if self.stopped:
            return ""
        text = self._held + text
        cut = self._first_stop(text)
        self.stopped = cut is not None
        end = self._safe_end(text) if cut is None else cut
        self._held = "" if self.stopped else text[end:]
        return text[:end]

    def flush(self) -> str:
        """What was held back because a stop string might have come."""
        held, self._held = self._held, ""
        return held

    def _first_stop(self, text: str) -> int | None:
        """Where the stop string that is complete first begins; of several, the longest."""
        found = [
            (start + len(stop), start) for stop in self._stops if (start := text.find(stop)) >= 0
        ]
        return min(found)[1] if found else None

    def _safe_end(self, text: str) -> int:
        """Where the longest tail begins that a stop string could begin with."""
        longest = max((len(stop) for stop in self._stops), default=1) - 1
        for start in range(max(0, len(text) - longest), len(text)):
            if any(stop.startswith(text[start:]) for stop in self._stops):
                return start
        return len(text)


class TextStream:
    """The text of one answer as its tokens come."""

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str] = ()) -> None:
        self._characters = Characters(tokenizer)
        self._filter = StopFilter(stops)

    @property
    def stopped(self) -> bool:
        """Whether a stop string was written. The answer ended before it."""
        return self._filter.stopped

    def feed(self, token_id: int) -> str:
        return self._filter.feed(self._characters.feed(token_id))

    def flush(self) -> str:
        """The rest of the text; the answer is over."""
        return self._filter.feed(self._characters.flush()) + self._filter.flush()
