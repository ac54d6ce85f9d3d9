"""Bounds of questions, settings and presets."""

import math

import pytest

from chat.conversations.errors import BadPresetName, BadPresetQuestions
from chat.conversations.models import PresetText
from chat.conversations.validation import check_options, check_preset, check_question, title_of
from chat.errors import BadText, EmptyMessage, InvalidSetting, MessageTooLong
from chat.models import ChatOptions, Sampling
from chat.validation import MAX_CHARACTERS, MAX_STOP_STRINGS, check_sampling


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u3000"])
def test_a_message_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(EmptyMessage):
        check_question(text)


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d of an emoji", "\udc00"])
def test_text_that_cannot_be_stored_is_refused(text: str) -> None:
    with pytest.raises(BadText):
        check_question(text)


def test_a_megabyte_is_refused_with_its_length_and_the_limit() -> None:
    with pytest.raises(MessageTooLong) as caught:
        check_question("x" * 1_000_000)
    assert caught.value.values == {"characters": 1_000_000, "limit": MAX_CHARACTERS}


@pytest.mark.parametrize("text", ["你好 👋🏽", "\u202eright to left", "<|im_end|>", "  kept  "])
def test_other_text_is_unchanged(text: str) -> None:
    assert check_question(text) == text


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=-0.1),
        Sampling(temperature=math.nan),
        Sampling(top_p=math.inf),
        Sampling(top_p=0.0),
        Sampling(top_k=-1),
        Sampling(max_new_tokens=0),
        Sampling(seed=2**63),
        Sampling(stop=("",)),
        Sampling(stop=("x" * 101,)),
        Sampling(stop=tuple("x" * (MAX_STOP_STRINGS + 1))),
    ],
    ids=str,
)
def test_a_setting_out_of_bounds_is_refused_by_name(sampling: Sampling) -> None:
    with pytest.raises(InvalidSetting) as caught:
        check_sampling(sampling)
    assert getattr(sampling, str(caught.value.values["name"])) not in (None, ())


def test_unset_settings_are_accepted() -> None:
    assert check_options(ChatOptions()) == ChatOptions()


def test_a_system_prompt_is_text_like_any_other() -> None:
    with pytest.raises(BadText):
        check_options(ChatOptions(system_prompt="\0"))


@pytest.mark.parametrize("name", ["", " \t", "x" * 61, "two\nlines", "bell\a", "next\x85line"])
def test_a_preset_without_a_name_of_one_short_line_is_refused(name: str) -> None:
    with pytest.raises(BadPresetName) as caught:
        check_preset(PresetText(name))
    assert caught.value.values == {"limit": 60}


@pytest.mark.parametrize("name", ["译者", "مترجم", "👩🏽‍🏫 teacher", "<b>bold</b>", "x" * 60])
def test_a_preset_may_have_any_name_of_one_short_line(name: str) -> None:
    assert check_preset(PresetText(f" {name} ")) == PresetText(name)


@pytest.mark.parametrize(
    "questions",
    [("",), ("fine", " \n"), ("x" * 2_001,), ("escape \x1b[2J",), ("x",) * 9],
    ids=["empty", "blank", "long", "control", "many"],
)
def test_opening_questions_that_cannot_be_offered_are_refused(questions: tuple[str, ...]) -> None:
    with pytest.raises(BadPresetQuestions) as caught:
        check_preset(PresetText("name", questions=questions))
    assert caught.value.values == {"count": 8, "limit": 2_000}


def test_an_opening_question_may_contain_a_table() -> None:
    text = PresetText("name", questions=("a\tb\r\n1\t2\nsum?", "x" * 2_000))
    assert check_preset(text) == text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (PresetText("half \ud83d"), BadText),
        (PresetText("name", "nul \0"), BadText),
        (PresetText("name", "x" * 200_001), MessageTooLong),
        (PresetText("name", questions=("half \ud83d",)), BadText),
        (PresetText("name", sampling=Sampling(temperature=3)), InvalidSetting),
    ],
    ids=["name", "prompt", "long prompt", "question", "sampling"],
)
def test_a_preset_is_checked_like_its_parts(text: PresetText, error: type[Exception]) -> None:
    with pytest.raises(error):
        check_preset(text)


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("  What is   this?\nSecond line", "What is this?"),
        ("\n\n你好", "你好"),
        ("x" * 70, "x" * 59 + "…"),
    ],
)
def test_a_title_is_the_first_line_of_the_question(question: str, title: str) -> None:
    assert title_of(question) == title
