"""Bounds of numbers, rewritten so that llguidance enforces them exactly.

llguidance 1.9.1 reads bounds as floats and builds a regular expression of their digits. It allows
`0` where `exclusiveMinimum` is 0, rounds integers beyond 2**53, and allows exponents and any number
of digits where there is no bound. So every number gets two inclusive bounds that are exact floats.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

Range = tuple[int | float, int | float]
"""The least and the largest number."""
LARGEST_INTEGER = 10**18
"""The largest power of ten that fits an int64; it is exact as a float."""
LARGEST_NUMBER = 10**15
DIGITS = 15
"""Decimal numbers with this many digits survive conversion to a float and back."""
MAX_BEGINNINGS = 3
"""Prefixes of a bound that get a range of their own."""
MAX_STEP = 20_000
"""Units of all `multipleOf` in a schema. Each is a state of llguidance's lexer; this many were
measured at 50 ms."""


def integer_ranges(schema: Mapping[str, Any]) -> Sequence[Range]:
    """The range of all integers that `schema` allows; empty if there is none."""
    lows = [schema.get("minimum", -LARGEST_INTEGER), -LARGEST_INTEGER]
    highs = [schema.get("maximum", LARGEST_INTEGER), LARGEST_INTEGER]
    if "exclusiveMinimum" in schema:
        lows.append(math.floor(schema["exclusiveMinimum"]) + 1)
    if "exclusiveMaximum" in schema:
        highs.append(math.ceil(schema["exclusiveMaximum"]) - 1)
    low, high = (math.ceil(max(lows)), math.floor(min(highs)))
    if float(low) < low:
        low = int(math.nextafter(float(low), math.inf))
    if float(high) > high:
        high = int(math.nextafter(float(high), -math.inf))
    return [(low, high)] if low <= high else []


def number_ranges(schema: Mapping[str, Any]) -> Sequence[Range]:
    """Ranges with all numbers that `schema` allows; empty if there is none.

    One range for each prefix of a bound: with maximum 0.75 llguidance writes 0.70, but not 0.7.
    """
    lows = [schema.get("minimum", -LARGEST_NUMBER), -LARGEST_NUMBER]
    highs = [schema.get("maximum", LARGEST_NUMBER), LARGEST_NUMBER]
    if "exclusiveMinimum" in schema:
        lows.append(math.nextafter(schema["exclusiveMinimum"], math.inf))
    if "exclusiveMaximum" in schema:
        highs.append(math.nextafter(schema["exclusiveMaximum"], -math.inf))
    low, high = _rounded(max(lows), ROUND_CEILING), _rounded(min(highs), ROUND_FLOOR)
    begun = [(low, shorter) for shorter in _beginnings(high) if high > 0]
    begun += [(shorter, high) for shorter in _beginnings(low) if low < 0]
    ranges = dict.fromkeys([(low, high), *begun])
    return [(_plain(least), _plain(most)) for least, most in ranges if least <= most]


def _rounded(bound: float, rounding: str) -> Decimal:
    exact = Decimal(repr(bound))
    places = DIGITS - max(0, exact.adjusted() + 1)
    return exact.quantize(Decimal(1).scaleb(-places), rounding).normalize()


def _beginnings(number: Decimal) -> Iterable[Decimal]:
    places = -int(number.as_tuple().exponent)
    for place in range(1, min(places, MAX_BEGINNINGS + 1)):
        yield number.quantize(Decimal(1).scaleb(-place), ROUND_DOWN)


def _plain(number: Decimal) -> int | float:
    """The number in the type with the fewest digits: llguidance parses inexactly beyond 2**53."""
    return int(number) if number == number.to_integral_value() else float(number)


class Step(NamedTuple):
    """The exact value of a `multipleOf`: `units` of 10 to the power of minus `places`."""

    units: int
    places: int


def step_of(value: float) -> Step | None:
    """The step that llguidance uses for `value`; None if it would use another number.

    llguidance multiplies the float by ten until it has no fraction, which fails for some numbers:
    0.07 becomes 0.7000000000000001. This repeats the computation and compares.
    """
    scaled, places = float(value), 0
    while scaled % 1 and places < DIGITS:
        scaled *= 10
        places += 1
    if scaled % 1 or scaled > MAX_STEP or Decimal(repr(value)) != Decimal(scaled).scaleb(-places):
        return None
    return Step(int(scaled), places)


def are_exact(value: Any) -> bool:
    """Whether llguidance writes all numbers in a JSON value unchanged.

    It reads them as floats, with a parser that is exact only up to 15 digits and exponent 22.
    """
    if isinstance(value, dict | list):
        return all(map(are_exact, value.values() if isinstance(value, dict) else value))
    if isinstance(value, float):
        _, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
        return isinstance(exponent, int) and len(digits) <= DIGITS and abs(exponent) <= 22
    return not isinstance(value, int) or (abs(value) <= LARGEST_INTEGER and float(value) == value)
