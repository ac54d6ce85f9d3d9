"""The texts of the pages: `words/LANGUAGE/SUBJECT.toml`."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from i18n import Language, read_texts

WORDS = Path(__file__).parent / "words"


@cache
def words(language: Language) -> Mapping[str, str]:
    """All texts of a language by key, as templates."""
    return read_texts(WORDS, language)
