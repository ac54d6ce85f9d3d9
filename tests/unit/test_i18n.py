"""Every text exists in both languages, none is unused, and no text is outside the files."""

import ast
import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from chat import errors
from chat.accounts import errors as account_errors
from chat.campaigns import errors as campaign_errors
from chat.conversations import errors as conversation_errors
from chat.errors import AppError, BadRequest
from chat.feedback import errors as feedback_errors
from chat.serving import errors as serving_errors
from i18n import Language, choose_language
from ui.i18n import WORDS, fallback_answer, refusal, text, words

UI = Path(__file__).parents[2] / "ui"
SOURCES = sorted(UI.rglob("*.py"))
TEMPLATES = sorted((UI / "templates").glob("*.html"))
EN, ZH = words(Language.EN), words(Language.ZH)
PAGE_ERRORS = (
    vars(errors)
    | vars(account_errors)
    | vars(conversation_errors)
    | vars(feedback_errors)
    | vars(serving_errors)
)
"""Every error that a request of the page can end with, outside campaigns."""
KEY = re.compile(r"[\w-]*[a-z]{3}[\w-]*")


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def key_patterns(source: str) -> Iterator[str]:
    """What the source may ask for: its plain strings, and f-strings with any word in each gap."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.escape(node.value)
        elif isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "" for part in node.values]
            if KEY.fullmatch("".join(map(str, parts))):
                yield "".join(re.escape(str(part)) if part else r"[\w-]+" for part in parts)


def template_patterns(source: str) -> Iterator[str]:
    """What a template may ask for: its plain strings, and joined ones with any word in each gap."""
    tree = Environment().parse(source)
    for constant in tree.find_all(nodes.Const):
        if isinstance(constant.value, str):
            yield re.escape(constant.value)
    for joined in tree.find_all(nodes.Concat):
        parts = [part.value if isinstance(part, nodes.Const) else "" for part in joined.nodes]
        if KEY.fullmatch("".join(map(str, parts))):
            yield "".join(re.escape(str(part)) if part else r"[\w-]+" for part in parts)


def test_both_languages_have_the_same_subjects_and_keys() -> None:
    subjects = [{path.name for path in (WORDS / language).iterdir()} for language in Language]
    assert subjects[0] == subjects[1]
    assert EN.keys() == ZH.keys()


@pytest.mark.parametrize("language", Language)
def test_a_key_belongs_to_one_subject(language: Language) -> None:
    paths = (WORDS / language).iterdir()
    keys = [key for path in paths for key in tomllib.loads(path.read_text(encoding="utf-8"))]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("key", sorted(EN))
def test_both_languages_fill_the_same_places(key: str) -> None:
    assert placeholders(EN[key]) == placeholders(ZH[key])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(UI)))
def test_chinese_words_stand_in_the_words_only(path: Path) -> None:
    if path.name != "i18n.py":  # which names the language
        assert not re.search(r"[\u4e00-\u9fff]", path.read_text(encoding="utf-8"))


def test_every_key_that_the_page_asks_for_exists() -> None:
    asked = set()
    for path in SOURCES:
        source = path.read_text(encoding="utf-8")
        asked |= set(re.findall(r'\btext\(\s*\w+, "([\w-]+)"', source))
        asked |= set(re.findall(r'\b(?:say|title)\("([\w-]+)"', source))
    for path in TEMPLATES:
        asked |= set(re.findall(r'\btext\(language, "([\w-]+)"[,)]', path.read_text("utf-8")))
    assert len(asked) > 30
    assert asked <= EN.keys()


def test_no_key_is_there_for_nothing() -> None:
    patterns = {found for path in SOURCES for found in key_patterns(path.read_text("utf-8"))}
    patterns |= {
        found for path in TEMPLATES for found in template_patterns(path.read_text("utf-8"))
    }
    used = re.compile("|".join(sorted(patterns)))
    assert [key for key in EN if not used.fullmatch(key)] == []


@pytest.mark.parametrize("language", Language)
def test_every_error_code_of_a_request_has_a_sentence(language: Language) -> None:
    values = dict.fromkeys(("characters", "limit", "tokens", "low", "high", "seconds"), 7)
    values |= dict.fromkeys(("count", "title", "where", "why", "retry_after_s", "hours"), 7)
    kinds = [kind for kind in PAGE_ERRORS.values() if isinstance(kind, type)]
    for kind in kinds:
        if issubclass(kind, AppError):
            sentence = refusal(language, kind.code, {**values, "name": "top_p"})
            assert sentence
            assert "{" not in sentence
        if issubclass(kind, BadRequest):
            assert f"error-{kind.code}" in EN


def test_every_sentence_for_a_refusal_has_an_error_that_it_is_for() -> None:
    known = PAGE_ERRORS | vars(campaign_errors)
    kinds = [kind for kind in known.values() if isinstance(kind, type)]
    codes = {kind.code for kind in kinds if issubclass(kind, AppError)}
    assert {key.removeprefix("error-") for key in EN if key.startswith("error-")} <= codes


def test_an_unknown_error_code_has_a_general_sentence() -> None:
    assert refusal(Language.EN, "brand_new", {}) == EN["error-internal_error"]
    assert fallback_answer(Language.ZH, None) == ZH["answer-failed"]


def test_a_refused_setting_is_named_as_its_field_is() -> None:
    sentence = refusal(Language.ZH, "invalid_setting", {"name": "temperature", "low": 0, "high": 2})
    assert sentence == "温度须在 0 与 2 之间。"
    assert "Stop strings" in refusal(
        Language.EN, "invalid_setting", {"name": "stop", "low": 1, "high": 9}
    )


@pytest.mark.parametrize(("what", "field"), [("comment", "Comment"), ("correction", "The answer")])
def test_a_part_of_a_rating_that_is_too_long_is_named_with_its_limit(what: str, field: str) -> None:
    values = {"what": what, "characters": 20_001, "limit": 20_000}
    sentence = refusal(Language.EN, "message_too_long", values)
    assert sentence.startswith(field)
    assert "at most 20000" in sentence


@pytest.mark.parametrize(
    ("remembered", "accepted", "chosen"),
    [
        (None, "zh-CN,zh;q=0.9,en;q=0.8", Language.ZH),
        (None, "fr-FR, EN-gb;q=0.5", Language.EN),
        (None, "fr", Language.EN),
        (None, "", Language.EN),
        ("zh", "en-US", Language.ZH),
        ("klingon", "zh-TW", Language.ZH),
    ],
)
def test_the_chosen_language_precedes_the_language_of_the_browser(
    remembered: str | None, accepted: str, chosen: Language
) -> None:
    assert choose_language(remembered, accepted) is chosen


def test_words_are_filled_in() -> None:
    assert text(Language.EN, "tokens", count="1,024") == "1,024 tokens"
