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
    Session,
    User,
    utc_now,
)
from chat.campaigns.validation import MAX_LABEL, MOST_DAYS, MOST_REASONS
from chat.evaluation import validation as case_limits
from formats.redaction.redactor import NameTooLong, TooManyNames
from i18n import Language, choose_language
from pages.accounts.users import account_page, users_page
from pages.html import PageLocale
from pages.i18n import WORDS, words

PAGES = Path(__file__).parents[2] / "pages"
CHINESE = ("*/words/zh/*.toml", "formats/reports/report.zh.toml")


def test_both_languages_have_the_same_texts_with_the_same_placeholders() -> None:
    english, chinese = words(Language.EN), words(Language.ZH)
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        parsed = [Formatter().parse(template) for template in (text, chinese[key])]
        values = [{name for _, name, _, _ in places if name} for places in parsed]
        assert values[0] == values[1], key


@pytest.mark.parametrize("other_word", ["词元", "首字", "tokens", "令牌", "中途退出"])
def test_chinese_texts_use_one_term_for_one_idea(other_word: str) -> None:
    """A token is "token", also the first; who drops out is "中途离开"."""
    for file in (file for pattern in CHINESE for file in PAGES.parent.glob(pattern)):
        texts = tomllib.loads(file.read_text("utf-8"))
        assert [key for key, text in texts.items() if other_word in _bare(str(text))] == [], file


@pytest.mark.parametrize("language", Language)
def test_a_key_belongs_to_one_file(language: Language) -> None:
    files = tuple((WORDS / language).glob("*.toml"))
    keys = Counter(key for file in files for key in tomllib.loads(file.read_text("utf-8")))
    assert {key for key, times in keys.items() if times > 1} == set()


def _bare(template: str) -> str:
    """Without its places, whose names are English."""
    return re.sub(r"\{[^{}]*\}", "", template)


def test_every_text_is_used_somewhere() -> None:
    sources = [*PAGES.rglob("*.[pj][ys]"), *PAGES.rglob("*.html")]
    code = "".join(path.read_text(encoding="utf-8") for path in sources)
    made = re.compile(
        r"(action|error|field|join|rank|welcome|make|scope|mode|figure|kind|add|campaign-(re)?(open|close)"
        r"|filter|refused|verdict|reason|standing|count|format|role|door|origin|language|check|run|turn|trouble|which|omission|pairs|live|event)"
        r"(-.+)?"
    )
    for key in words(Language.EN):
        assert made.fullmatch(key) or re.search(f"[\"']{key}[\"']", code), key


@pytest.mark.parametrize("language", Language)
def test_every_action_of_the_audit_log_has_a_text(language: Language) -> None:
    now = utc_now()
    user = User("1", "Ann", AccountRole.ADMIN, now)
    texts = {key for key in words(language) if key.startswith("action-")}
    assert texts == {f"action-{action}" for action in Action}
    for action in Action:
        page = users_page(PageLocale(language), user, [user], [AuditEntry(now, "1", action)])
        assert f"<td>{words(language)[f'action-{action}']}</td>" in page
        assert f"<td>{action}</td>" not in page


def test_an_unknown_action_is_rendered_as_it_is_stored() -> None:
    now = utc_now()
    user = User("1", "Ann", AccountRole.ADMIN, now)
    entry = AuditEntry(now, "1", "fly<away")
    assert "fly&lt;away" in users_page(PageLocale(Language.EN), user, [user], [entry])


@pytest.mark.parametrize("language", Language)
def test_the_limits_in_texts_are_those_of_the_code(language: Language) -> None:
    texts = words(language)
    assert str(MAX_NAME) in texts["error-bad_name"]
    for key in ("error-bad_password", "field-new", "field-new-password"):
        assert str(MIN_PASSWORD) in texts[key]
        assert str(MAX_PASSWORD) in texts[key]
    assert str(MOST_DAYS) in texts["plan-keep_days"]
    assert str(MOST_REASONS) in texts["plan-reasons"]
    assert str(MAX_LABEL) in texts["plan-reasons"]
    for key, bounds in {
        "name": (case_limits.MAX_NAME,),
        "prompt": (case_limits.MOST_TURNS, case_limits.MAX_PROMPT),
        "checks": (case_limits.MOST_CHECKS,),
        "cases": (case_limits.MOST_CASES,),
    }.items():
        assert all(f"{bound:,}" in texts[f"refused-case-{key}"] for bound in bounds), key


def test_every_error_text_belongs_to_an_error_code() -> None:
    def kinds(root: type) -> set[type]:
        return {root}.union(*map(kinds, root.__subclasses__()))

    tops = (*STATUS, TooManyNames, NameTooLong)  # the latter are known to their own room alone
    codes = {kind.code for top in tops for kind in kinds(top)}  # type: ignore[attr-defined]  # all are errors
    texts = {key.removeprefix("error-") for key in words(Language.EN) if key.startswith("error-")}
    assert texts - {"other"} <= codes


@pytest.mark.parametrize(
    ("remembered", "accepted", "language"),
    [
        (None, "", Language.EN),
        (None, "fr, zh-CN;q=0.8, en", Language.ZH),
        ("zh", "en", Language.ZH),
        ("../../etc", "en", Language.EN),
    ],
)
def test_the_language_is_the_chosen_one_or_that_of_the_browser(
    remembered: str | None, accepted: str, language: Language
) -> None:
    assert choose_language(remembered, accepted) is language


@pytest.mark.parametrize(
    ("sent", "english", "chinese"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
            "Firefox on Windows",
            "Windows 上的 Firefox",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
            "Mobile Safari on iOS",
            "iOS 上的 Mobile Safari",
        ),
        ("curl/8.5.0", "curl", "curl"),
        ("", "Unknown device", "未知设备"),
        ("<b>" * 80, "Unknown device", "未知设备"),
    ],
)
def test_a_session_names_its_browser_and_system(sent: str, english: str, chinese: str) -> None:
    user = User("1", "ann", AccountRole.MEMBER, utc_now())
    sessions = [Session("s", "1", utc_now(), utc_now(), utc_now(), sent)]
    for language, device in ((Language.EN, english), (Language.ZH, chinese)):
        page = account_page(PageLocale(language), user, sessions, session_id="")
        assert f">{device}</span>" in page
