"""The words of the pages around the chat, and what their functions make of hostile names."""

import re
import tomllib
from collections import Counter
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import pytest

from api.edge.errors import STATUS
from chat.accounts.credentials import MAX_NAME, MAX_PASSWORD, MIN_PASSWORD
from chat.accounts.models import (
    LOCAL,
    AccountRole,
    Action,
    AuditEntry,
    GuestLink,
    Session,
    User,
    utc_now,
)
from chat.campaigns.hosts import CampaignCounts
from chat.campaigns.models import (
    Campaign,
    Mode,
    Participant,
    Plan,
    QuestionKind,
    SurveyQuestion,
    Task,
    Variant,
    VoteChoice,
)
from chat.campaigns.participation import Visit, VisitStage
from chat.campaigns.validation import MAX_LABEL, MOST_DAYS, MOST_REASONS
from chat.conversations.models import Preset, PresetText
from chat.evaluation import cases as casebook
from chat.feedback.queries import VotedComparison
from chat.feedback.votes import VoteCounts, VoteCursor, VoteFilter, VoteFilterOptions, VotePage
from chat.models import PresetRef, Sampling
from formats.redaction import NameTooLong, TooManyNames
from i18n import Language, choose_language
from pages.accounts.people import account_page, guests_page, people_page
from pages.accounts.sign_in import guest_page, sign_in_page, welcome_page
from pages.campaigns.campaign import campaign_page, campaigns_page, edit_page
from pages.campaigns.choices import PlanOptions
from pages.campaigns.participation import campaign_visit_page, gone_page, survey_page
from pages.campaigns.plan_form import EMPTY
from pages.feedback.vote import ShownVote, vote_page
from pages.feedback.votes import FoundVotes, votes_page
from pages.html import ReaderContext
from pages.i18n import WORDS, words
from tests.rated import MADE, contest, path

HOSTILE = "\"><img src=x onerror=alert(1)>'{0}"
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
    code = "".join(path.read_text(encoding="utf-8") for path in PAGES.rglob("*.[pj][ys]"))
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


class Elements(HTMLParser):
    """What a browser finds in a page: elements and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def every_page(reader: ReaderContext) -> list[str]:
    now = utc_now()
    user = User("1", HOSTILE, AccountRole.ADMIN, now)
    session = Session("s", "1", now, now, now, HOSTILE)
    link = GuestLink("l", "1", HOSTILE, now, now, 1, 1, 1)
    entry = AuditEntry(now, "1", HOSTILE, HOSTILE, HOSTILE)
    return [
        sign_in_page(reader, then=f"/{HOSTILE}", set_up=True, provider=True, refused=True),
        welcome_page(reader),
        guest_page(reader),
        account_page(reader, user, [session], session_id=""),
        people_page(reader, user, [user], [entry]),
        guests_page(reader, user, [link], [(HOSTILE, HOSTILE)], {"1": HOSTILE}),
        *campaign_pages(reader, user, link),
        *vote_pages(reader, user),
    ]


def vote_pages(reader: ReaderContext, user: User) -> list[str]:
    """With answers of hostile models, without, and without the plan they were asked by."""
    made = replace(MADE, model=HOSTILE, quantization=HOSTILE, system_prompt=HOSTILE)
    duel = replace(contest(comment=HOSTILE).duel, question=HOSTILE, task_id=HOSTILE)
    answers = [path(name, HOSTILE, HOSTILE, provenance=made) for name in ("left", "right")]
    variants = (Variant(HOSTILE), Variant(HOSTILE))
    plan = Plan(HOSTILE, Mode.BLIND, variants, (Task(HOSTILE, HOSTILE),))
    campaign = Campaign(duel.campaign_id, "ann", plan, utc_now())
    names = {"ann": HOSTILE, HOSTILE: HOSTILE}
    known = VoteFilterOptions({campaign.id: campaign}, (HOSTILE, "ann"))
    wanted = VoteFilter(campaign.id, VoteChoice.LEFT, 1, HOSTILE, HOSTILE, words=HOSTILE)
    page = VotePage((duel,), VoteCursor(utc_now(), HOSTILE))
    lists = [
        FoundVotes(wanted, page, VoteCounts(1), known, names, first_page=False),
        FoundVotes(VoteFilter(HOSTILE), page, VoteCounts(), VoteFilterOptions(), names),
    ]
    left, right = answers
    presets = {"helper": HOSTILE}
    gone = VotedComparison(replace(duel, choice=VoteChoice.TIE), (), right)
    single = [
        ShownVote(
            VotedComparison(duel, left, right), wanted, campaign, escape, HOSTILE, presets, names
        ),
        ShownVote(gone, wanted, None, escape),
    ]
    return [
        *(votes_page(reader, user, found) for found in lists),
        *(vote_page(reader, user, shown) for shown in single),
    ]


def campaign_pages(reader: ReaderContext, user: User, link: GuestLink) -> list[str]:
    now = utc_now()
    ref = PresetRef(HOSTILE, 1)
    variant = Variant(HOSTILE, HOSTILE, Sampling(stop=(HOSTILE,)), PresetRef(HOSTILE, 2), HOSTILE)
    survey = [SurveyQuestion(HOSTILE, kind, HOSTILE, HOSTILE, HOSTILE) for kind in QuestionKind]
    plan = Plan(
        HOSTILE,
        Mode.SPLIT,
        (variant, variant),
        (Task(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
        HOSTILE,
        tuple(survey),
        (HOSTILE,),
        HOSTILE,
        starts_at=now,
        ends_at=now,
        keep_days=3,
    )
    campaign = Campaign("c", "1", plan, now)
    preset = Preset(ref, "1", True, PresetText(HOSTILE, HOSTILE, Sampling(stop=(HOSTILE,))), now)
    choices = PlanOptions([preset], [HOSTILE, HOSTILE, "another"])
    visits = [
        Visit(campaign, Participant("c", "1", now, survey={HOSTILE: HOSTILE}), stage)
        for stage in VisitStage
    ]
    figures, guest = CampaignCounts(), User("2", HOSTILE, AccountRole.GUEST, now)
    return [
        campaigns_page(reader, user, [campaign], now),
        campaign_page(reader, user, campaign, figures=figures, waiting=0, links=[link], now=now),
        edit_page(reader, user, plan, choices, campaign_id="c", in_use=True),
        edit_page(reader, LOCAL, EMPTY, choices),
        *(campaign_visit_page(reader, who, visit) for visit in visits for who in (user, guest)),
        survey_page(reader, guest, visits[2]),
        gone_page(reader),
    ]


@pytest.mark.parametrize("language", Language)
def test_nothing_that_somebody_wrote_becomes_part_of_a_page(language: Language) -> None:
    for page in every_page(ReaderContext(language, "/chat")):
        found = Elements()
        found.feed(page)
        assert "img" not in found.tags
        assert not [name for name in found.attributes if name.startswith(("on", "style"))]


def test_every_address_stays_below_the_proxys_path() -> None:
    for page in every_page(ReaderContext(Language.EN, "/chat")):
        addresses = re.findall(r'(?:href|src|data-post|data-secret)="([^"]*)"', page)
        assert addresses
        assert all(address.startswith("/chat/") for address in addresses)


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
