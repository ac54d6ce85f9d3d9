"""What a person may send."""

import math

import pytest

from chat.checks import MAX_CHARACTERS, check_options, check_question, check_sampling, title_of
from chat.errors import BadText, EmptyMessage, InvalidSetting, MessageTooLong
from chat.types import ChatOptions, Sampling


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
def test_other_text_is_kept_to_the_letter(text: str) -> None:
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
        Sampling(stop=tuple("abcdefghi")),
    ],
    ids=str,
)
def test_a_setting_out_of_bounds_is_refused_by_name(sampling: Sampling) -> None:
    with pytest.raises(InvalidSetting) as caught:
        check_sampling(sampling)
    assert getattr(sampling, str(caught.value.values["name"])) not in (None, ())


def test_settings_left_open_pass() -> None:
    assert check_options(ChatOptions()) == ChatOptions()


def test_a_system_prompt_is_text_like_any_other() -> None:
    with pytest.raises(BadText):
        check_options(ChatOptions(system_prompt="\0"))


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
