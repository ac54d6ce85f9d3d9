"""Every word the page shows, in English and Chinese. Knows no component and no domain value.

The words lie in `words/LANGUAGE/SUBJECT.toml`; a key belongs to one subject only.
"""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path

from i18n import filled

WORDS = Path(__file__).parent / "words"


class Language(StrEnum):
    """The languages of the page; the value is also the HTML `lang`."""

    EN = "en"
    ZH = "zh"


NAMES: Mapping[Language, str] = {Language.ZH: "中", Language.EN: "EN"}
"""What the switch shows: the same in every language, so that nobody is locked out."""


PARTS: Mapping[str, str] = {"comment": "comment", "correction": "should-have-been"}
"""The words over the parts of a rating that may be refused."""


@cache
def words(language: Language) -> Mapping[str, str]:
    """All words of a language by key, as templates."""
    found: dict[str, str] = {}
    for subject in sorted((WORDS / language).glob("*.toml")):
        found |= tomllib.loads(subject.read_text(encoding="utf-8"))
    return found


def text(language: Language, key: str, **values: object) -> str:
    """The words for `key`, with `values` filled in."""
    return filled(words(language)[key], **values)


def refusal(language: Language, code: str, values: Mapping[str, object]) -> str:
    """The sentence for a request that was refused with that error code."""
    known = words(language)
    named = dict(values)
    if "name" in named:  # a setting: say it as its field does
        named["name"] = known.get(_field(str(named["name"])), named["name"])
    sentence = filled(known.get(f"error-{code}", known["error-internal_error"]), **named)
    if part := PARTS.get(str(named.get("what"))):
        return filled(known["of-part"], part=known[part], sentence=sentence)
    return sentence


def fallback_answer(language: Language, code: str | None) -> str:
    """What stands in place of an answer that failed with that error code."""
    known = words(language)
    return known.get(f"answer-{code}", known["answer-failed"])


def choose_language(remembered: str | None, accept_language: str) -> Language:
    """The language that was chosen before, else the first of the browser's that is ours."""
    if remembered in set(Language):
        return Language(remembered)
    for wish in accept_language.lower().split(","):
        tongue = wish.strip()[:2]
        if tongue in set(Language):
            return Language(tongue)
    return Language.EN


def _field(setting: str) -> str:
    return "stop_strings" if setting == "stop" else setting
