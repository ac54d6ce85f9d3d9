"""Token ids → printable text: half characters, possible stop strings and tags are held back.

Knows nothing of models, requests or threads.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from chat.tools import CallPiece
from engine.stop_strings import StopFilter

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
        return self._filter.emitted, self._filter.written

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
