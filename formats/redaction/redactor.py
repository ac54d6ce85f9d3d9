"""Masks personal data in texts: names by a list, everything else by pattern.

Every pattern reads a bounded number of characters from where it begins, so that the work grows in
proportion to the text. What a pattern finds is masked only if it passes the checks of such numbers
(check digits, structure, numbering plan): sums and examples stay what they are.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from unicodedata import normalize

from stdnum import iban, luhn
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from chat.errors import BadRequest
from formats.plain_text import LETTER, beginnings, narrow
from formats.redaction.phone_numbers import phone_numbers

MOST_NAMES = 2_000
LONGEST_NAME = 100

PLACEHOLDERS = ("email", "phone", "id", "iban", "card", "name")
"""The kinds of personal data and their placeholders, as in `[email]`."""

EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}+@[A-Za-z0-9-]{1,63}+(?:\.[A-Za-z0-9-]{1,63}+){1,8}+"
)
IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])", re.ASCII
)
CHINESE_ID = re.compile(r"(?<![0-9A-Za-z])\d{6}([ -]?)\d{8}\1\d{3}[\dXx](?![0-9A-Za-z])", re.ASCII)
CARD = re.compile(
    r"(?<![\d.-])(?:[2-6]\d{12,18}"
    r"|[2-6]\d{3}([ -])\d{4}\1\d{4}\1\d{1,7}(?:\1\d{1,3})?"
    r"|3\d{3}([ -])\d{6}\2\d{4,5})(?![\d-])",
    re.ASCII,
)
SEPARATORS = re.compile("[ -]")

Spans = Callable[[str], Iterable[tuple[int, int]]]
"""Finds non-overlapping spans (begin, end) in a text of narrow characters."""

Check = Callable[[str], bool]
"""Validates a candidate, for example by check digits."""


class Redactor:
    """Masks texts, and counts the masked items in `masked`."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.masked: Counter[str] = Counter()
        self._names = _any_of(names)

    def mask(self, text: str) -> str:
        """The text with placeholders such as `[email]`."""
        for kind, spans in KINDS:
            text = self._replace(kind, text, spans(narrow(text)))
        return self._names.sub(self._name, text) if self._names else text

    def _replace(self, kind: str, text: str, spans: Iterable[tuple[int, int]]) -> str:
        pieces: list[str] = []
        rest = 0
        for begin, end in spans:
            pieces += text[rest:begin], f"[{kind}]"
            rest = end
            self.masked[kind] += 1
        return "".join((*pieces, text[rest:]))

    def _name(self, match: re.Match[str]) -> str:
        if match["name"] is None:  # a placeholder
            return match[0]
        self.masked["name"] += 1
        return "[name]"


class TooManyNames(BadRequest):
    """There are more names to be masked than are taken. Values: field, limit."""

    code = "too_many_names"


class NameTooLong(BadRequest):
    """A name to be masked is too long. Values: field, limit (characters)."""

    code = "name_too_long"


def names_of(listed: str) -> Sequence[str]:
    """The names of a list, one on each line. Those of one letter are left out.

    All or an error: a name left out silently would not be masked. Raises TooManyNames,
    NameTooLong.
    """
    lines = [" ".join(line.split()) for line in listed.splitlines()]
    for number, line in enumerate(lines, start=1):
        if len(line) > LONGEST_NAME:
            why = f"Line {number} of the names has more than {LONGEST_NAME} characters."
            raise NameTooLong(why, field="names", limit=LONGEST_NAME)
    names = [line for line in dict.fromkeys(lines) if len(line) > 1]
    if len(names) > MOST_NAMES:
        why = f"At most {MOST_NAMES:,} names can be masked; these are {len(names):,}."
        raise TooManyNames(why, field="names", limit=MOST_NAMES)
    return names


def _spans_of(pattern: re.Pattern[str], check: Check) -> Spans:
    """What the pattern finds, as far as `check` accepts it: the longest beginning counts.

    Where none is accepted, the next may begin within: of `2026 4111 1111 1111 1111`, a card number.
    """

    def spans(text: str) -> Iterator[tuple[int, int]]:
        match = pattern.search(text)
        while match:
            begin, end = match.start(), match.start() + 1
            number = next(filter(check, beginnings(match[0])), None)
            if number:
                end = begin + len(number)
                yield begin, end
            match = pattern.search(text, end)

    return spans


def _is_iban(written: str) -> bool:
    # Without national check digits, because a mistyped number still identifies a person.
    return iban.is_valid(written, check_country=False)


def _is_chinese_id(written: str) -> bool:
    """By its check digit and date of birth.

    `ric.validate` looks up the place too, and refuses real numbers: its table gives the years of
    each county's name, but people keep the number of a county that was dissolved or not yet formed
    (110221 with 1965), and it has no codes of Hong Kong, Macao and Taiwan (81, 82, 83).
    """
    number = SEPARATORS.sub("", written).upper()
    if len(number) != 18 or ric.calc_check_digit(number) != number[-1]:
        return False
    try:
        ric.get_birth_date(number)
    except ValidationError:
        return False
    return True


def _is_card(written: str) -> bool:
    digits = SEPARATORS.sub("", written)
    return 13 <= len(digits) <= 19 and luhn.is_valid(digits)


def _emails(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in EMAIL.finditer(text))


KINDS: Sequence[tuple[str, Spans]] = (
    ("email", _emails),
    ("iban", _spans_of(IBAN, _is_iban)),
    ("id", _spans_of(CHINESE_ID, _is_chinese_id)),
    ("card", _spans_of(CARD, _is_card)),
    ("phone", phone_numbers),
)
"""The finders in order of precedence: identity numbers precede card numbers."""


def _any_of(names: Iterable[str]) -> re.Pattern[str] | None:
    """Finds any of the names, and the placeholders that are there already.

    Names with the same first letter are looked at together, and only where that letter stands.
    """
    beginning: dict[str, list[str]] = defaultdict(list)
    spelled = {normalize(form, name) for name in names for form in ("NFC", "NFD")} - {""}
    for name in sorted(spelled, key=len, reverse=True):
        beginning[name[0].lower()[:1]].append(name)
    if not beginning:
        return None
    firsts = "".join(map(re.escape, beginning))
    groups = "|".join(_any_beginning(first, group) for first, group in beginning.items())
    placeholders = "|".join(PLACEHOLDERS)
    return re.compile(
        rf"\[(?:{placeholders})\]|(?P<name>(?=[{firsts}])(?:{groups}))", re.IGNORECASE
    )


def _any_beginning(first: str, names: Sequence[str]) -> str:
    before = f"(?<![{LETTER}])" if re.match(f"[{LETTER}]", first) else ""
    rests = "|".join(_rest(name) for name in names)
    return f"{re.escape(first)}{before and f'(?<![{LETTER}].)'}(?:{rests})"


def _rest(name: str) -> str:
    """Of a name, after its first letter; spaces may be any."""
    pattern = r"\s{1,3}".join(map(re.escape, name[1:].split(" ")))
    return pattern + (f"(?![{LETTER}])" if re.search(f"[{LETTER}]$", name) else "")
