"""Parses JSON text, with located errors. Knows no file format."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from json import JSONDecodeError
from typing import NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from chat.conversations.errors import BadImport, NotJson

MAX_WHERE = 200
MAX_CONTAINERS = 2_000_000
"""Most lists and objects of a file: an empty one needs 20 times its text in memory."""

_SPACE = re.compile(r"[ \t\r\n]*")
Record = TypeVar("Record", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One JSON value of a file; `line` is its line number in JSON Lines.

    A line that is not JSON has an `error` instead of a value.
    """

    value: object
    line: int | None = None
    error: BadImport | None = None


def refusal(where: str, why: str, kind: type[BadImport] = BadImport) -> BadImport:
    """The error for a file that is invalid at `where`: a line, or the path of a field."""
    where = _printable(where[:MAX_WHERE])
    return kind(f"{where}: {why}" if where else why, where=where, why=why)


def decode(data: bytes) -> str:
    """Decode a file in UTF-8, UTF-16 or UTF-32. Raises BadImport when it is none of them."""
    try:
        return data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise refusal(f"line {line}", "is not text in UTF-8", NotJson) from None


def parse(text: str) -> Sequence[FileEntry]:
    """The JSON values in a text: one, or one per line (JSON Lines). Raises BadImport.

    Of JSON Lines a broken line is an entry with its error.
    """
    if text.count("[") + text.count("{") > MAX_CONTAINERS:
        raise refusal("", f"the file holds more than {MAX_CONTAINERS} lists and objects")
    reader = _Reader(text)
    try:
        value = reader.value()
    except NotJson:
        if _has_lines(text):
            return list(_parse_lines(text))
        raise
    if reader.is_at_end():
        return [FileEntry(value)]
    if isinstance(value, Mapping):
        return list(_parse_lines(text))
    return reader.fail("Extra data")


def _parse_lines(text: str) -> Iterator[FileEntry]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield FileEntry(_parse_line(line, number), number)
            except NotJson as error:
                yield FileEntry(None, number, error)


def _parse_line(line: str, number: int) -> object:
    """Raises NotJson."""
    reader = _Reader(line, first_line=number)
    value = reader.value()
    if not reader.is_at_end():
        reader.fail("Extra data")
    return value


def _has_lines(text: str) -> bool:
    """Whether the line after the first one is an object of its own: the first one is damaged."""
    lines = (line for line in text.split("\n", 2)[1:2] if line.strip())
    for line in lines:
        try:
            return isinstance(_parse_line(line, 2), Mapping)
        except NotJson:
            return False
    return False


def validate(kind: type[Record], value: object, where: str) -> Record:
    """The value as a record. Raises BadImport, naming the field below `where`."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        why = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        raise refusal(field_path(where, *first["loc"]), why) from None


def field_path(where: str, *names: str | int) -> str:
    """The path of a field: conversations[3].messages[2].role"""
    for name in names:
        where += f"[{name}]" if isinstance(name, int) else f".{name}"
    return where.removeprefix(".")


def _printable(text: str) -> str:
    """Remove invisible characters and surrogates: names of fields come from the file."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(parse_constant=_no_constant)


class _Reader:
    """Decodes the two outermost levels itself and passes each part to the library.

    The library holds the GIL during a call, so decoding a large file in one call would block all
    running answers.
    """

    def __init__(self, text: str, first_line: int = 1) -> None:
        self._text = text
        self._first_line = first_line
        self._at = 0

    def value(self, levels: int = 2) -> object:
        """The next value. Raises BadImport."""
        mark = self._peek()
        if levels and mark == "[":
            return self._array(levels - 1)
        if levels and mark == "{":
            return self._object(levels - 1)
        return self._part()

    def is_at_end(self) -> bool:
        return not self._peek()

    def fail(self, why: str, at: int | None = None) -> NoReturn:
        """Raise BadImport with the line and the column."""
        error = JSONDecodeError(why, self._text, self._at if at is None else at)
        line = self._first_line + error.lineno - 1
        raise refusal(f"line {line}", f"{error.msg} (column {error.colno})", NotJson)

    def _array(self, levels: int) -> list[object]:
        items: list[object] = []
        self._at += 1
        if self._skip("]"):
            return items
        while True:
            items.append(self.value(levels))
            if self._skip("]"):
                return items
            self._expect(",")

    def _object(self, levels: int) -> dict[str, object]:
        members: dict[str, object] = {}
        self._at += 1
        if self._skip("}"):
            return members
        while True:
            if self._peek() != '"':
                self.fail("Expecting property name enclosed in double quotes")
            name = str(self._part())
            self._expect(":")
            members[name] = self.value(levels)
            if self._skip("}"):
                return members
            self._expect(",")

    def _part(self) -> object:
        self._peek()
        try:
            value, self._at = DECODER.raw_decode(self._text, self._at)
        except JSONDecodeError as error:
            self.fail(error.msg, error.pos)
        except RecursionError:
            self.fail("is nested too deeply")
        except ValueError as error:  # NaN and its like, and integers of thousands of digits
            self.fail(str(error).partition(";")[0])
        return value

    def _peek(self) -> str:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._text[self._at : self._at + 1]

    def _skip(self, mark: str) -> bool:
        if self._peek() != mark:
            return False
        self._at += 1
        return True

    def _expect(self, mark: str) -> None:
        if not self._skip(mark):
            self.fail(f"Expecting '{mark}' delimiter")
