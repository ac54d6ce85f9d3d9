"""Sets of characters, as sorted and non-adjacent ranges of code points."""

from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]
"""Pairs of the first and the last code point."""

WRITABLE: Ranges = (
    (0x08, 0x0A),
    (0x0C, 0x0D),
    (0x20, 0x7E),
    (0x80, 0xD7FF),
    (0xE000, 0xFFFC),
    (0xFFFE, 0x10FFFF),
)
r"""Characters that an answer can hold in a JSON string.

Other control characters would need `\u…` escapes. With those, names have two spellings, and an
undeclared member could repeat a declared one. U+FFFD stands for invalid bytes, so `engine.text`
drops it. Lone surrogates are no characters.
"""


def within(ranges: Ranges, others: Ranges) -> Ranges:
    """The intersection."""
    overlaps = (
        (max(first, low), min(last, high)) for first, last in ranges for low, high in others
    )
    return tuple(sorted(pair for pair in overlaps if pair[0] <= pair[1]))


def without(ranges: Ranges, removed: Ranges) -> Ranges:
    """The difference: characters of `ranges` that are not in `removed`."""
    remaining: list[tuple[int, int]] = []
    for first, last in ranges:
        start = first
        for low, high in removed:
            if start <= high and low <= last:
                remaining.append((start, low - 1))
                start = high + 1
        remaining.append((start, last))
    return tuple(pair for pair in remaining if pair[0] <= pair[1])


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same characters as sorted, non-adjacent ranges."""
    result: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return tuple(result)


def are_writable(text: str) -> bool:
    """Whether an answer can hold this text in a JSON string."""
    codes = {ord(character) for character in text}
    return all(any(first <= code <= last for first, last in WRITABLE) for code in codes)
