"""Finds the encoding of a text file that is not UTF-8, by the detector of Firefox.

Bytes alone cannot prove an old encoding, so the page shows which one was taken, and others. Of
three detectors it was right most often on short files (decision 0010). Names are those of the
WHATWG, which browsers know.
"""

import re
import unicodedata
from dataclasses import dataclass

from chardetng_py import EncodingDetector

MAX_SAMPLE = 64 * 2**10
"""Bytes that are looked at."""

SHORT = 12
"""Bytes beyond ASCII below which a few signs fit several of the encodings in `EAST_ASIAN`."""

EAST_ASIAN = frozenset({"gb18030", "Big5", "EUC-KR", "EUC-JP", "Shift_JIS"})
DOMAINS = {"zh": b"cn"}
"""The top-level domain of a language: the detector takes it as a hint."""


@dataclass(frozen=True, slots=True)
class CommonSigns:
    """An encoding and its codec. The common characters have a lead byte of `rows` in `standard`."""

    name: str
    codec: str
    standard: str
    rows: range


COMMON = (
    CommonSigns("Shift_JIS", "cp932", "euc_jp", range(0xA4, 0xD0)),
    CommonSigns("Big5", "big5", "big5", range(0xA4, 0xC7)),
)
"""Encodings whose few signs the detector takes for Western ones."""

PUNCTUATION_ROWS = range(0xA1, 0xA4)
BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
MOST_SYMBOLS = 0.25
"""Share of symbols among the characters beyond ASCII of a Western word."""

NAMES = {"cp874": "windows-874"}
"""The one name of the detector that is Python's, not the WHATWG's."""

NOT_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Bytes of no text in an encoding that is built on ASCII."""

SHORTEST_UTF16 = 4
UTF16_CHARACTERS = 2_000
"""Bytes that are needed to tell UTF-16, and characters that are looked at."""

ODD = frozenset({"Cc", "Cn", "Co", "Cs"})
"""Categories of characters that no text has, but for line ends and tabs."""


def encoding_of(sample: bytes, language: str = "") -> str:
    """The most likely encoding of bytes that are not UTF-8; empty if they are no text.

    `language` is that of the page: it decides where a few signs fit several encodings.
    """
    sample = sample[:MAX_SAMPLE]
    if NOT_TEXT.search(sample):
        return _utf16(sample)
    guess = _guess(sample, None)
    beyond_ascii = sum(byte >= 0x80 for byte in sample)
    if guess in EAST_ASIAN and beyond_ascii < SHORT and (domain := DOMAINS.get(language)):
        guess = _guess(sample, domain)
    elif guess not in EAST_ASIAN and beyond_ascii < SHORT:
        guess = _short_east_asian(sample, guess) or guess
    return NAMES.get(guess.lower(), guess.lower())


def _guess(sample: bytes, domain: bytes | None) -> str:
    detector = EncodingDetector()
    detector.feed(sample, last=True)
    return str(detector.guess(tld=domain, allow_utf8=False))


def _short_east_asian(sample: bytes, guess: str) -> str:
    """The encoding that makes common words of a few signs; empty where the guess makes letters.

    The detector takes the two words of a Japanese header, "名前,年齢", for "–Ľ‘O,”N—î".
    """
    try:
        signs = [sign for sign in sample.decode(guess) if not sign.isascii()]
    except (UnicodeDecodeError, LookupError):
        return ""
    if MOST_SYMBOLS * len(signs) >= sum(not sign.isalpha() for sign in signs):
        return ""
    return next((common.name for common in COMMON if _is_common(sample, common)), "")


def _is_common(sample: bytes, common: CommonSigns) -> bool:
    """Whether all signs are common ones, in words of two at least."""
    try:
        text = sample.decode(common.codec)
        rows = {sign.encode(common.standard)[0] for sign in text if not sign.isascii()}
    except UnicodeError:
        return False
    words = BEYOND_ASCII.findall(text)
    return all(len(word) > 1 for word in words) and all(
        row in PUNCTUATION_ROWS or row in common.rows for row in rows
    )


def _utf16(sample: bytes) -> str:
    """UTF-16 without a byte order mark, in the order whose characters are from fewer blocks."""
    if len(sample) < SHORTEST_UTF16:
        return ""
    found: list[tuple[int, str]] = []
    for name, codec in (("utf-16le", "utf-16-le"), ("utf-16be", "utf-16-be")):
        try:
            text = sample[: 2 * UTF16_CHARACTERS].decode(codec)
        except UnicodeDecodeError:
            continue
        if not any(unicodedata.category(sign) in ODD and sign not in "\n\r\t\f" for sign in text):
            found.append((len({ord(sign) >> 8 for sign in text}), name))
    return min(found)[1] if found else ""
