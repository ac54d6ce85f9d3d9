"""Words of a search, and excerpts of its results."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.search_words import (
    EXCERPT,
    LONGEST_EXCERPT,
    excerpt,
    has_all,
    haystack,
    marked,
    words_of,
)

TEXTS = st.text(st.sampled_from("ab é天气。Ａ-_\n\u0301") | st.characters(), max_size=60)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Hello, World_2!", "hello world 2"),
        ("今天天气", "今 天 天 气"),
        ("用Python写3行", "用 python 写 3 行"),
        ("𠀀𪜀𰀀〇々", "𠀀 𪜀 𰀀 〇 々"),
        ("ひらガナー、ｶﾞ", "ひ ら ガ ナ ー ガ"),
        ("한국어 ㄅㄆㄇ", "한 국 어 ㄅ ㄆ ㄇ"),
        ("Café cafe\u0301 STRASSE straße", "cafe cafe strasse strasse"),
        ("Ｆｕｌｌ１２ x² ½", "full12 x2 12"),
        ("Привет мир שלום", "привет мир שלום"),
        ("C++ *\"'%_()", "c"),
        ("👋🏽 …", ""),
    ],
)
def test_a_text_is_compared_by_its_tokens(text: str, tokens: str) -> None:
    assert haystack(text).split() == tokens.split()


@pytest.mark.parametrize(
    ("query", "begins"), [("wea", True), ("wea!", False), ("wea ", True), ("天", False)]
)
def test_only_a_word_that_may_still_grow_is_a_beginning(query: str, begins: bool) -> None:
    assert [word.begins for word in words_of(query)] == [begins]


def test_a_search_has_only_so_many_words_of_only_so_many_tokens() -> None:
    words = words_of(" ".join(f"w{number}" for number in range(99)) + " " + "天" * 999)
    assert len(words) == 16
    assert len(words_of("天" * 999)[0].keys) == 64


def test_marks_that_touch_are_one() -> None:
    assert marked("天气天气 weather", words_of("天气 天 气天 wea")).marks == ((0, 4), (5, 12))


def test_a_part_of_a_word_is_not_marked_where_the_text_is_cut() -> None:
    text = "catalogue " * 30 + "cat " + "catalogue " * 30
    piece = excerpt(text, words_of("cat x"))
    assert [piece.text[start:end] for start, end in piece.marks] == ["cat"]
    assert piece.text.startswith("…")
    assert piece.text.endswith("…")


def test_an_excerpt_of_nothing_found_is_the_beginning() -> None:
    assert excerpt("one\ntwo", words_of("three")).text == "one two"


def test_one_endless_word_is_cut() -> None:
    piece = excerpt("x" * 5000, words_of("x" * 200))
    assert len(piece.text) == LONGEST_EXCERPT + 1
    assert piece.marks == ((0, LONGEST_EXCERPT),)


@given(TEXTS, TEXTS)
def test_an_excerpt_marks_a_word_exactly_where_a_text_has_it(text: str, query: str) -> None:
    words = words_of(query)
    piece = excerpt(text, words)
    assert bool(piece.marks) == any(has_all(text, [word]) for word in words)
    assert len(piece.text) <= LONGEST_EXCERPT + 2
    for start, end in piece.marks:
        assert 0 <= start < end <= len(piece.text)
    assert bool(marked(text, words).marks) == bool(piece.marks)


@given(TEXTS)
def test_a_text_is_found_by_any_part_of_it_between_spaces(text: str) -> None:
    for part in text.split():
        assert has_all(text, words_of(part))


@given(st.text(max_size=40), TEXTS)
def test_a_short_text_is_rendered_whole_on_one_line(padding: str, text: str) -> None:
    whole = (padding + text)[:EXCERPT]
    piece = excerpt(whole, words_of(text))
    assert len(piece.text.strip("…")) <= len(whole)
    assert "\n" not in piece.text
