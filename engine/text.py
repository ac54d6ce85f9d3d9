"""Token ids → printable text: half characters, possible stop strings and tags are held back.

Knows nothing of models, requests or threads.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from chat.calls import CallPiece

if TYPE_CHECKING:
    from engine.tool_calls import ToolCallParser

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
    """Passes text on until a stop string is complete; no part of a stop string ever comes out.

    `rest` is the text that came with the stop string, after it. `written` and `shown` count the
    characters that went in and came out.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.stopped = False
        self.rest = ""
        self.written = self.shown = 0

    def feed(self, text: str) -> str:
        """What may be shown now. After a stop string: nothing, for ever."""
        if self.stopped:
            return ""
        self.written += len(text)
        text = self._held + text
        if found := self._first_stop(text):
            end, shown = found
            self.stopped, self.rest, self._held = True, text[end:], ""
        else:
            shown = self._safe_end(text)
            self._held = text[shown:]
        self.shown += shown
        return text[:shown]

    def flush(self) -> str:
        """What was held back because a stop string might have come."""
        held, self._held = self._held, ""
        self.shown += len(held)
        return held

    def _first_stop(self, text: str) -> tuple[int, int] | None:
        """End and start of the stop string that is complete first; of several, the longest."""
        found = [
            (start + len(stop), start) for stop in self._stops if (start := text.find(stop)) >= 0
        ]
        return min(found, default=None)

    def _safe_end(self, text: str) -> int:
        """Where the longest tail begins that a stop string could begin with."""
        longest = max((len(stop) for stop in self._stops), default=1) - 1
        for start in range(max(0, len(text) - longest), len(text)):
            if any(stop.startswith(text[start:]) for stop in self._stops):
                return start
        return len(text)


class Written(NamedTuple):
    """What is new of an answer."""

    text: str = ""
    calls: Sequence[CallPiece] = ()


class TextStream:
    """The text of one answer as its tokens come, and its calls if there is a parser for them.

    Stop strings end the text; within a call they mean nothing.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        stops: Sequence[str] = (),
        parser: "ToolCallParser | None" = None,
    ) -> None:
        self._characters = Characters(tokenizer)
        self._parser = parser
        self._filter = StopFilter(stops)

    @property
    def stopped(self) -> bool:
        """Whether the answer ended: before a stop string, or after the only call it may have."""
        return self._filter.stopped or (self._parser is not None and self._parser.done)

    @property
    def called(self) -> bool:
        """Whether there was a whole call."""
        return self._parser is not None and self._parser.called

    @property
    def position(self) -> tuple[int, int]:
        """How many characters of text are shown, and how many were written."""
        return self._filter.shown, self._filter.written

    def feed(self, token_id: int) -> Written:
        return self._take(self._characters.feed(token_id))

    def flush(self) -> Written:
        """The rest of the text and of a call; the answer is over."""
        text, calls = self._take(self._characters.flush())
        if self._parser is not None:
            held, more = self._parser.flush()
            text, calls = text + self._filter.feed(held), [*calls, *more]
        return Written(text + self._filter.flush(), calls)

    def _take(self, text: str) -> Written:
        calls: Sequence[CallPiece] = ()
        if self._parser is not None:
            text, calls = self._parser.feed(text)
        return Written(self._filter.feed(text), calls)
