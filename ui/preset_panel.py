"""The panel of presets: cards to choose from, and the form to make one."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chat.conversations.models import Preset, PresetText
from chat.conversations.validation import (
    MAX_PRESET_NAME,
    MAX_PRESET_QUESTION,
    MAX_PRESET_QUESTIONS,
)
from chat.models import PresetRef
from formats.sampling import write_sampling
from i18n import Language
from ui.composing import without_field
from ui.html import html
from ui.i18n import text
from ui.options import NUMBERS, exactly, stop_lines
from ui.view import ChosenPreset

FIRST_WORDS = 110
"""Characters of the system prompt that a card shows."""


@dataclass(frozen=True, slots=True)
class Card:
    """A preset in the list. `used` is the version that the conversation uses, if it does."""

    preset: Preset
    is_own: bool
    used: PresetRef | None
    first_words: str
    about: list[str]


def cards(
    presets: Sequence[Preset], user_id: str, chosen: ChosenPreset | None, language: Language
) -> Markup:
    """All presets to choose from, and a card for no preset."""
    return html(
        "presets.cards",
        presets=[_card(preset, user_id, chosen, language) for preset in presets],
        is_plain=chosen is None,
        language=language,
    )


def form(words: PresetText, preset_id: str, language: Language, refused: str = "") -> Markup:
    """The form of a preset's text. Without an id it will be a new preset."""
    empty = [""] * (MAX_PRESET_QUESTIONS - len(words.questions))
    return html(
        "presets.form",
        preset=words,
        preset_id=preset_id,
        refused=refused,
        numbers=[(name, exactly(getattr(words.sampling, name))) for name in NUMBERS],
        stop_lines=stop_lines(words.sampling),
        without_field=without_field(words.sampling, language),
        shown=write_sampling(words.sampling),
        questions=[*words.questions, *empty],
        name_limit=MAX_PRESET_NAME,
        question_limit=MAX_PRESET_QUESTION,
        language=language,
    )


def _card(preset: Preset, user_id: str, chosen: ChosenPreset | None, language: Language) -> Card:
    is_own = preset.is_own(user_id)
    label_key = "yours" if is_own else "shared" if preset.owner_id else "shipped"
    about = [text(language, f"preset-{label_key}")]
    if preset.owner_id:
        about.append(f"v{preset.ref.version}")
    if is_own and preset.shared:
        about.append(text(language, "preset-shared-by-you"))
    used = chosen.preset.ref if chosen and chosen.preset.ref.id == preset.ref.id else None
    return Card(preset, is_own, used, _first_words(preset.text), about)


def _first_words(words: PresetText) -> str:
    line = " ".join(words.system_prompt.split())
    return line if len(line) <= FIRST_WORDS else line[: FIRST_WORDS - 1].rstrip() + "…"
