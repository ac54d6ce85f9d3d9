"""What a host reads of a comparison: the numbers, the method, and a plain sentence."""

import pytest

from chat.accounts.models import utc_now
from chat.campaigns.models import (
    Campaign,
    CampaignCounts,
    Mode,
    Plan,
    Task,
    Variant,
    VariantProgress,
    VoteChoice,
)
from chat.feedback.report_models import Report, Spread, VariantResult, Vote
from chat.feedback.reports import comparison_of
from i18n import Language
from pages.campaigns.comparison import comparison_block
from pages.html import PageLocale

EN = PageLocale(Language.EN)
TASKS = (Task("t1", "Rivers <b>"), Task("t2", "Lakes"))
NAMES = {"u1": "Ann <i>", "u2": "Bob"}


def report_of(
    mode: Mode, votes: list[Vote] | None = None, parts: tuple[VariantResult, ...] = ()
) -> Report:
    plan = Plan("Which?", mode, (Variant("Short"), Variant("Sung")), tasks=TASKS)
    return Report(
        campaign=Campaign("c1", "host", plan, utc_now()),
        created_at=utc_now(),
        counts=CampaignCounts(),
        rated=0,
        comments=0,
        corrections=0,
        reasons=(),
        whole=VariantResult(0, 0, 0, {}),
        variants=parts,
        comparison=comparison_of(votes or []),
        survey=(),
        best=(),
        worst=(),
    )


def votes(first: int, second: int, ties: int = 0, both_bad: int = 0) -> list[Vote]:
    """Half of the first one's wins are on the right."""
    wins = [
        Vote(index % 2, 1 - index % 2, (VoteChoice.LEFT, VoteChoice.RIGHT)[index % 2], "u1", "t1")
        for index in range(first)
    ]
    return [
        *wins,
        *([Vote(0, 1, VoteChoice.RIGHT, "u2", "t2")] * second),
        *([Vote(0, 1, VoteChoice.TIE, "u2", "t2")] * ties),
        *([Vote(0, 1, VoteChoice.BOTH_BAD, "u2", "t2")] * both_bad),
    ]


def blind(votes: list[Vote], locale: PageLocale = EN) -> str:
    return comparison_block(locale, report_of(Mode.BLIND, votes), [], NAMES)


def test_a_significant_result_is_rendered_with_its_interval_and_method() -> None:
    page = blind(votes(30, 8, ties=2, both_bad=5))
    assert "Short wins 78 % of the votes" in page.replace("%", " %").replace("  ", " ")
    assert "Short is better than Sung" in page
    assert "Wilson score interval, 95 %; a tie counts as half a win" in page
    assert "<dd>5</dd>" in page


def test_the_method_is_explained_in_the_language_of_the_page_only() -> None:
    page = blind(votes(6, 4), PageLocale(Language.ZH))
    assert "方法：95% 的 Wilson 得分区间，平局算半胜。" in page
    assert "interval" not in page


def test_the_second_variant_can_be_the_better_one() -> None:
    assert "Sung is better than Short" in blind(votes(2, 28))


def test_insignificant_votes_show_how_many_more_are_needed() -> None:
    page = blind(votes(6, 4))
    assert "do not show which variant is better" in page
    assert "About 87 more votes" in page
    even = blind(votes(5, 5))
    assert "do not show which variant is better" in even
    assert "more votes" not in even


def test_votes_for_both_bad_give_no_winner() -> None:
    page = blind(votes(0, 0, both_bad=3))
    assert "does not show which variant is better" in page
    assert "Nobody has voted yet" in blind([])


def test_tasks_and_testers_are_rendered_by_name_without_their_markup() -> None:
    page = blind(votes(3, 1))
    for name in ("Rivers &lt;b&gt;", "Lakes", "Ann &lt;i&gt;", "Bob"):
        assert name in page
    assert "<b>Rivers" not in page


def test_groups_of_a_split_test_are_listed_side_by_side() -> None:
    spreads = {"length": Spread(120, 300), "total": Spread(1.5, 4)}
    parts = (VariantResult(50, 40, 5, spreads), VariantResult(48, 20, 25, {}))
    testers = [VariantProgress(10, 8, 1), VariantProgress(9, 3, 4)]
    page = comparison_block(EN, report_of(Mode.SPLIT, parts=parts), testers, NAMES)
    assert "Short is rated better than Sung" in page
    for cell in ("120 / 300", "1.5 / 4", "10", "<td>4</td>", "40 / 45"):
        assert cell in page
    even = (VariantResult(5, 3, 2, {}), VariantResult(5, 2, 3, {}))
    page = comparison_block(EN, report_of(Mode.SPLIT, parts=even), testers, NAMES)
    assert "do not show which variant is better" in page
    none = (VariantResult(5, 0, 0, {}), VariantResult(5, 2, 3, {}))
    page = comparison_block(EN, report_of(Mode.SPLIT, parts=none), testers, NAMES)
    assert "One of the variants has no ratings yet" in page


@pytest.mark.parametrize("language", Language)
def test_the_section_is_rendered_in_both_languages_for_comparisons_only(
    language: Language,
) -> None:
    assert ("Short" in blind(votes(9, 2), PageLocale(language))) is True
    assert comparison_block(PageLocale(language), report_of(Mode.SINGLE), [], {}) == ""
