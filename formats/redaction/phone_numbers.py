"""Finds telephone numbers in a text, by the numbering plans of libphonenumber.

`PhoneNumberMatcher` gets one candidate at a time instead of the whole text, because of three traps
that showed when it searched whole texts:

- Two numbers with spaces in a row, or a number behind another figure (`2 138 1234 5678`), are one
  candidate to it. That candidate is too long for a number, and none of the numbers in it is found.
- It stops without an error after `max_tries` candidates.
- It copies the rest of the text at each time stamp, so that many of them take quadratic time.

Here a candidate has a bounded length and a bounded number of beginnings to check, so the work grows
in proportion to the text. Every text is expected in the form of `formats.plain_text.narrow`.
"""

import re
from collections.abc import Iterator

from phonenumbers import (
    Leniency,
    NumberParseException,
    PhoneNumber,
    PhoneNumberMatcher,
    PhoneNumberType,
    is_possible_number,
    is_valid_number,
    number_type,
    parse,
)

from formats.plain_text import LETTER, beginnings

REGION = "CN"
"""Numbers without a country code belong to it, and `00` is its prefix for calls to abroad."""

# No sum begins a number. Where `[phone]` or `[name]` is in a masked text, a digit or a letter was
# when phone numbers were searched for: a plus behind it still belongs to a sum, so that masking the
# text once more finds nothing new.
PLUS = rf"(?<![{LETTER}_+])(?<!\[phone\])(?<!\[name\])\+"
START = re.compile(rf"(?<![\d\]]\.)(?:{PLUS}|(?<!\d)\d)|\(\d")  # `0.138…` has a decimal point

INTERNATIONAL = re.compile(rf"(?:\+\(?|(?<![{LETTER}_])00)[1-9](?:[ ().-]{{0,2}}\d){{6,14}}(?!\d)")
DOMESTIC = re.compile(r"(?:\(\d{3,4}\)[ -]?\d{3,8}|\d{2,13})(?:[ .-]{1,3}\d{3,11}){0,3}(?!\d)")
NORTH_AMERICAN = re.compile(r"(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}(?!\d)")
"""Without a country code. The way of writing tells it apart, so no area code is checked."""

FEWEST = 7
"""Digits of an international number, with its country code."""

DOMESTIC_DIGITS = range(10, 14)
"""How many: from a landline with its area code to a mobile number behind 86."""


def phone_numbers(text: str) -> Iterator[tuple[int, int]]:
    """The begin and end of each number, in their order. No two overlap."""
    start = START.search(text)
    while start:
        begin = start.start()
        length = _international(text, begin) or _domestic(text, begin) or _american(text, begin)
        if length:
            yield begin, begin + length
        start = START.search(text, begin + (length or 1))


def _international(text: str, begin: int) -> int:
    """The length of the number with a country code that begins there; 0 for none.

    An assigned number is preferred to one that only has a possible length:
    `+86 138 0013 8000 2` ends before the 2. Behind a plus any other is masked too, as a mistyped
    number; behind `00` it may be a number that is filled up with zeros.
    """
    found = INTERNATIONAL.match(text, begin)
    if found is None:
        return 0
    long_enough = (each for each in beginnings(found[0]) if _digits(each) >= FEWEST)
    numbers = [(len(each), number) for each in long_enough if (number := _parsed(each))]
    for accepts in (is_valid_number, is_possible_number):
        for length, number in numbers:
            if accepts(number):
                return length
    return len(found[0]) if text[begin] == "+" else 0


def _domestic(text: str, begin: int) -> int:
    """The length of the number of `REGION` that begins there; 0 for none.

    Its groups have to be those of such numbers: `13 800 138 000` is a sum of money.
    """
    found = DOMESTIC.match(text, begin)
    for written in beginnings(found[0]) if found else ():
        if _digits(written) in DOMESTIC_DIGITS and _is_personal(written) and _is_grouped(written):
            return len(written)
    return 0


def _american(text: str, begin: int) -> int:
    """The length of the number as written in North America that begins there; 0 for none."""
    found = NORTH_AMERICAN.match(text, begin)
    return len(found[0]) if found else 0


def _parsed(written: str) -> PhoneNumber | None:
    try:
        return parse(written, REGION)
    except NumberParseException:
        return None


def _is_personal(written: str) -> bool:
    """Whether it is an assigned number of a mobile phone, or of a landline behind a 0.

    So no service number, and no landline without the 0: that looks like any ten digits.
    """
    number = _parsed(written)
    if number is None or not is_valid_number(number):
        return False
    return number_type(number) == PhoneNumberType.MOBILE or written.lstrip("(").startswith("0")


def _is_grouped(written: str) -> bool:
    """Whether the whole of it is one number, with its digits in the groups of such numbers."""
    first = next(iter(PhoneNumberMatcher(written, REGION, Leniency.STRICT_GROUPING)), None)
    return first is not None and first.raw_string == written


def _digits(written: str) -> int:
    return sum(map(str.isdigit, written))
