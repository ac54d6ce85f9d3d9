"""The panel of presets: cards to choose from, and the form to make one. Pure HTML, all escaped."""

from collections.abc import Sequence
from html import escape

from chat.conversations.models import Preset, PresetText
from chat.conversations.validation import (
    MAX_PRESET_NAME,
    MAX_PRESET_QUESTION,
    MAX_PRESET_QUESTIONS,
)
from chat.models import PresetRef, Sampling
from i18n import Language
from ui.i18n import text
from ui.options import NUMBERS
from ui.view import ChosenPreset

FIRST_WORDS = 110
"""Characters of the system prompt that a card shows."""


def cards(
    presets: Sequence[Preset], user_id: str, chosen: ChosenPreset | None, language: Language
) -> str:
    """All presets to choose from, and none of them."""
    listed = _no_preset(chosen, language)
    listed += "".join(_card(preset, user_id, chosen, language) for preset in presets)
    return (
        f'<p class="hint">{text(language, "presets-info")}</p><div class="panel-row">'
        f"{_button('write-preset', 'preset-from-settings', language)}"
        f"{_button('import-preset', 'preset-import', language)}</div>"
        f'<ul class="cards">{listed}</ul>'
    )


def form(words: PresetText, preset_id: str, language: Language, refused: str = "") -> str:
    """What a preset says, to be written. Without an id it will be a new one."""
    title = text(language, "preset-edit" if preset_id else "preset-new")
    why = f'<p class="refused" role="alert">{escape(refused)}</p>' if refused else ""
    return (
        f'<form class="write-preset" data-preset="{escape(preset_id)}"><h3>{title}</h3>{why}'
        f"{_field('name', 'preset-name', words.name, language, longest=MAX_PRESET_NAME)}"
        f"{_area('system_prompt', 'system-prompt', words.system_prompt, language, rows=7)}"
        f"<details><summary>{text(language, 'sampling')}</summary>"
        f"{_sampling(words.sampling, language)}</details>"
        f"{_questions(words.questions, language)}"
        f'<div class="panel-row"><button class="primary" data-do="save-preset">'
        f"{text(language, 'save')}</button>"
        f"{_button('presets-again', 'cancel', language)}</div></form>"
    )


def _no_preset(chosen: ChosenPreset | None, language: Language) -> str:
    here = "" if chosen else ' aria-current="true"'
    return (
        f'<li class="card"{here}><button class="pick" data-do="choose" data-preset="">'
        f"<b>{text(language, 'preset-none')}</b></button></li>"
    )


def _card(preset: Preset, user_id: str, chosen: ChosenPreset | None, language: Language) -> str:
    key, mine = escape(preset.ref.id), preset.owner_id == user_id
    used = chosen.preset.ref if chosen and chosen.preset.ref.id == preset.ref.id else None
    here = ' aria-current="true"' if used else ""
    whose = "yours" if mine else "shared" if preset.owner_id else "shipped"
    about = [text(language, f"preset-{whose}")]
    if preset.owner_id:
        about.append(f"v{preset.ref.version}")
    if mine and preset.shared:
        about.append(text(language, "preset-shared-by-you"))
    return (
        f'<li class="card"{here} data-preset="{key}">'
        f'<button class="pick" data-do="choose" data-preset="{key}">'
        f"<b>{escape(preset.text.name)}</b><span>{escape(_first_words(preset.text))}</span>"
        f"<em>{' · '.join(about)}</em></button>"
        f"{_update(preset, used, language)}"
        f'<div class="panel-row">{_card_actions(preset, key, language, mine=mine)}</div></li>'
    )


def _update(preset: Preset, used: PresetRef | None, language: Language) -> str:
    """The way from an older version, which is in use, to this one."""
    if used is None or used.version >= preset.ref.version:
        return ""
    words = text(language, "preset-update", version=preset.ref.version)
    return (
        f'<button class="update" data-do="choose" data-preset="{escape(preset.ref.id)}">'
        f"{words}</button>"
    )


def _card_actions(preset: Preset, key: str, language: Language, *, mine: bool) -> str:
    write = _button("write-preset", "preset-edit" if mine else "preset-copy", language, key)
    actions = [write]
    if mine:
        share = "preset-unshare" if preset.shared else "preset-share"
        actions.append(_button("share-preset", share, language, key, shared=not preset.shared))
    actions.append(_button("link-preset", "preset-link", language, key))
    actions.append(
        f'<a href="api/presets/{key}/export" download>{text(language, "preset-export")}</a>'
    )
    if mine:
        actions.append(
            f'<span class="confirm">{_button("ask-delete", "preset-delete", language)}'
            f"<span>{_button('delete-preset', 'preset-delete-yes', language, key)}"
            f"{_button('keep-preset', 'cancel', language)}</span></span>"
        )
    return "".join(actions)


def _button(
    action: str, words: str, language: Language, key: str = "", *, shared: bool = False
) -> str:
    on = f' data-preset="{key}"' if key else ""
    to = ' data-shared="yes"' if shared else ""
    return (
        f'<button type="button" data-do="{action}"{on}{to}>'
        f"<span>{text(language, words)}</span></button>"
    )


def _first_words(words: PresetText) -> str:
    line = " ".join(words.system_prompt.split())
    return line if len(line) <= FIRST_WORDS else line[: FIRST_WORDS - 1].rstrip() + "…"


def _field(name: str, label: str, value: str, language: Language, *, longest: int) -> str:
    return (
        f"<label><span>{text(language, label)}</span>"
        f'<input name="{name}" value="{escape(value)}" maxlength="{longest}" '
        f'autocomplete="off"></label>'
    )


def _area(name: str, label: str, value: str, language: Language, *, rows: int) -> str:
    return (
        f"<label><span>{text(language, label)}</span>"
        # The line break after the tag is the one that HTML drops; one of the text would be lost.
        f'<textarea name="{name}" rows="{rows}">\n{escape(value)}</textarea></label>'
    )


def _sampling(sampling: Sampling, language: Language) -> str:
    numbers = "".join(
        f'<label><span>{text(language, name)}</span><input name="{name}" type="number" step="any" '
        f'value="{_number(getattr(sampling, name))}"></label>'
        for name in NUMBERS
    )
    stop = _area("stop", "stop_strings", "\n".join(sampling.stop), language, rows=2)
    return f'<div class="numbers">{numbers}</div>{stop}'


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _questions(questions: Sequence[str], language: Language) -> str:
    places = [*questions, *[""] * (MAX_PRESET_QUESTIONS - len(questions))]
    fields = "".join(
        f'<textarea name="questions" rows="{2 if question else 1}" '
        f'maxlength="{MAX_PRESET_QUESTION}" '
        f'aria-label="{text(language, "preset-question", number=number)}">\n'
        f"{escape(question)}</textarea>"
        for number, question in enumerate(places, 1)
    )
    return f"<fieldset><legend>{text(language, 'preset-questions')}</legend>{fields}</fieldset>"
