"""Language detection of answers: Chinese or English."""

import re

HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
WORD = re.compile(r"[^\W\d_\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+")


def language_of(text: str) -> str:
    """ "zh" if at least half of the words are Chinese characters, else "en"; empty without words.

    A Chinese character counts as one word, as a Latin word does; code would dominate by letters.
    """
    characters, words = len(HAN.findall(text)), len(WORD.findall(text))
    if not characters + words:
        return ""
    return "zh" if characters >= words else "en"
