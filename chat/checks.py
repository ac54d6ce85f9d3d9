"""What a person may send, checked at the door of the domain. Tokens are the engine's business."""

import unicodedata
from dataclasses import fields, replace

from chat.errors import (
    BadPresetName,
    BadPresetQuestions,
    BadText,
    EmptyMessage,
    InvalidSetting,
    MessageTooLong,
)
from chat.types import ChatOptions, PresetText, Sampling

MAX_CHARACTERS = 200_000
"""Above this nothing is tokenised: the longest context of Qwen2.5 here is far shorter."""

MAX_TITLE = 60
"""Of a title made from a question; a person may give a longer one."""

MAX_RENAMED = 200
MAX_STOP_STRINGS = 8
MAX_STOP_CHARACTERS = 100
MAX_PRESET_NAME = 60
MAX_PRESET_QUESTIONS = 8
MAX_PRESET_QUESTION = 2_000

MAX_IMPORT_BYTES = 64 * 2**20
"""Of a file of conversations."""

BOUNDS: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0.01, 1),
    "top_k": (0, 1000),
    "repetition_penalty": (0.5, 2),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "max_new_tokens": (1, 131_072),
    "min_new_tokens": (0, 131_072),
    "seed": (0, 2**53 - 1),
}
"""Lowest and highest value of each setting; a seed must survive as a number of JSON."""


def check_question(text: str) -> str:
    """The text as it is stored. Raises EmptyMessage, MessageTooLong, BadText."""
    if not text.strip():
        raise EmptyMessage
    return check_text(text)


def check_text(text: str, *, field: str = "") -> str:
    """Raises MessageTooLong, BadText. `field`: where it was typed, if that is to be told."""
    if len(text) > MAX_CHARACTERS:
        place = {"field": field} if field else {}
        raise MessageTooLong(characters=len(text), limit=MAX_CHARACTERS, **place)
    # A lone surrogate breaks the tokenizer and every database, NUL breaks PostgreSQL.
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise BadText
    return text


def check_options(options: ChatOptions) -> ChatOptions:
    """Raises InvalidSetting, MessageTooLong, BadText."""
    check_text(options.system_prompt)
    check_sampling(options.sampling)
    return options


def check_sampling(sampling: Sampling) -> Sampling:
    """Raises InvalidSetting, naming the first setting that is out of bounds."""
    for name in (item.name for item in fields(sampling) if item.name in BOUNDS):
        value, (low, high) = getattr(sampling, name), BOUNDS[name]
        # Written so that NaN, which compares false with everything, is refused too.
        if value is not None and not low <= value <= high:
            raise InvalidSetting(name=name, low=low, high=high)
    if len(sampling.stop) > MAX_STOP_STRINGS:
        raise InvalidSetting(name="stop", low=0, high=MAX_STOP_STRINGS)
    for stop in sampling.stop:
        if not 1 <= len(check_text(stop)) <= MAX_STOP_CHARACTERS:
            raise InvalidSetting(name="stop", low=1, high=MAX_STOP_CHARACTERS)
    return sampling


def check_preset(text: PresetText) -> PresetText:
    """A preset as it is stored, its name without spaces around it.

    Raises BadPresetName, BadPresetQuestions, and what `check_options` raises.
    """
    name = check_text(text.name).strip()
    if not 1 <= len(name) <= MAX_PRESET_NAME or _has_controls(name):
        raise BadPresetName(limit=MAX_PRESET_NAME)
    if len(text.questions) > MAX_PRESET_QUESTIONS or not all(map(_may_open, text.questions)):
        raise BadPresetQuestions(count=MAX_PRESET_QUESTIONS, limit=MAX_PRESET_QUESTION)
    check_options(ChatOptions(text.system_prompt, text.sampling))
    return replace(text, name=name)


def _may_open(question: str) -> bool:
    """Whether a preset may offer this question; it may have several lines, such as a table."""
    check_text(question)
    fits = bool(question.strip()) and len(question) <= MAX_PRESET_QUESTION
    return fits and not _has_controls(question, besides="\n\r\t")


def _has_controls(text: str, besides: str = "") -> bool:
    return any(unicodedata.category(sign) == "Cc" and sign not in besides for sign in text)


def check_title(title: str) -> str:
    """A title in one line, as it is stored. Raises EmptyMessage, MessageTooLong, BadText."""
    line = " ".join(check_text(title).split())
    if not line:
        raise EmptyMessage
    if len(line) > MAX_RENAMED:
        raise MessageTooLong(characters=len(line), limit=MAX_RENAMED)
    return line


def title_of(question: str) -> str:
    """A conversation's title: the first line of its first question. No model call."""
    line = " ".join(question.strip().splitlines()[0].split())
    return line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1].rstrip() + "…"
