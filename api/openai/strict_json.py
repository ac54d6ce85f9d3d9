"""Strict JSON parsing with limits.

Python's parser accepts NaN, duplicate keys, numbers of any length and lone surrogates, on which
later code fails: the tokenizer, a database, or the encoding of a response.
"""

import asyncio
import json
import math
import re
from typing import Any, NoReturn

MAX_DEPTH = 64
MAX_INTEGER = 2**63
MAX_DIGITS = 20
MAX_KEYS = 1_000
"""Keys of one object."""

SMALL_BODY = 64 * 1024
"""Bodies up to this size are parsed on the event loop; measured at a millisecond."""

_UNUSABLE = re.compile("[\0\ud800-\udfff]")


class BadJson(Exception):
    """The body is not usable JSON; the message says why without repeating the body."""


async def read_json(body: bytes) -> Any:
    """Parse `body`, in a thread if it is large. Raises BadJson."""
    return read(body) if len(body) <= SMALL_BODY else await asyncio.to_thread(read, body)


def read(body: bytes) -> Any:
    """As `read_json`, synchronously."""
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_bounded_int,
        )
    except RecursionError:
        raise BadJson(f"The body is nested deeper than {MAX_DEPTH} levels.") from None
    except UnicodeDecodeError:
        raise BadJson("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise BadJson(f"The body is no JSON: line {error.lineno}, column {error.colno}.") from None
    _check(value)
    return value


def _check(value: Any) -> None:
    """Check depth and texts, without recursion."""
    level, depth = [value], 0
    while level:
        below: list[Any] = []
        if depth >= MAX_DEPTH and any(isinstance(item, dict | list) for item in level):
            raise BadJson(f"The body is nested deeper than {MAX_DEPTH} levels.")
        for item in level:
            if isinstance(item, str):
                _check_text(item)
            elif isinstance(item, dict):
                below += item
                below += item.values()
            elif isinstance(item, list):
                below += item
        level, depth = below, depth + 1


def _check_text(text: str) -> None:
    if _UNUSABLE.search(text):
        raise BadJson("The body has a text with NUL or with half of a surrogate pair.")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:  # each unknown key would become an error of its own
        raise BadJson(f"The body has an object with more than {MAX_KEYS} keys.")
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BadJson("The body has an object with the same key twice.")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise BadJson("The body has NaN or Infinity, which is no JSON.")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise BadJson("The body has a number that is too large.")
    return number


def _bounded_int(digits: str) -> int:
    # Checked before conversion: int() of thousands of digits is slow.
    if len(digits) > MAX_DIGITS or abs(number := int(digits)) > MAX_INTEGER:
        raise BadJson("The body has a number that is too large.")
    return number
