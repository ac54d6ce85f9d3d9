"""In which language a text is written, as far as it matters for comparing answers."""

import re

HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
WORD = re.compile(r"[^\W\d_\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+")


def language_of(text: str) -> str:
    """ "zh" where at least half of the words are Chinese characters, else "en"; empty for no word.

    A character counts as much as a word: code in an answer has many letters, but few words.
    """
    characters, words = len(HAN.findall(text)), len(WORD.findall(text))
    if not characters + words:
        return ""
    return "zh" if characters >= words else "en"
