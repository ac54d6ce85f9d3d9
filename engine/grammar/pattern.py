"""Regular expressions of JSON schemas as grammar: what they match, spelled as a JSON string.

Understands what the dialects of Python and ECMAScript have in common, and refuses the rest by name.
Where they disagree, such as on what a digit is, it keeps to what matches in both.
"""

import string

from engine.grammar.notation import (
    ANY,
    ESCAPES,
    PLAIN,
    Ranges,
    either,
    literal,
    merged,
    one_of,
    within,
    without,
)

DIGITS: Ranges = ((0x30, 0x39),)
WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
SPACE: Ranges = ((0x09, 0x0D), (0x20, 0x20))
ASCII: Ranges = ((0x00, 0x7F),)
LINE_ENDS: Ranges = ((0x0A, 0x0A), (0x0D, 0x0D), (0x85, 0x85), (0x2028, 0x2029))
CLASSES = {"d": DIGITS, "w": WORD, "s": SPACE}
CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
MAX_REPEAT = 10_000


class BadPattern(ValueError):
    """A regular expression that is not understood. Says why."""


def string_matching(pattern: str) -> str:
    """JSON strings in which `pattern` is found. Raises BadPattern."""
    reader = _Reader(pattern)
    options = [reader.anchored()]
    while reader.take("|"):
        options.append(reader.anchored())
    if reader.rest:
        raise BadPattern(f"{reader.rest[0]!r} is not supported in this place")
    return rf'"\"" {either(options)} "\""'


class _Reader:
    """Reads a pattern from left to right. `rest` is what is still to be read."""

    def __init__(self, pattern: str) -> None:
        self.rest = pattern
        self._depth = 0

    def take(self, *beginnings: str) -> str:
        """The first of `beginnings` that comes next, read; or nothing."""
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
        """A choice of the whole pattern; what is not held at an end may go on there."""
        begin = "" if self.take("^") else f"{ANY}* "
        body = self._sequence()
        end = "" if self.take("$") else f" {ANY}*"
        return f"({begin}{body}{end})"

    def _sequence(self) -> str:
        parts = []
        while self.rest and self.rest[0] not in "|)$":
            parts.append(self._atom() + self._quantifier())
        return " ".join(parts) or '""'

    def _group(self) -> str:
        if self.take("?") and not self.take(":"):
            raise BadPattern(f"(?{self.rest[:1]} is not supported")
        self._depth += 1
        if self._depth > 20:
            raise BadPattern("its groups are nested too deeply")
        options = [self._sequence()]
        while self.take("|"):
            options.append(self._sequence())
        self._depth -= 1
        if not self.take(")"):
            raise BadPattern(
                "$ is only supported at the end" if self.rest else "a group has no end"
            )
        return either(options)

    def _atom(self) -> str:
        match character := self.next():
            case "(":
                return self._group()
            case "[":
                return _spelled(self._class())
            case ".":
                return _spelled(without(PLAIN, LINE_ENDS))
            case "\\":
                return _spelled(self._escape())
            case "^" | "*" | "+" | "?" | "{":
                raise BadPattern(f"{character} is not supported in this place")
        return _spelled(_single(character))

    def _quantifier(self) -> str:
        sign = self.take("*", "+", "?", "{")
        if sign == "{":
            inside, brace, self.rest = self.rest.partition("}")
            least, comma, most = inside.partition(",")
            if not brace or not _is_count(least) or not (_is_count(most) or not most):
                raise BadPattern("{ does not begin a count")
            if most and int(most) < int(least):
                raise BadPattern(f"{{{inside}}} counts backwards")
            sign = f"{{{least},{most}}}" if comma else f"{{{least},{least}}}"
        if sign:
            self.take("?")  # fewest or most: the same strings match
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
        # The dialects differ in which letters beyond ASCII \d, \w and \s stand for.
        return without(PLAIN if beyond_ascii else within(PLAIN, ASCII), merged(ranges))

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
            return without(within(PLAIN, ASCII), CLASSES[character.lower()])
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


def _spelled(ranges: Ranges) -> str:
    """One of these characters in a JSON string: a plain one where there is a choice."""
    if plain := within(PLAIN, ranges):
        return one_of(plain)
    escaped = [
        literal(spelling)
        for character, spelling in ESCAPES.items()
        if within(ranges, _single(character))
    ]
    if not escaped:
        raise BadPattern("it asks for characters that cannot be written")
    return either(escaped)
