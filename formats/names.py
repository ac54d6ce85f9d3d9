"""Safe file names from titles, for any title and any operating system."""

import re
import unicodedata

MAX_BYTES = 120
_FORBIDDEN = re.compile(r'[\\/:*?"<>|%]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def file_stem(title: str, fallback: str) -> str:
    """A file name without extension; never a path, hidden, empty, or visually misleading."""
    # Controls, and signs that turn the direction: with U+202E a name shows another ending.
    # Zero-width joiners are of the same category, but hold emoji together.
    signs = (
        " "
        if unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and sign != "\u200d"
        else sign
        for sign in unicodedata.normalize("NFC", title)
    )
    line = " ".join(_FORBIDDEN.sub(" ", "".join(signs)).split())
    stem = _shortened(line).strip(". \u200d")
    if not stem:
        return fallback
    return f"_{stem}" if _RESERVED.fullmatch(stem) else stem


def _shortened(line: str) -> str:
    """Truncate at a character boundary, because file systems limit names in bytes."""
    return line.encode()[:MAX_BYTES].decode(errors="ignore")
