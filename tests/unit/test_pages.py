"""The texts of the pages around the chat, in both languages."""

import re
import tomllib
from collections import Counter
from pathlib import Path
from string import Formatter

import pytest

from api.edge.errors import STATUS
from chat.accounts.credentials import MAX_NAME, MAX_PASSWORD, MIN_PASSWORD
from chat.accounts.models import (
    AccountRole,
    Action,
    AuditEntry,
    User,
    utc_now,
)
from chat.campaigns.validation import MAX_LABEL, MOST_DAYS, MOST_REASONS
from chat.evaluation import cases as casebook
from formats.redaction import NameTooLong, TooManyNames
from i18n import Language, choose_language
from pages.accounts.people import people_page
from pages.html import ReaderContext
from pages.i18n import WORDS, words

PAGES = Path(__file__).parents[2] / "pages"
CHINESE = ("*/words/zh/*.toml", "formats/report.zh.toml")


def test_both_languages_say_everything_with_the_same_values() -> None:
    english, chinese = words(Language.EN), words(Language.ZH)
    assert english.keys() == chinese.keys()
    for key, said in english.items():
        parsed = [Formatter().parse(template) for template in (said, chinese[key])]
        values = [{name for _, name, _, _ in places if name} for places in parsed]
        assert values[0] == values[1], key


@pytest.mark.parametrize("other_word", ["词元", "首字", "tokens", "令牌", "中途退出"])
def test_chinese_has_one_word_for_a_thing(other_word: str) -> None:
    """A token is "token", also the first; who drops out is "中途离开"."""
    for file in (file for pattern in CHINESE for file in PAGES.parent.glob(pattern)):
        said = tomllib.loads(file.read_text("utf-8"))
        assert [key for key, text in said.items() if other_word in _bare(str(text))] == [], file


@pytest.mark.parametrize("language", Language)
def test_a_word_belongs_to_one_subject(language: Language) -> None:
    files = tuple((WORDS / language).glob("*.toml"))
    keys = Counter(key for file in files for key in tomllib.loads(file.read_text("utf-8")))
    assert {key for key, times in keys.items() if times > 1} == set()


def _bare(template: str) -> str:
    """Without its places, whose names are English."""
    return re.sub(r"\{[^{}]*\}", "", template)


def test_every_word_is_said_somewhere() -> None:
    sources = [*PAGES.rglob("*.[pj][ys]"), *PAGES.rglob("*.html")]
    code = "".join(path.read_text(encoding="utf-8") for path in sources)
    made = re.compile(
        r"(action|error|field|rank|welcome|make|scope|mode|figure|kind|add|campaign-(re)?(open|close)"
        r"|filter|refused|verdict|reason|standing|count|format|role|door|origin|language|check|run|turn|which)"
        r"(-.+)?"
    )
    for key in words(Language.EN):
        assert made.fullmatch(key) or re.search(f"[\"']{key}[\"']", code), key


@pytest.mark.parametrize("language", Language)
def test_every_action_of_the_audit_log_is_said_in_words(language: Language) -> None:
    now = utc_now()
    user = User("1", "Ann", AccountRole.ADMIN, now)
    said = {key for key in words(language) if key.startswith("action-")}
    assert said == {f"action-{action}" for action in Action}
    for action in Action:
        page = people_page(ReaderContext(language), user, [user], [AuditEntry(now, "1", action)])
        assert f"<td>{words(language)[f'action-{action}']}</td>" in page
        assert f"<td>{action}</td>" not in page


def test_an_action_that_is_unknown_here_is_said_as_it_is_written() -> None:
    now = utc_now()
    user = User("1", "Ann", AccountRole.ADMIN, now)
    entry = AuditEntry(now, "1", "fly<away")
    assert "fly&lt;away" in people_page(ReaderContext(Language.EN), user, [user], [entry])


@pytest.mark.parametrize("language", Language)
def test_the_bounds_that_are_said_are_those_that_hold(language: Language) -> None:
    said = words(language)
    assert str(MAX_NAME) in said["error-bad_name"]
    for key in ("error-bad_password", "field-new", "field-new-password"):
        assert str(MIN_PASSWORD) in said[key]
        assert str(MAX_PASSWORD) in said[key]
    assert str(MOST_DAYS) in said["plan-keep_days"]
    assert str(MOST_REASONS) in said["plan-reasons"]
    assert str(MAX_LABEL) in said["plan-reasons"]
    for key, bounds in {
        "name": (casebook.MAX_NAME,),
        "prompt": (casebook.MOST_TURNS, casebook.MAX_PROMPT),
        "checks": (casebook.MOST_CHECKS,),
        "cases": (casebook.MOST_CASES,),
    }.items():
        assert all(f"{bound:,}" in said[f"refused-case-{key}"] for bound in bounds), key


def test_sentences_are_of_errors_that_there_are() -> None:
    def kinds(root: type) -> set[type]:
        return {root}.union(*map(kinds, root.__subclasses__()))

    tops = (*STATUS, TooManyNames, NameTooLong)  # the latter are known to their own room alone
    codes = {kind.code for top in tops for kind in kinds(top)}  # type: ignore[attr-defined]  # all are errors
    said = {key.removeprefix("error-") for key in words(Language.EN) if key.startswith("error-")}
    assert said - {"other"} <= codes


@pytest.mark.parametrize(
    ("remembered", "accepted", "language"),
    [
        (None, "", Language.EN),
        (None, "fr, zh-CN;q=0.8, en", Language.ZH),
        ("zh", "en", Language.ZH),
        ("../../etc", "en", Language.EN),
    ],
)
def test_the_language_is_the_chosen_one_else_the_browsers(
    remembered: str | None, accepted: str, language: Language
) -> None:
    assert choose_language(remembered, accepted) is language
