"""Bounds and checks of what users send to conversations and presets."""

import unicodedata
from dataclasses import replace

from chat.conversations.errors import BadPresetName, BadPresetQuestions
from chat.conversations.models import PresetText
from chat.errors import EmptyMessage, InvalidSetting, MessageTooLong
from chat.models import ChatOptions
from chat.validation import check_sampling, check_text

MAX_TITLE = 60
"""Of a title made from a question; a user may enter a longer one."""


MAX_RENAMED = 200


MAX_SEARCH = 1_000
"""Of the words of a search: more are not even split."""


MAX_PRESET_NAME = 60


MAX_PRESET_QUESTIONS = 8


MAX_PRESET_QUESTION = 2_000


MAX_IMPORT_BYTES = 64 * 2**20
"""Of a file of conversations."""


SHARE_DAYS = (1, 7, 30)
"""The terms of a link to a copy of a conversation, of which its owner chooses one."""


MAX_SHARED_CHARACTERS = 4_000_000
"""Of all texts of such a copy together: it is shown as one page."""


MAX_SHARES = 100
"""Valid links of one user."""


def check_share_days(days: int) -> int:
    """Raises InvalidSetting."""
    if days not in SHARE_DAYS:
        raise InvalidSetting(name="days", low=SHARE_DAYS[0], high=SHARE_DAYS[-1])
    return days


def check_question(text: str) -> str:
    """The text as it is stored. Raises EmptyMessage, MessageTooLong, BadText."""
    if not text.strip():
        raise EmptyMessage
    return check_text(text)


def check_options(options: ChatOptions) -> ChatOptions:
    """Raises InvalidSetting, MessageTooLong, BadText."""
    check_text(options.system_prompt)
    check_sampling(options.sampling)
    return options


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


def check_search(words: str) -> str:
    """The words without spaces around them. Raises MessageTooLong, BadText."""
    if len(words) > MAX_SEARCH:
        raise MessageTooLong(characters=len(words), limit=MAX_SEARCH)
    return check_text(words).strip()


def title_of(question: str) -> str:
    """A conversation's title: the first line of its first question. No model call."""
    line = " ".join(question.strip().splitlines()[0].split())
    return line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1].rstrip() + "…"
