"""The page's texts in English and Chinese. Knows no component and no domain value.

The words lie in `words/LANGUAGE/SUBJECT.toml`; a key belongs to one subject only.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from i18n import Language, filled, read_texts

WORDS = Path(__file__).parent / "words"


NAMES: Mapping[Language, str] = {Language.ZH: "中", Language.EN: "EN"}
"""Labels of the language switch, the same in every language."""


PARTS: Mapping[str, str] = {"comment": "comment", "correction": "should-have-been"}
"""Text keys of the fields of a rating that may be refused."""


@cache
def words(language: Language) -> Mapping[str, str]:
    """All texts of a language by key, as templates."""
    return read_texts(WORDS, language)


def text(language: Language, key: str, **values: object) -> str:
    """The words for `key`, with `values` filled in."""
    return filled(words(language)[key], **values)


def refusal(language: Language, code: str, values: Mapping[str, object]) -> str:
    """The sentence for a request that was refused with that error code."""
    known = words(language)
    named = dict(values)
    if "name" in named:  # a setting: named as its field
        named["name"] = known.get(_field(str(named["name"])), named["name"])
    sentence = filled(known.get(f"error-{code}", known["error-internal_error"]), **named)
    if part := PARTS.get(str(named.get("what"))):
        return filled(known["of-part"], part=known[part], sentence=sentence)
    return sentence


def fallback_answer(language: Language, code: str | None) -> str:
    """What stands in place of an answer that failed with that error code."""
    known = words(language)
    return known.get(f"answer-{code}", known["answer-failed"])


def _field(setting: str) -> str:
    return "stop_strings" if setting == "stop" else setting
