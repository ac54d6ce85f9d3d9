"""Regular expressions of JSON schemas, rewritten so that llguidance matches them correctly.

Supports the syntax that Python and ECMAScript have in common, and refuses the rest by name. Where
they disagree, such as on what a digit is, it matches what both match. The patterns are rewritten
for two reasons:

- llguidance reads Rust's dialect, in which `[a&&b]` or `[[:alpha:]]` have another meaning.
- In llguidance 1.9.1 an escaped quotation mark or backslash matches any class that contains all
  control characters: `[^"]` matches `\"`. So the classes written here contain only characters that
  an answer can hold. Found by trying single characters against negated classes.
"""

import string
from collections.abc import Iterable

from engine.grammar.characters import WRITABLE, Ranges, merged, within, without

DIGITS: Ranges = ((0x30, 0x39),)
WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
SPACE: Ranges = ((0x09, 0x0D), (0x20, 0x20))
ASCII: Ranges = ((0x00, 0x7F),)
LINE_ENDS: Ranges = ((0x0A, 0x0A), (0x0D, 0x0D), (0x85, 0x85), (0x2028, 0x2029))
CLASSES = {"d": DIGITS, "w": WORD, "s": SPACE}
CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
ANYTHING = "(?s:.*)"
MAX_LENGTH = 2_000
MAX_REPEAT = 10_000
MAX_NESTING = 20


class BadPattern(ValueError):
    """A regular expression that is not supported. The message says why."""


def rewrite_pattern(pattern: str) -> str:
    """A pattern for llguidance that matches the strings that `pattern` matches anywhere.

    Raises BadPattern.
    """
    if len(pattern) > MAX_LENGTH:
        raise BadPattern(f"it is longer than {MAX_LENGTH} characters")
    reader = _Reader(pattern)
    options = [reader.anchored()]
    while reader.take("|"):
        options.append(reader.anchored())
    if reader.rest:
        raise BadPattern(f"{reader.rest[0]!r} is not supported in this place")
    return f"^{_either(options)}$"


def pattern_of_texts(texts: Iterable[str]) -> str:
    """A pattern for llguidance that matches exactly these texts. They must be writable."""
    return f"^{_either([''.join(_point(ord(letter)) for letter in text) for text in texts])}$"


def pattern_of_length(least: int, most: int | None) -> str:
    """A pattern for llguidance that matches texts of `least` to `most` characters."""
    return f"^(?s:.{{{least},{'' if most is None else most}}})$"


class _Reader:
    """A parser of patterns, from left to right. `rest` is the unread part."""

    def __init__(self, pattern: str) -> None:
        self.rest = pattern
        self._depth = 0

    def take(self, *beginnings: str) -> str:
        """Consume and return the first of `beginnings` that comes next; "" if none does."""
        for beginning in beginnings:
            if self.rest.startswith(beginning):
                self.rest = self.rest[len(beginning) :]
                return beginning
        return ""

    def next(self) -> str:
        if not self.rest:
            raise BadPattern("it ends too early")
        character, self.rest = self.rest[0], self.rest[1:]
        return character

    def anchored(self) -> str:
        """One alternative of the whole pattern, with `.*` where it has no anchor."""
        begin = "" if self.take("^") else ANYTHING
        body = self._sequence()
        return begin + body + ("" if self.take("$") else ANYTHING)

    def _sequence(self) -> str:
        parts = []
        while self.rest and self.rest[0] not in "|)$":
            parts.append(self._atom() + self._quantifier())
        return "".join(parts)

    def _group(self) -> str:
        if self.take("?") and not self.take(":"):
            raise BadPattern(f"(?{self.rest[:1]} is not supported")
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise BadPattern("its groups are nested too deeply")
        options = [self._sequence()]
        while self.take("|"):
            options.append(self._sequence())
        self._depth -= 1
        if not self.take(")"):
            raise BadPattern(
                "$ is only supported at the end" if self.rest else "a group has no end"
            )
        return _either(options)

    def _atom(self) -> str:
        match character := self.next():
            case "(":
                return self._group()
            case "[":
                return _one_of(self._class())
            case ".":
                return DOT
            case "\\":
                return _one_of(self._escape())
            case "^" | "*" | "+" | "?" | "{":
                raise BadPattern(f"{character} is not supported in this place")
        return _one_of(_single(character))

    def _quantifier(self) -> str:
        sign = self.take("*", "+", "?", "{")
        if sign == "{":
            inside, brace, self.rest = self.rest.partition("}")
            least, comma, most = inside.partition(",")
            if not brace or not _is_count(least) or not (_is_count(most) or not most):
                raise BadPattern("{ does not begin a count")
            if most and int(most) < int(least):
                raise BadPattern(f"{{{inside}}} counts backwards")
            sign = f"{{{least}{comma}{most}}}"
        if sign:
            self.take("?")  # greedy or lazy: the same strings match
        return sign

    def _class(self) -> Ranges:
        negated = bool(self.take("^"))
        ranges: list[tuple[int, int]] = []
        beyond_ascii = True
        while not self.take("]"):
            first = self._member()
            beyond_ascii &= len(first) == 1 and first[0][0] == first[0][1]
            if self.rest[:1] == "-" and self.rest[1:2] not in ("]", ""):
                self.next()
                first = _span(first, self._member())
            ranges += first
        if not negated:
            return merged(ranges)
        # The dialects differ in which characters beyond ASCII match \d, \w and \s.
        return without(WRITABLE if beyond_ascii else within(WRITABLE, ASCII), merged(ranges))

    def _member(self) -> Ranges:
        character = self.next()
        return self._escape(in_class=True) if character == "\\" else _single(character)

    def _escape(self, *, in_class: bool = False) -> Ranges:
        character = self.next()
        if character in CLASSES:
            return CLASSES[character]
        if character.lower() in CLASSES:
            if in_class:
                raise BadPattern(f"\\{character} is not supported in brackets")
            return without(within(WRITABLE, ASCII), CLASSES[character.lower()])
        if character in CONTROLS:
            return _single(CONTROLS[character])
        if character in "xu":
            return _single(self._code(2 if character == "x" else 4))
        if character.isalnum():
            raise BadPattern(f"\\{character} is not supported")
        return _single(character)

    def _code(self, digits: int) -> str:
        code, self.rest = self.rest[:digits], self.rest[digits:]
        if len(code) < digits or not set(code) <= set(string.hexdigits):
            raise BadPattern(f"{code!r} is not the number of a character")
        return chr(int(code, 16))


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6 and int(text) <= MAX_REPEAT


def _single(character: str) -> Ranges:
    return ((ord(character), ord(character)),)


def _span(first: Ranges, last: Ranges) -> Ranges:
    begin, end = first[0][0], last[-1][1]
    if len(first) > 1 or len(last) > 1 or begin > end:
        raise BadPattern("a range in brackets has no order")
    return ((begin, end),)


def _either(options: list[str]) -> str:
    return f"(?:{'|'.join(options)})"


def _one_of(ranges: Ranges) -> str:
    """A class of the characters in `ranges` that an answer can hold."""
    ranges = within(ranges, WRITABLE)
    if not ranges:
        raise BadPattern("it asks for characters that cannot be written")
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _point(ranges[0][0])
    return f"[{''.join(f'{_point(first)}-{_point(last)}' for first, last in ranges)}]"


def _point(code: int) -> str:
    character = chr(code)
    return character if character.isascii() and character.isalnum() else f"\\x{{{code:X}}}"


DOT = _one_of(without(WRITABLE, LINE_ENDS))
