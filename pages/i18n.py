"""Every word of the pages, in English and Chinese. Knows no page."""

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
    return tomllib.loads((WORDS / f"{language}.toml").read_text(encoding="utf-8"))


def choose_language(remembered: str | None, accept_language: str) -> Language:
    """The language that was chosen before, else the first of the browser's that is ours."""
    wishes = [remembered or "", *accept_language.lower().split(",")]
    known = (wish.strip()[:2] for wish in wishes)
    return next((Language(tongue) for tongue in known if tongue in set(Language)), Language.EN)
