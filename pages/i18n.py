"""Every word of the pages, in English and Chinese. Knows no page.

The words of accounts lie in `words/LANGUAGE.toml`, those of each other subject in
`words/LANGUAGE/SUBJECT.toml`; a key belongs to one subject only.
"""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path

WORDS = Path(__file__).parent / "words"


class Language(StrEnum):
    """The languages of the pages; the value is also the HTML `lang`."""

    EN = "en"
    ZH = "zh"


@cache
def words(language: Language) -> Mapping[str, str]:
    """All words of a language by key, as templates."""
    found: dict[str, str] = {}
    for subject in (WORDS / f"{language}.toml", *sorted((WORDS / language).glob("*.toml"))):
        found |= tomllib.loads(subject.read_text(encoding="utf-8"))
    return found


def choose_language(remembered: str | None, accept_language: str) -> Language:
    """The language that was chosen before, else the first of the browser's that is ours."""
    wishes = [remembered or "", *accept_language.lower().split(",")]
    known = (wish.strip()[:2] for wish in wishes)
    return next((Language(tongue) for tongue in known if tongue in set(Language)), Language.EN)
