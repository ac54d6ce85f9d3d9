"""Incremental parser of an answer: separates visible text and tool calls while it is written.

Qwen2.5 writes a call as `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, both members once,
in any order. Anything else between such tags is a broken call, whose text is passed on:

- A call begins when its name is known. From the first invalid character on (no JSON, another
  member, text after the object, the end of the answer) the rest is its last piece of arguments.
- Without a name the whole text between the tags is one piece of arguments.
- A call of a tool that was not offered has its name and arguments and is then marked broken.

White space around calls is not part of the text. Knows no tokens, no schemas and no requests.
"""

import json
import secrets
import string
from collections.abc import Callable, Collection, Generator

from chat.tools import CallPiece
from engine.stop_strings import StopFilter

OPENING = "<tool_call>"
CLOSING = "</tool_call>"
ID_LETTERS = string.ascii_letters + string.digits
Reading = Generator[None, str, None]
"""A coroutine that is sent one character at a time; it returns at the end of its element."""


class ToolCallParser:
    """Extracts the calls of one answer. `names` are the tools that were offered.

    Without `parallel` the answer ends (`done`) after its first call. `alone`: the answer is either
    calls or text, so that text which has begun holds no call.
    """

    def __init__(
        self, names: Collection[str], *, parallel: bool = True, alone: bool = False
    ) -> None:
        self.called = False
        """Whether there was a complete call."""
        self.done = False
        self._names = names
        self._parallel = parallel
        self._alone = alone
        self._first = ""
        self._opening = StopFilter([OPENING])
        self._call: _Call | None = None
        self._calls = 0
        self._space = ""
        self._has_text = False

    def feed(self, text: str) -> tuple[str, list[CallPiece]]:
        """What `text` adds to the visible text and to the calls."""
        visible = ""
        pieces: list[CallPiece] = []
        self._first = self._first or text.lstrip()[:1]
        while text and not self.done:
            if self._alone and self._first not in ("", OPENING[0]):
                visible += self._trim_spaces(text)
                text = ""
            elif self._call is None:
                visible += self._trim_spaces(self._opening.feed(text))
                text = self._opening.rest
                if self._opening.stopped:
                    self._call = _Call(self._calls)
                    self._calls += 1
            else:
                pieces += self._call.feed(text)
                text = self._call.rest
                if self._call.closed:
                    pieces += self._end(self._call)
        return visible, pieces

    def flush(self) -> tuple[str, list[CallPiece]]:
        """The text and pieces that were held back, at the end of the answer."""
        if self._call is not None:
            return "", self._end(self._call)
        visible = self._trim_spaces(self._opening.flush())
        return visible if self._calls else visible + self._space, []

    def _end(self, call: "_Call") -> list[CallPiece]:
        pieces = call.end(self._names)
        self._call, self._opening = None, StopFilter([OPENING])
        self.called |= not any(piece.broken for piece in pieces)
        self.done = not self._parallel
        return pieces

    def _trim_spaces(self, text: str) -> str:
        """`text` without trailing white space, which is held back until more text follows."""
        text = self._space + text
        visible = text.rstrip()
        self._space = text[len(visible) :]
        if self._calls and not self._has_text:
            visible = visible.lstrip()
        self._has_text |= bool(visible)
        return visible


class _BrokenError(Exception):
    """The character that was sent is invalid at its position."""


class _Call:
    """One call, from after its opening tag. `rest` is the input after the closing tag."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._name = ""
        self._arguments: list[str] = []
        self._sent = 0
        self._begun = False
        self._text: list[str] = []
        self._reported = 0
        """How many characters of `_text` the reported name and arguments cover."""
        self._reading: Reading | None = self._read_object()
        next(self._reading)
        self._whole = False
        self._tail: list[str] = []
        self._closing = StopFilter([CLOSING])

    @property
    def closed(self) -> bool:
        return self._closing.stopped

    @property
    def rest(self) -> str:
        return self._closing.rest

    def feed(self, text: str) -> list[CallPiece]:
        """What `text` adds to name and arguments."""
        self._tail.append(self._closing.feed(self._read(text)))
        return self._new_pieces()

    def end(self, names: Collection[str]) -> list[CallPiece]:
        """The last pieces, when the call was closed or the answer has ended."""
        tail = "".join(self._tail) + self._closing.flush()
        # An answer can also be cut within the closing tag.
        whole = self._whole and CLOSING.startswith(tail.strip())
        if whole and self._name in names:
            return []
        unreported = "" if whole else "".join(self._text[self._reported :]) + tail
        call_id = "" if self._begun else _new_id()
        return [CallPiece(self._index, call_id, arguments=unreported, broken=True)]

    def _new_pieces(self) -> list[CallPiece]:
        if not self._name:
            return []
        arguments = "".join(self._arguments[self._sent :])
        self._sent = len(self._arguments)
        if not self._begun:
            self._begun = True
            return [CallPiece(self._index, _new_id(), self._name, arguments)]
        return [CallPiece(self._index, arguments=arguments)] if arguments else []

    def _read(self, text: str) -> str:
        """Parse more of the object. Returns the text after it, or from the first invalid place."""
        for place, character in enumerate(text):
            if self._reading is None:
                return text[place:]
            self._text.append(character)
            try:
                self._reading.send(character)
            except StopIteration:
                self._reading = None
                self._whole = True
            except _BrokenError:
                self._reading = None
                self._text.pop()
                return text[place:]
        return ""

    def _read_object(self) -> Reading:
        if (yield from _next()) != "{":
            raise _BrokenError
        yield from self._read_member()
        while (mark := (yield from _next())) == ",":
            yield from self._read_member()
        if mark != "}" or not self._name or not _is_object("".join(self._arguments)):
            raise _BrokenError

    def _read_member(self) -> Reading:
        key = yield from _read_string()
        if (yield from _next()) != ":":
            raise _BrokenError
        if key == "name" and not self._name:
            self._name = yield from _read_string()
            if not self._name:
                raise _BrokenError
            self._reported = len(self._text)
        elif key == "arguments" and not self._arguments:
            yield from _read_value((yield from _next()), self._take_argument)
        else:
            raise _BrokenError

    def _take_argument(self, character: str) -> None:
        if not self._arguments and character != "{":
            raise _BrokenError
        self._arguments.append(character)
        if self._name:
            self._reported = len(self._text)


def _next() -> Generator[None, str, str]:
    """The next character that is not white space."""
    while (character := (yield)) in " \t\r\n":
        pass
    return character


def _read_string() -> Generator[None, str, str]:
    """A JSON string."""
    letters: list[str] = []
    first = yield from _next()
    if first != '"':
        raise _BrokenError
    yield from _read_value(first, letters.append)
    try:
        text: str = json.loads("".join(letters))
    except ValueError:
        raise _BrokenError from None
    return text


def _read_value(first: str, take: Callable[[str], None]) -> Reading:
    """A string, object or array that begins with `first`; calls `take` with each character.

    Counts brackets and quotes only; the complete value is validated as JSON later.
    """
    depth, quoted, escaped = 0, False, False
    character = first
    while True:
        if character == '"' and not escaped:
            quoted = not quoted
        elif quoted:
            if character < " ":  # not allowed in JSON strings: a closing quote is missing
                raise _BrokenError
        elif character == "<":  # the closing tag
            raise _BrokenError
        else:
            depth += (character in "{[") - (character in "}]")
        escaped = quoted and character == "\\" and not escaped
        take(character)
        if depth <= 0 and not quoted:
            return
        character = yield


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _new_id() -> str:
    return "call_" + "".join(secrets.choice(ID_LETTERS) for _ in range(24))
