"""Languages, texts with placeholders, and plural forms; for every layer that shows text.

"{count} {count:answer|answers}": a placeholder with two forms takes the first for one, else the
second. Knows no text itself.
"""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path


class Language(StrEnum):
    """The languages of the user interface; the value is also the HTML `lang`."""

    EN = "en"
    ZH = "zh"


def filled(template: str, **values: object) -> str:
    """The text with the values in place, each converted by `str`."""
    return template.format(**{name: _Value(value) for name, value in values.items()})


def read_texts(folder: Path, language: Language) -> Mapping[str, str]:
    """All texts of a language by key: `folder/LANGUAGE/*.toml`. A key belongs to one file only."""
    found: dict[str, str] = {}
    for subject in sorted((folder / language).glob("*.toml")):
        found |= tomllib.loads(subject.read_text(encoding="utf-8"))
    return found


def choose_language(remembered: str | None, accept_language: str) -> Language:
    """The language chosen before, else the first known one of the browser, else English."""
    candidates = [remembered or "", *accept_language.lower().split(",")]
    tags = (candidate.strip()[:2] for candidate in candidates)
    return next((Language(tag) for tag in tags if tag in set(Language)), Language.EN)


class _Value(str):
    """A value as text, which selects between two forms where its placeholder has them."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        one, has_forms, more = spec.partition("|")
        if not has_forms:
            return super().__format__(spec)
        return one if self.lstrip("+-\u2212") == "1" else more
