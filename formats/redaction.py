"""What could tell who somebody is, masked in texts: names by list, all else by pattern.

Every pattern reads a bounded number of characters from where it begins, so that no text, however it
was made, takes more time than its length. What a pattern finds counts only if its check digits are
right, where such numbers have some: sums and examples stay what they are.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from unicodedata import normalize

from chat.errors import BadRequest

MOST_NAMES = 2_000
LONGEST_NAME = 100

PLACEHOLDERS = ("email", "phone", "id", "iban", "card", "name")
"""What was masked, in the words that stand in its place."""

EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}+@[A-Za-z0-9-]{1,63}+(?:\.[A-Za-z0-9-]{1,63}+){1,8}+"
)
IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ ]?[A-Za-z0-9]{4}){2,7}"
    r"(?:[ ]?[A-Za-z0-9]{1,3})?(?![A-Za-z0-9])"
)
CHINESE_ID = re.compile(r"(?<![0-9A-Za-z])\d{17}[\dXx](?![0-9A-Za-z])")
CARD = re.compile(
    r"(?<![\d.-])(?:[2-6]\d{12,18}"
    r"|[2-6]\d{3}([ -])\d{4}\1\d{4}\1\d{1,7}"
    r"|3\d{3}([ -])\d{6}\2\d{5})(?![\d-])"
)
PHONE = re.compile(
    r"(?<![\w.+])(?:\+|00)[1-9](?:[ ().-]{0,2}\d){6,14}(?!\d)"  # international
    r"|(?<![\d.])(?:86[ -]?)?1[3-9]\d([ -]?)\d{4}\1\d{4}(?!\d)"  # a mobile phone in China
    r"|(?<![\d.])\(?0\d{2,3}\)?[ -]\d{7,8}(?!\d)"  # a landline there
    r"|(?<![\d.])(?:\(\d{3}\)[ ]?|\d{3}[-.])\d{3}[-.]\d{4}(?!\d)"  # in North America
)

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"
"""Of a Chinese identity number, by the weighted sum of the others modulo 11."""

LETTER = "0-9A-Za-z\u00c0-\u024f\u0370-\u052f"
"""Of scripts that write spaces between words: there, a name is a whole word."""


class Redactor:
    """Masks texts, and counts in `masked` what it found."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.masked: Counter[str] = Counter()
        self._names = _any_of(names)

    def mask(self, text: str) -> str:
        """The text with `[email]` and the like in the place of what was found."""
        for kind, pattern, check in PATTERNS:
            text = pattern.sub(self._replacement(kind, check), text)
        return self._names.sub(self._name, text) if self._names else text

    def _replacement(self, kind: str, check: "Check") -> Callable[[re.Match[str]], str]:
        def replace(match: re.Match[str]) -> str:
            length = check(match[0])
            if not length:
                return match[0]
            self.masked[kind] += 1
            return f"[{kind}]{match[0][length:]}"

        return replace

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

    Nothing else is: who was left out in silence would not be masked. Raises TooManyNames,
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


Check = Callable[[str], int]
"""How many characters of what a pattern found are really meant; 0 for none."""


def _whole(found: str) -> int:
    return len(found)


def _chinese_id(found: str) -> int:
    total = sum(int(digit) * weight for digit, weight in zip(found[:17], WEIGHTS, strict=True))
    return len(found) if CHECK_DIGITS[total % 11] == found[17].upper() else 0


def _card(found: str) -> int:
    """Luhn's sum."""
    digits = [int(sign) for sign in found if sign.isdigit()]
    doubled = (sum(divmod(digit * 2, 10)) for digit in digits[-2::-2])
    right = (sum(digits[::-2]) + sum(doubled)) % 10 == 0
    return len(found) if right and 13 <= len(digits) <= 19 else 0


def _iban(found: str) -> int:
    """A word that follows may look like the last group: the longest beginning that is right."""
    ends = [len(found), *(match.start() for match in reversed([*re.finditer(" ", found)]))]
    return next((end for end in ends if _is_iban(found[:end].replace(" ", ""))), 0)


def _is_iban(number: str) -> bool:
    if not 15 <= len(number) <= 34 or not number.isascii():
        return False
    turned = number[4:] + number[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


PATTERNS: Sequence[tuple[str, re.Pattern[str], Check]] = (
    ("email", EMAIL, _whole),
    ("iban", IBAN, _iban),
    ("id", CHINESE_ID, _chinese_id),
    ("card", CARD, _card),
    ("phone", PHONE, _whole),
)


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
