"""What all patterns of redaction share: text in one form of characters, and character classes."""

import re
from collections.abc import Iterator

LETTER = "0-9A-Za-z\u00c0-\u024f\u0370-\u052f"
"""For a character class: digits, and letters of scripts that write spaces between words."""

FULL_WIDTH = range(0xFF01, 0xFF5F)
"""The full-width forms of `!` to `~`, in the order of ASCII (Unicode block FF00)."""

HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
SPACES = "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"
NARROW = (
    {wide: chr(wide - FULL_WIDTH.start + ord("!")) for wide in FULL_WIDTH}
    | dict.fromkeys(map(ord, HYPHENS), "-")
    | dict.fromkeys(map(ord, SPACES), " ")
)

GROUP_END = re.compile(r"(?<=[0-9A-Za-z])(?![0-9A-Za-z])")


def narrow(text: str) -> str:
    """The text with ASCII digits, letters, signs, hyphens and spaces in place of their other forms.

    It has the same length: a position in it is the same position in `text`.
    """
    return text if text.isascii() else text.translate(NARROW)


def beginnings(found: str) -> Iterator[str]:
    """The text itself, then without its last group of letters and digits, and so on.

    A pattern takes a word that follows a number for one more group of it. One of these beginnings
    is the number alone.
    """
    for end in reversed([match.start() for match in GROUP_END.finditer(found)]):
        yield found[:end]
