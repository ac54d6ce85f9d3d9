"""The notation in which grammars are written down (xgrammar's EBNF), and JSON's strings in it.

Every character of a string has exactly one spelling: so names can be compared letter by letter, and
lengths counted. What a decoder of tokens could lose (U+FFFD, halves of surrogate pairs) has none.
"""

import json
import re
from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]
"""Code points, as pairs of first and last: sorted, apart from each other."""

PLAIN: Ranges = (
    (0x20, 0x21),
    (0x23, 0x5B),
    (0x5D, 0xD7FF),
    (0xE000, 0xFFFC),
    (0xFFFE, 0x10FFFF),
)
"""Characters that stand for themselves in a JSON string."""
ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
"""Those that do not, and are written all the same."""
UNWRITABLE = re.compile("[\ufffd\ud800-\udfff]")


def literal(text: str) -> str:
    """Exactly this text."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def json_text(value: object) -> str:
    """The one spelling of a JSON value. Raises ValueError for what no answer can hold."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if UNWRITABLE.search(text):
        raise ValueError("it holds characters that cannot be written")
    return text


def either(options: Iterable[str]) -> str:
    """One of these expressions."""
    return f"({' | '.join(options)})"


def one_of(ranges: Ranges) -> str:
    """One character of these. They must be plain."""
    return f"[{''.join(map(_range, ranges))}]"


def _range(pair: tuple[int, int]) -> str:
    first, last = pair
    return _point(first) if first == last else f"{_point(first)}-{_point(last)}"


def _point(code: int) -> str:
    character = chr(code)
    if character.isascii() and character.isalnum():
        return character
    return f"\\U{code:08X}" if code > 0xFFFF else f"\\u{code:04X}"


def without(ranges: Ranges, gone: Ranges) -> Ranges:
    """Those of `ranges` that are not in `gone`."""
    left: list[tuple[int, int]] = []
    for first, last in ranges:
        start = first
        for gone_first, gone_last in gone:
            if gone_last < start or last < gone_first:
                continue
            if start < gone_first:
                left.append((start, gone_first - 1))
            start = gone_last + 1
        if start <= last:
            left.append((start, last))
    return tuple(left)


def within(ranges: Ranges, others: Ranges) -> Ranges:
    """Those that are in both."""
    return without(ranges, without(((0, 0x10FFFF),), others))


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same code points, sorted and apart."""
    result: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return tuple(result)


ANY = one_of(PLAIN)

BASICS = {
    "tail": rf'"\"" | {ANY} tail | "\\" ["\\bfnrt] tail',
    "string": r'"\"" tail',
    "integer": r'"-"? ("0" | [1-9] [0-9]{0,17})',
    "number": 'integer ("." [0-9]{1,17})?',
    "boolean": '"true" | "false"',
    "null": '"null"',
    "member": 'string ": " value',
    "object": '"{" (member (", " member)*)? "}"',
    "array": '"[" (value (", " value)*)? "]"',
    "value": "object | array | string | number | boolean | null",
}
"""JSON in one fixed style. `tail` is the rest of a string with its closing quote."""


class Rules:
    """The rules of one grammar. Equal ones are written once."""

    def __init__(self) -> None:
        self._bodies = dict(BASICS)
        self._names: dict[str, str] = {}

    def add(self, body: str) -> str:
        """The name of a rule with this body; nothing for an empty one."""
        if not body:
            return ""
        if body not in self._names:
            self._names[body] = self.reserve()
            self.define(self._names[body], body)
        return self._names[body]

    def reserve(self) -> str:
        """A name whose rule is to be defined."""
        name = f"r{len(self._bodies)}"
        self._bodies[name] = ""
        return name

    def define(self, name: str, body: str) -> None:
        self._bodies[name] = body

    def text(self, root: str) -> str:
        """The whole grammar of answers that are as the expression `root` says."""
        lines = (f"{name} ::= {body}" for name, body in [*self._bodies.items(), ("root", root)])
        return "\n".join(lines) + "\n"
