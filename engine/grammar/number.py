"""Numbers between two bounds, digit by digit, as grammar."""

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from engine.grammar.notation import either, literal

LARGEST_INTEGER = 10**18 - 1
LARGEST_NUMBER = 10**15
PLACES = 6
"""Digits after the point of a bounded number: with more, some could not be told from its bound."""
STEP = Decimal(1).scaleb(-PLACES)


def integers(low: float | None, high: float | None) -> str | None:
    """The integers from `low` to `high`, both included; None if there are none."""
    first = -LARGEST_INTEGER if low is None else max(math.ceil(low), -LARGEST_INTEGER)
    last = LARGEST_INTEGER if high is None else min(math.floor(high), LARGEST_INTEGER)
    options = []
    if first < 0 and first <= last:
        options.append(f'"-" {_naturals(max(1, -last), -first)}')
    if last >= 0 and first <= last:
        options.append(_naturals(max(0, first), last))
    return either(options) if options else None


def numbers(low: float | None, high: float | None) -> str | None:
    """The decimal numbers from `low` to `high`, both included; None if there are none."""
    first = Decimal(-LARGEST_NUMBER) if low is None else _inwards(low, ROUND_CEILING)
    last = Decimal(LARGEST_NUMBER) if high is None else _inwards(high, ROUND_FLOOR)
    options = []
    if first < 0 and first <= last:
        options.append(f'"-" {_decimals(max(Decimal(0), -last), -first)}')
    if last >= 0 and first <= last:
        options.append(_decimals(max(Decimal(0), first), last))
    return either(options) if options else None


def _inwards(bound: float, rounding: str) -> Decimal:
    clamped = min(max(bound, -LARGEST_NUMBER), LARGEST_NUMBER)
    return Decimal(repr(clamped)).quantize(STEP, rounding)


def _naturals(first: int, last: int) -> str:
    """`first` to `last`, without a sign and without zeros in front."""
    options = []
    for length in range(len(str(first)), len(str(last)) + 1):
        smallest = 10 ** (length - 1) if length > 1 else 0
        low, high = max(first, smallest), min(last, 10**length - 1)
        options.append(_between(str(low), str(high), shorter=False))
    return either(options)


def _decimals(first: Decimal, last: Decimal) -> str:
    (low, low_places), (high, high_places) = map(_parts, (first, last))
    nothing, everything = "0" * PLACES, "9" * PLACES
    if low == high:
        return f"{literal(str(low))} {_fraction(low_places, high_places)}"
    options = [
        f"{literal(str(low))} {_fraction(low_places, everything)}",
        f"{literal(str(high))} {_fraction(nothing, high_places)}",
    ]
    if high - low > 1:
        between = _naturals(low + 1, high - 1)
        options.append(f"{between} {_fraction(nothing, everything)}")
    return either(options)


def _parts(number: Decimal) -> tuple[int, str]:
    whole, _, places = f"{number:.{PLACES}f}".partition(".")
    return int(whole), places


def _fraction(low: str, high: str) -> str:
    """A point and places from `low` to `high`; nothing at all where that is as much as `low`."""
    some = f'("." {_between(low, high, shorter=True)})'
    return some + "?" if not low.strip("0") else some


def _between(low: str, high: str, *, shorter: bool) -> str:
    """Digits from `low` to `high`, which are equally long. If `shorter`, zeros may be left out."""
    rest = len(low) - 1
    if low[0] == high[0]:
        return f"{literal(low[0])} {_rest(low[1:], high[1:], shorter=shorter)}"
    if not low[1:].strip("0") and not high[1:].strip("9"):
        return f"[{low[0]}-{high[0]}] {_rest(low[1:], high[1:], shorter=shorter)}"
    options = [
        f"{literal(low[0])} {_rest(low[1:], '9' * rest, shorter=shorter)}",
        f"{literal(high[0])} {_rest('0' * rest, high[1:], shorter=shorter)}",
    ]
    if int(high[0]) - int(low[0]) > 1:
        middle = f"[{int(low[0]) + 1}-{int(high[0]) - 1}]"
        options.append(f"{middle} {_rest('0' * rest, '9' * rest, shorter=shorter)}")
    return either(options)


def _rest(low: str, high: str, *, shorter: bool) -> str:
    if not low:
        return ""
    if not low.strip("0") and not high.strip("9"):
        return f"[0-9]{{{0 if shorter else len(low)},{len(low)}}}"
    some = _between(low, high, shorter=shorter)
    return f"({some})?" if shorter and not low.strip("0") else some
