"""Decodes token ids to text; holds back partial characters, possible stop strings and tags.

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
    """Decodes token ids to whole characters. Bytes that never form a character are dropped."""

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
        """The whole characters of the tokens still held. Call it at the end of the answer."""
        text: str = self._tokenizer.decode(self._held, skip_special_tokens=True)
        self._held.clear()
        return text.replace(REPLACEMENT, "")


class Written(NamedTuple):
    """New text of an answer, and new pieces of its calls."""

    text: str = ""
    calls: Sequence[CallPiece] = ()


class TextStream:
    """The text of one answer, token by token, and its calls if there is a parser.

    Stop strings end the text; within a call they are ignored.
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
        """Whether the answer has ended: at a stop string, or after the only call allowed."""
        return self._filter.stopped or (self._parser is not None and self._parser.done)

    @property
    def stop_found(self) -> bool:
        """Whether the answer has ended at a stop string."""
        return self._filter.stopped

    @property
    def called(self) -> bool:
        """Whether there was a complete call."""
        return self._parser is not None and self._parser.called

    @property
    def position(self) -> tuple[int, int]:
        """The numbers of characters emitted and written."""
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
