"""In which language an answer is written."""

import pytest

from chat.languages import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Paris is the capital of France.", "en"),
        ("法国的首都是巴黎。", "zh"),
        ("用 `print(sorted(numbers, key=len))` 可以按长度排序。", "zh"),
        ("The character 水 means water.", "en"),
        ("𠀀𠀁", "zh"),
        ("x² − 5x + 6 = 0", "en"),
        ("42 = 42", ""),
        ("", ""),
    ],
)
def test_the_language_is_that_of_most_words(text: str, language: str) -> None:
    assert language_of(text) == language
