"""What a report says, and that it is one safe file in either language."""

import re
from dataclasses import replace
from typing import Any

import pytest

from chat.campaigns import (
    Campaign,
    Choice,
    Mode,
    Plan,
    QuestionKind,
    SurveyQuestion,
    Task,
    Variant,
)
from chat.hosting import Figures
from chat.people import LOCAL, Person
from chat.reporting import Ballot, Measured, Raw, Report, Reports, Shown, Spread
from chat.types import Sampling
from formats.charts import bars
from formats.redaction import Redactor
from formats.report import write_report
from formats.words import Language
from tests.contract.stores import START

HOSTILE = "</svg><img src=x onerror=alert(1)>'{0} ![p](http://evil.example/p.png)"
SCALE = SurveyQuestion("easy", QuestionKind.SCALE, "How easy? 易用吗", "hard", "easy")
TEXT = SurveyQuestion("why", QuestionKind.TEXT, "Why?")
PLAN = Plan(
    "Which prompt? 哪个提示词",
    Mode.BLIND,
    (Variant("Short", sampling=Sampling(temperature=0.2)), Variant("Long", "Be long.")),
    tasks=(Task("t1", "A letter"), Task("t2", "A poem")),
    survey=(SCALE, TEXT),
)
RAW = Raw(
    verdicts={(0, True): 30, (0, False): 10, (1, True): 8, (1, False): 12, (None, True): 1},
    reasons={"too-long": 7, "own": 9},
    rated=61,
    comments=5,
    corrections=4,
    measured=[
        Measured(number % 2, 0.1, number / 10, number, 20.0, number) for number in range(1, 101)
    ],
    surveys=[{"easy": 5, "why": " Good. "}, {"easy": 4, "why": ""}, {"easy": "?"}, {"easy": 5}],
    best=[Shown("Q?", "**Bold** answer", "nice", variant=1)],
    worst=[Shown("W?", "Wrong", "no", "Right", ("too-long",))],
)


class Desk:
    """Campaigns and what was gathered of one."""

    def __init__(self, plan: Plan, raw: Raw) -> None:
        self.campaign = Campaign("campaign", "host", plan, START)
        self.raw = raw

    async def get(self, actor: Person, campaign_id: str) -> Campaign:
        return self.campaign

    async def figures(self, actor: Person, campaign_id: str) -> Figures:
        return Figures(came=12, consented=10, finished=7, questions=123, votes=20)

    async def gather(self, campaign_id: str, shown: int) -> Raw:
        return self.raw


async def report_of(plan: Plan = PLAN, **raw: Any) -> Report:
    desk = Desk(plan, replace(RAW, **raw))
    return await Reports(desk, desk, clock=lambda: START).report(LOCAL, "campaign")


def ballots(wins: int, losses: int, ties: int = 0, bad: int = 0) -> list[Ballot]:
    """Votes of which the first variant, on whichever side it stood, won so many."""
    won = [Ballot(0, 1, Choice.LEFT, task_id="t1"), Ballot(1, 0, Choice.RIGHT)] * wins
    lost = [Ballot(0, 1, Choice.RIGHT), Ballot(1, 0, Choice.LEFT)] * losses
    tied, both_bad = Ballot(0, 1, Choice.TIE), Ballot(0, 1, Choice.BOTH_BAD)
    return [*won[:wins], *lost[:losses], *[tied] * ties, *[both_bad] * bad]


async def page_of(plan: Plan = PLAN, language: Language = Language.EN, **raw: Any) -> str:
    return write_report(await report_of(plan, **raw), language).decode()


async def test_votes_are_counted_by_variant_whichever_side_it_stood_on() -> None:
    votes = (await report_of(ballots=ballots(6, 3, ties=2, bad=4))).comparison
    assert votes
    assert (votes.wins, votes.ties, votes.both_bad) == ((6, 3), 2, 4)
    assert (votes.rate.value, votes.rate.count) == (7 / 11, 11)
    assert votes.by_task["t1"].value == 1


@pytest.mark.parametrize(
    ("wins", "losses", "said"),
    [
        (60, 20, "Short is better: it won 75%"),
        (20, 60, "Long is better: it won 75%"),
        (6, 4, "do not tell the two variants apart: 60% of the votes went to Short"),
        (6, 4, "about 97 votes would"),
        (5, 5, "do not tell the two variants apart: 50%"),
    ],
)
async def test_a_plain_sentence_says_whether_the_votes_tell_the_variants_apart(
    wins: int, losses: int, said: str
) -> None:
    assert said in await page_of(ballots=ballots(wins, losses))


async def test_a_split_test_says_whether_its_variants_are_rated_differently() -> None:
    split = replace(PLAN, mode=Mode.SPLIT)
    page = await page_of(split)
    assert "Short is rated good more often: 35 percentage points" in page
    even = {(0, True): 5, (0, False): 5, (1, True): 5, (1, False): 5}
    assert "do not tell apart how often" in await page_of(split, verdicts=even)


async def test_times_are_told_by_their_middle_and_end() -> None:
    report = await report_of()
    assert report.whole.answers == 100
    assert report.whole.spreads["total"] == Spread(50, 95)
    assert [part.spreads["total"] for part in report.variants] == [Spread(50, 96), Spread(49, 95)]
    page = write_report(report, Language.EN).decode()
    assert "<td>50.00 / 95.00 s</td>" in page
    assert "<td>50 / 95</td>" in page


async def test_a_survey_has_numbers_counted_and_texts_quoted() -> None:
    scale, text = (await report_of()).survey
    assert (scale.numbers, scale.count) == ({5: 2, 4: 1}, 3)
    assert text.texts == ("Good.",)
    page = await page_of()
    assert "Mean 4.7 of 3 answers" in page
    assert '<blockquote dir="auto">Good.</blockquote>' in page


async def test_formulas_of_the_answers_are_set() -> None:
    page = await page_of(best=[Shown("Q?", "So \\(x^2\\), for $5.", "nice")])
    assert "So <math" in page
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in page
    assert ", for $5." in page


async def test_reasons_come_most_frequent_first_in_the_reader_s_words() -> None:
    assert (await report_of()).reasons == [("own", 9), ("too-long", 7)]
    page = await page_of(language=Language.ZH)
    assert page.index(">own<") < page.index(">太长<")


async def test_an_empty_campaign_has_a_report_too() -> None:
    page = write_report(await _empty(), Language.EN).decode()
    assert "Nobody has answered." in page
    assert "<h2>The five best answers</h2>" in page
    assert "None." in page
    assert "Which variant is better" not in page


async def _empty() -> Report:
    desk = Desk(PLAN, Raw())
    return await Reports(desk, desk, clock=lambda: START).report(LOCAL, "campaign")


@pytest.mark.parametrize("language", Language)
async def test_it_is_one_file_that_loads_and_runs_nothing(language: Language) -> None:
    page = await page_of(language=language, ballots=ballots(6, 4))
    assert re.findall(r"<(script|link|iframe|object|img|form)\b", page) == []
    assert re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(?!#)[a-z]", page) == []
    assert "default-src 'none'" in page
    assert "@page" in page
    assert page.count("<svg") >= 4
    assert re.findall(r"\{\w+\}", page.partition("</style>")[2]) == []


async def test_hostile_words_stay_words() -> None:
    plan = replace(
        PLAN,
        title=HOSTILE,
        variants=(Variant(HOSTILE, HOSTILE), Variant(HOSTILE)),
        tasks=(Task("t1", HOSTILE),),
        survey=(replace(SCALE, text=HOSTILE, low=HOSTILE), replace(TEXT, text=HOSTILE)),
    )
    shown = Shown(HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), 0)
    page = await page_of(
        plan,
        reasons={HOSTILE: 1},
        ballots=ballots(3, 1),
        surveys=[{"easy": 1, "why": HOSTILE}],
        best=[shown],
        worst=[shown],
    )
    assert "<img" not in page
    assert page.count("</svg>") == page.count("<svg")


async def test_what_people_typed_is_masked_when_it_is_asked() -> None:
    private = "Ann: a@b.cn"
    shown = Shown(private, private, private, private)
    report = await report_of(surveys=[{"why": private}], best=[shown], worst=[])
    redactor = Redactor(["Ann"])
    page = write_report(report, Language.EN, redactor).decode()
    assert "a@b.cn" not in page
    assert "Ann" not in page
    assert "are masked" in page
    assert redactor.masked == {"name": 5, "email": 5}


def test_the_words_of_both_languages_are_the_same() -> None:
    from formats.report import _words  # noqa: PLC0415 - nobody else needs them

    assert _words(Language.EN).keys() == _words(Language.ZH).keys()
    for key, said in _words(Language.EN).items():
        names = [set(re.findall(r"\{(\w+)\}", text)) for text in (said, _words(Language.ZH)[key])]
        assert names[0] == names[1], key


def test_a_long_name_is_cut_in_a_picture_and_told_whole() -> None:
    picture = bars([("很长的名字" * 20, 3.0, "3"), ("", 0.0, "0")])
    assert f"<title>{'很长的名字' * 20}</title>" in picture
    assert "…</text>" in picture
