"""One is not many: sentences with numbers in them are right for every number."""

import re
import tomllib
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from formats.reports import report as report_module
from formats.tables.wording import words_of
from formats.words import CHINESE, ExportLanguage
from i18n import Language, filled
from pages import i18n as pages_words
from ui import i18n as ui_words

REPORT, REPORT_ZH = (
    tomllib.loads(
        (Path(report_module.__file__).parent / f"report.{language}.toml").read_text("utf-8")
    )
    for language in ("en", "zh")
)
TABLES, TABLES_ZH = words_of(ExportLanguage.EN), words_of(ExportLanguage.ZH)
SOURCES = {
    "page": ui_words.words(Language.EN),
    "pages": pages_words.words(Language.EN),
    "report": REPORT,
    "tables": TABLES,
}
GLOSSARY = tomllib.loads(
    (Path(ui_words.__file__).parent / "words" / "glossary.toml").read_text(encoding="utf-8")
)["term"]
PAIRS = [
    (f"{source}-{key}", template, chinese[key])
    for source, english, chinese in (
        ("page", ui_words.words(Language.EN), ui_words.words(Language.ZH)),
        ("pages", pages_words.words(Language.EN), pages_words.words(Language.ZH)),
        ("report", REPORT, REPORT_ZH),
        ("tables", TABLES, TABLES_ZH),
    )
    for key, template in english.items()
]
"""The place of each text, and the text in English and in Chinese."""

SENTENCES = [
    pytest.param(template, id=f"{source}-{key}")
    for source, known in SOURCES.items()
    for key, template in known.items()
    if "{" in template
]
COUNTS = frozenset(
    {"characters", "count", "days", "difference", "limit", "lines", "points", "retry_after_s"}
    | {"rows", "seconds", "tokens", "total"}
)
"""The values that may be one; a bound of the program's own never is."""

BOUND = re.compile(r"(up to|1 to|more than|[Aa]t most) \{(?:count|limit)\}")


def test_a_word_has_the_form_its_number_asks_for() -> None:
    template = "{count} {count:answer|answers}"
    counts: list[object] = [0, 1, 2, 11, "1", "1,000", "1+", "+1", "-1", "−1", 1.0]
    assert [filled(template, count=count) for count in counts] == [
        "0 answers",
        "1 answer",
        "2 answers",
        "11 answers",
        "1 answer",
        "1,000 answers",
        "1+ answers",
        "+1 answer",
        "-1 answer",
        "−1 answer",
        "1.0 answers",
    ]


def test_a_form_may_have_a_place_itself_and_values_are_never_read_as_places() -> None:
    template = "the first {count:turn is|{count} turns are} gone: {name}"
    assert filled(template, count=1, name="{count:a|b}") == "the first turn is gone: {count:a|b}"
    assert filled(template, count=3, name="|") == "the first 3 turns are gone: |"


@pytest.mark.parametrize("template", SENTENCES)
def test_no_english_sentence_has_a_plural_after_one(template: str) -> None:
    names = {name for _, name, _, _ in Formatter().parse(template) if name}
    values = {name: "1" if name in COUNTS else "x" for name in names}
    sentence = filled(BOUND.sub(r"\1 60", template), **values)
    assert not re.search(r"\b1 (?:[a-z]+ )?(?!(?:is|has|was|less)\b)[a-z]+s\b", sentence)


def test_chinese_addresses_the_reader_politely_everywhere() -> None:
    assert [place for place, _, chinese in PAIRS if "你" in chinese] == []
    assert CHINESE.user == "您"


@pytest.mark.parametrize("term", GLOSSARY, ids=lambda term: term["en"])
def test_every_text_uses_the_words_of_the_glossary(term: dict[str, Any]) -> None:
    refused = [rf"\b{re.escape(word)}\b" for word in term.get("not_en", [])]
    for place, english, chinese in PAIRS:
        plain = re.sub(r"\{[^}|:]*\}|--[\w-]+|Qwen Chat", "", english)
        assert not any(re.search(word, plain, re.IGNORECASE) for word in refused), place
        assert not any(word in chinese for word in term.get("not_zh", [])), place
        is_used = re.search(rf"\b{term['en']}s?\b", plain, re.IGNORECASE)
        if is_used and not term.get("free"):
            assert any(word in chinese for word in term["zh"]), place
