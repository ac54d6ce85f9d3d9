"""The content of a report: one safe file in each language."""

import re
from dataclasses import replace
from typing import Any

import pytest

from chat.accounts.models import LOCAL, User
from chat.campaigns.models import (
    Campaign,
    CampaignCounts,
    Mode,
    Plan,
    QuestionKind,
    SurveyQuestion,
    Task,
    Variant,
    VoteChoice,
)
from chat.feedback.report_models import (
    AnswerExcerpt,
    AnswerSource,
    AnswerTimes,
    Report,
    ReportData,
    SourceCount,
    Spread,
    Vote,
)
from chat.feedback.reports import Reports
from chat.models import PresetRef, Sampling
from formats.redaction.redactor import Redactor
from formats.reports.charts import bars
from formats.reports.formatter import words_of
from formats.reports.report import write_report
from formats.words import ExportLanguage
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
RAW = ReportData(
    verdicts={(0, True): 30, (0, False): 10, (1, True): 8, (1, False): 12, (None, True): 1},
    reasons={"too-long": 7, "own": 9},
    rated=61,
    comments=5,
    corrections=4,
    measured=[
        AnswerTimes(number % 2, 0.1, number / 10, number, 20.0, number) for number in range(1, 101)
    ],
    surveys=[{"easy": 5, "why": " Good. "}, {"easy": 4, "why": ""}, {"easy": "?"}, {"easy": 5}],
    best=[AnswerExcerpt("Q?", "**Bold** answer", "nice", variant=1)],
    worst=[AnswerExcerpt("W?", "Wrong", "no", "Right", ("too-long",))],
)


class Hosting:
    """Campaigns and what was gathered of one."""

    def __init__(self, plan: Plan, raw: ReportData) -> None:
        self.campaign = Campaign("campaign", "host", plan, START)
        self.raw = raw

    async def get(self, user: User, campaign_id: str) -> Campaign:
        return self.campaign

    async def counts(self, user: User, campaign_id: str) -> CampaignCounts:
        return CampaignCounts(came=12, consented=10, finished=7, questions=123, votes=20)

    async def gather(self, campaign_id: str, excerpts: int) -> ReportData:
        return self.raw


async def report_of(plan: Plan = PLAN, **raw: Any) -> Report:
    context = Hosting(plan, replace(RAW, **raw))
    return await Reports(context, context, clock=lambda: START).report(LOCAL, "campaign")


def votes_of(wins: int, losses: int, ties: int = 0, bad: int = 0) -> list[Vote]:
    """Votes of which the first variant, on whichever side it stood, won so many."""
    won = [Vote(0, 1, VoteChoice.LEFT, task_id="t1"), Vote(1, 0, VoteChoice.RIGHT)] * wins
    lost = [Vote(0, 1, VoteChoice.RIGHT), Vote(1, 0, VoteChoice.LEFT)] * losses
    tied, both_bad = Vote(0, 1, VoteChoice.TIE), Vote(0, 1, VoteChoice.BOTH_BAD)
    return [*won[:wins], *lost[:losses], *[tied] * ties, *[both_bad] * bad]


def section_of(page: str, title: str) -> str:
    (found,) = [part for part in page.split("<section>") if f"<h2>{title}</h2>" in part]
    return found


def cells(part: str) -> list[list[str]]:
    """Of every row of every table."""
    rows = (re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>.*?</tr>", part))
    return [[re.sub(r"</?(b|code|span)[^>]*>", "", cell) for cell in row] for row in rows if row]


async def page_of(
    plan: Plan = PLAN, language: ExportLanguage = ExportLanguage.EN, **raw: Any
) -> str:
    return write_report(await report_of(plan, **raw), language).decode()


async def test_votes_are_counted_by_variant_regardless_of_the_side() -> None:
    votes = (await report_of(votes=votes_of(6, 3, ties=2, bad=4))).comparison
    assert votes
    assert (votes.wins, votes.ties, votes.both_bad) == ((6, 3), 2, 4)
    assert (votes.rate.value, votes.rate.count) == (7 / 11, 11)
    assert votes.by_task["t1"].value == 1


@pytest.mark.parametrize(
    ("wins", "losses", "sentence"),
    [
        (60, 20, "Short is better: it won 75%"),
        (20, 60, "Long is better: it won 75%"),
        (6, 4, "do not show which variant is better: 60% of them went to Short"),
        (6, 4, "about 97 votes in all would"),
        (5, 5, "do not show which variant is better: 50%"),
    ],
)
async def test_a_sentence_states_whether_the_difference_is_significant(
    wins: int, losses: int, sentence: str
) -> None:
    assert sentence in await page_of(votes=votes_of(wins, losses))


async def test_only_votes_for_both_bad_give_no_result_and_no_point_in_the_chart() -> None:
    page = await page_of(votes=[Vote(0, 1, VoteChoice.BOTH_BAD, "u1", "t1")] * 3)
    section = section_of(page, "Which variant is better")
    assert "does not show which variant is better" in section
    assert "of the votes went" not in section
    assert "<circle" not in section
    assert "both bad: 3" in section
    assert cells(section) == [["A letter", "0", "–", "–"], ["u1", "0", "–", "–"]]


async def test_a_task_with_both_bad_only_is_no_point_in_the_chart() -> None:
    bad = Vote(0, 1, VoteChoice.BOTH_BAD, "u1", "t2")
    page = await page_of(votes=[*votes_of(6, 2), bad])
    section = section_of(page, "Which variant is better")
    assert section.count("<circle") == 2
    assert ["A poem", "0", "–", "–"] in cells(section)


async def test_win_rates_stand_by_task_and_by_tester_with_their_interval_in_numbers() -> None:
    first, second = (
        Vote(0, 1, VoteChoice.LEFT, "u1", "t1"),
        Vote(0, 1, VoteChoice.RIGHT, "u2", "t2"),
    )
    tied = Vote(0, 1, VoteChoice.TIE, "u2", "t1")
    votes: dict[str, Any] = {
        "votes": [*[first] * 4, second, tied],
        "testers": {"u1": "Ann <b>", "u2": "Bob"},
    }
    section = section_of(await page_of(**votes), "Which variant is better")
    assert cells(section) == [
        ["A letter", "5", "90%", "46% – 99%"],
        ["A poem", "1", "0%", "0% – 79%"],
        ["Ann &lt;b&gt;", "4", "100%", "51% – 100%"],
        ["Bob", "2", "25%", "3% – 80%"],
    ]
    assert "(36% – 94%)" in section
    masked = write_report(await report_of(**votes), ExportLanguage.ZH, Redactor()).decode()
    assert ["测试者 2", "2", "25%", "3% – 80%"] in cells(masked)
    assert "Bob" not in masked


async def test_planned_variants_and_actual_models_are_listed_with_versions() -> None:
    ref = PresetRef("maths.en", 3)
    short = replace(PLAN.variants[0], preset=ref)
    plan = replace(PLAN, variants=(short, replace(PLAN.variants[1], engine="Second <b> (int8)")))
    first, other = (
        AnswerSource("Qwen", "r1", "none", "local", ref),
        AnswerSource("Two<i>", "", "int8", "vllm"),
    )
    page = await page_of(
        plan,
        answered=[
            SourceCount(0, first, 1200),
            SourceCount(0, other, 2),
            SourceCount(None, other, 1),
        ],
        presets={ref: "Maths"},
    )
    assert cells(section_of(page, "What was tried")) == [
        ["Short", "the model&#39;s own", "temperature 0.2", "Maths · 3", "the first model"],
        ["Long", "Be long.", "the model&#39;s own", "–", "Second &lt;b&gt; (int8)"],
        ["Short", "Qwen", "r1", "none", "local", "Maths · 3", "1,200"],
        ["Short", "Two&lt;i&gt;", "", "int8", "vllm", "–", "2"],
        ["–", "Two&lt;i&gt;", "", "int8", "vllm", "–", "1"],
    ]
    one = replace(PLAN, mode=Mode.SINGLE)
    page = await page_of(one, answered=[SourceCount(None, first, 7)])
    assert cells(section_of(page, "What was tried")) == [
        ["Short", "the model&#39;s own", "temperature 0.2", "–"],
        ["Short", "Qwen", "r1", "none", "local", "maths.en · 3", "7"],
    ]


async def test_an_unsent_survey_counts_and_is_mentioned() -> None:
    begun = [{"easy": 3, "why": "Begun."}, {"easy": 1}]
    page = await page_of(unsent=begun)
    assert "Mean 3.6 of 5 answers · 2 of them not sent" in page
    assert "2 answers · 1 of them not sent" in page
    assert "not sent" not in await page_of()
    page = await page_of(language=ExportLanguage.ZH, surveys=[], unsent=begun)
    assert "2 份回答，平均 2.0 · 其中 2 份尚未提交" in page


async def test_a_split_test_states_whether_ratings_differ() -> None:
    split = replace(PLAN, mode=Mode.SPLIT)
    page = await page_of(split)
    assert "Short is rated good more often: 35 percentage points" in page
    even = {(0, True): 5, (0, False): 5, (1, True): 5, (1, False): 5}
    assert "do not show which variant is rated good more often" in await page_of(
        split, verdicts=even
    )


async def test_times_are_reported_by_median_and_percentile() -> None:
    report = await report_of()
    assert report.whole.answers == 100
    assert report.whole.spreads["total"] == Spread(50, 95)
    assert [part.spreads["total"] for part in report.variants] == [Spread(50, 96), Spread(49, 95)]
    page = write_report(report, ExportLanguage.EN).decode()
    row = ["All", "100", "0.10 / 0.10 s", "5.00 / 9.50 s", "50.00 / 95.00 s", "20.0 / 20.0"]
    assert [*row, "50 / 95"] in cells(page)


async def test_a_survey_has_numbers_counted_and_texts_quoted() -> None:
    scale, text = (await report_of()).survey
    assert (scale.numbers, scale.count) == ({5: 2, 4: 1}, 3)
    assert text.texts == ("Good.",)
    page = await page_of()
    assert "Mean 4.7 of 3 answers" in page
    assert '<blockquote dir="auto">Good.</blockquote>' in page


async def test_options_are_counted_each_and_a_rating_runs_from_0_to_10() -> None:
    which = SurveyQuestion("which", QuestionKind.CHOICES, "Which?", options=("red", "blue", "tea"))
    much = SurveyQuestion("much", QuestionKind.RATING, "How much?", "none", "all")
    surveys = [{"which": "red\nblue", "much": 0}, {"which": "blue", "much": 10}, {"which": ""}]
    plan = replace(PLAN, survey=(which, much))
    several, rating = (await report_of(plan, surveys=surveys)).survey
    assert (several.options, several.count) == ({"red": 1, "blue": 2, "tea": 0}, 2)
    assert (rating.numbers, rating.mean) == ({0: 1, 10: 1}, 5)
    page = await page_of(plan, surveys=surveys)
    assert all(f"<title>{label}</title>" in page for label in ("red", "tea", "0 none", "10 all"))


async def test_three_variants_are_ranked_with_every_pair_beside() -> None:
    plan = replace(PLAN, variants=(*PLAN.variants, Variant("Plain <i>")))
    votes = [
        *[Vote(0, 1, VoteChoice.LEFT)] * 6,
        *[Vote(1, 0, VoteChoice.LEFT)] * 2,
        *[Vote(1, 2, VoteChoice.LEFT)] * 4,
        *[Vote(2, 1, VoteChoice.LEFT)] * 2,
        *[Vote(2, 0, VoteChoice.TIE)] * 2,
        Vote(2, 0, VoteChoice.BOTH_BAD),
    ]
    report = await report_of(plan, votes=votes)
    assert report.comparison is None
    assert report.ranking
    assert (report.ranking.order[0], report.ranking.is_separated) == (0, False)
    assert {pair: one.wins for pair, one in report.ranking.pairs.items()} == {
        (0, 1): (6, 2),
        (1, 2): (4, 2),
        (0, 2): (0, 0),
    }
    assert len(report.variants) == 3
    page = await page_of(plan, votes=votes)
    rows = cells(section_of(page, "Which variant is best"))
    assert [row[0] for row in rows[:1]] == ["Short"]
    assert ["Short / Plain &lt;i&gt;", "0 / 0", "2", "1", "50%", "9% – 91%"] in rows
    assert "Too few votes" not in page
    few = await page_of(plan, votes=votes[:3], language=ExportLanguage.ZH)
    assert "投票太少" in few
    assert (await report_of(plan, votes=[])).ranking is None


async def test_formulas_of_answers_are_rendered() -> None:
    page = await page_of(best=[AnswerExcerpt("Q?", "So \\(x^2\\), for $5.", "nice")])
    assert "So <math" in page
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in page
    assert ", for $5." in page


async def test_reasons_come_most_frequent_first_in_the_language_of_the_page() -> None:
    assert (await report_of()).reasons == [("own", 9), ("too-long", 7)]
    page = await page_of(language=ExportLanguage.ZH)
    assert page.index(">own<") < page.index(">太长<")


async def test_an_empty_campaign_has_a_report_too() -> None:
    page = write_report(await _empty(), ExportLanguage.EN).decode()
    assert "Nobody has answered." in page
    assert "<h2>The five best answers</h2>" in page
    assert "None." in page
    assert "Which variant is better" not in page


async def _empty() -> Report:
    context = Hosting(PLAN, ReportData())
    return await Reports(context, context, clock=lambda: START).report(LOCAL, "campaign")


@pytest.mark.parametrize("language", ExportLanguage)
async def test_the_report_is_one_file_without_external_resources_and_scripts(
    language: ExportLanguage,
) -> None:
    page = await page_of(language=language, votes=votes_of(6, 4))
    assert re.findall(r"<(script|link|iframe|object|img|form)\b", page) == []
    assert re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(?!#)[a-z]", page) == []
    assert "default-src 'none'" in page
    assert "@page" in page
    assert page.count("<svg") >= 4
    assert re.findall(r"\{\w+\}", page.partition("</style>")[2]) == []


async def test_hostile_text_is_escaped() -> None:
    plan = replace(
        PLAN,
        title=HOSTILE,
        variants=(Variant(HOSTILE, HOSTILE), Variant(HOSTILE)),
        tasks=(Task("t1", HOSTILE),),
        survey=(replace(SCALE, text=HOSTILE, low=HOSTILE), replace(TEXT, text=HOSTILE)),
    )
    excerpts = AnswerExcerpt(HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), 0)
    page = await page_of(
        plan,
        reasons={HOSTILE: 1},
        votes=votes_of(3, 1),
        surveys=[{"easy": 1, "why": HOSTILE}],
        best=[excerpts],
        worst=[excerpts],
    )
    assert "<img" not in page
    assert page.count("</svg>") == page.count("<svg")


async def test_user_input_is_masked_on_request() -> None:
    private = "Ann: a@b.cn"
    excerpts = AnswerExcerpt(private, private, private, private)
    report = await report_of(surveys=[{"why": private}], best=[excerpts], worst=[])
    redactor = Redactor(["Ann"])
    page = write_report(report, ExportLanguage.EN, redactor).decode()
    assert "a@b.cn" not in page
    assert "Ann" not in page
    assert "are masked: [email] 5, [name] 5." in page
    assert redactor.masked == {"name": 5, "email": 5}
    page = write_report(report, ExportLanguage.EN, Redactor(["Nobody"])).decode()
    assert "are masked: [email] 5." in page
    page = write_report(await report_of(), ExportLanguage.ZH, Redactor()).decode()
    assert "已被遮盖：没有发现" in page


def test_the_words_of_both_languages_are_the_same() -> None:
    assert words_of(ExportLanguage.EN).keys() == words_of(ExportLanguage.ZH).keys()
    for key, sentence in words_of(ExportLanguage.EN).items():
        both = (sentence, words_of(ExportLanguage.ZH)[key])
        names = [set(re.findall(r"\{(\w+)\}", text)) for text in both]
        assert names[0] == names[1], key


def test_a_long_name_is_truncated_in_a_chart_with_its_full_title() -> None:
    picture = bars([("很长的名字" * 20, 3.0, "3"), ("", 0.0, "0")])
    assert f"<title>{'很长的名字' * 20}</title>" in picture
    assert "…</text>" in picture
