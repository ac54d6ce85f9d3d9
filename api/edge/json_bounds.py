"""How much structure a JSON body may have, checked before any parser makes values of it.

The size of a body does not bound what parsing it costs: 8 MiB of `[],[],…` took Python 2.7 s, all
of it on the event loop, and 600 MiB, because each empty list is an object that the garbage
collector visits; orjson took as long. So lists, objects and values are counted in the bytes, at the
speed of `bytes.count`, and only a body with more than could be right is looked at more closely.
"""

from dataclasses import dataclass

MAX_DEPTH = 64
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")


@dataclass(frozen=True, slots=True)
class JsonBounds:
    """Most lists and objects together, most values of all kinds together, and most levels.

    Without `depth` the levels are left to the parser.
    """

    containers: int
    values: int
    depth: int | None = MAX_DEPTH


class TooMuchJson(Exception):
    """The body has more lists and objects, or more values, than are taken; the message says so."""


class UnusableJson(Exception):
    """The body cannot be read as JSON here: nested too deeply, or not UTF-8."""


def check_structure(body: bytes, bounds: JsonBounds) -> None:
    """Raises TooMuchJson, UnusableJson. What is no JSON at all may pass; parsers refuse it.

    Takes microseconds for what people send, and milliseconds for the worst of a few MiB.
    """
    if b"\0" in body:  # in UTF-16 and UTF-32, which Python's parser would read as well
        raise UnusableJson("The body is not UTF-8.")
    # Brackets and commas in texts are counted too, which is quick and never too few.
    containers = body.count(b"[") + body.count(b"{")
    values = containers + body.count(b",") if len(body) > bounds.values else 0
    deepest = bounds.containers if bounds.depth is None else bounds.depth
    if containers <= min(deepest, bounds.containers) and values <= bounds.values:
        return
    structure = _without_texts(body, bounds)
    if bounds.depth is not None:
        _check_depth(structure, bounds.depth)
    _check_counts(structure, bounds)


def _without_texts(body: bytes, bounds: JsonBounds) -> bytes:
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")  # the quotes that are left end texts
    if bare.count(b'"') > 4 * bounds.values:  # a text is a value or the name of one
        raise TooMuchJson(f"The body holds more than {bounds.values:,} values.")
    return b"".join(bare.split(b'"')[::2])


def _check_counts(structure: bytes, bounds: JsonBounds) -> None:
    containers = structure.count(b"[") + structure.count(b"{")
    if containers > bounds.containers:
        raise TooMuchJson(f"The body holds more than {bounds.containers:,} lists and objects.")
    if containers + structure.count(b",") > bounds.values:
        raise TooMuchJson(f"The body holds more than {bounds.values:,} values.")


def _check_depth(structure: bytes, most: int) -> None:
    """Take the innermost brackets away, level by level."""
    brackets = structure.translate(_ONE_KIND, _NOT_BRACKETS)
    for _ in range(most):
        brackets = brackets.replace(b"[]", b"")
    # A few that do not match are no JSON, which the parser says.
    if len(brackets) > most or b"[]" in brackets:
        raise UnusableJson(f"The body is nested deeper than {most} levels.")
