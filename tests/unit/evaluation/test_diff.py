"""What changed between two texts."""

from hypothesis import given
from hypothesis import strategies as st

from chat.diff import Change, differences
from pages.evaluation.diff import in_one, side_by_side


@given(st.text("ab 中文\n", max_size=60), st.text("ab 中文\n", max_size=60))
def test_both_texts_can_be_reconstructed_from_the_pieces(before: str, after: str) -> None:
    pieces = differences(before, after)
    assert "".join(text for change, text in pieces if change is not Change.ADDED) == before
    assert "".join(text for change, text in pieces if change is not Change.REMOVED) == after


def test_words_and_chinese_characters_are_compared() -> None:
    assert differences("It is Lyon.", "It is Paris.") == [
        (Change.SAME, "It is "),
        (Change.REMOVED, "Lyon"),
        (Change.ADDED, "Paris"),
        (Change.SAME, "."),
    ]
    assert (Change.REMOVED, "里昂") in differences("首都是里昂。", "首都是巴黎。")


def test_long_texts_are_compared_by_line_and_the_longest_not_at_all() -> None:
    line = "a b c d e f g h\n"
    pieces = differences(line * 200, line * 200 + "new\n")
    assert pieces == [(Change.SAME, line * 200), (Change.ADDED, "new\n")]
    assert len(differences("x\n" * 2000, "y\n" * 2000)) == 2


def test_text_is_escaped() -> None:
    hostile = "<img src=x onerror=alert(1)>"
    for html in (in_one("a", hostile), *side_by_side(hostile, "b")):
        assert "<img" not in html
    assert in_one("a b", "a c") == "a <del>b</del><ins>c</ins>"
    assert side_by_side("a b", "a c") == ("a <del>b</del>", "a <ins>c</ins>")
