"""The parts around the message box: attached files, chips, context usage and its warning."""

import json
from collections.abc import Collection, Mapping

from markupsafe import Markup

from chat.conversations.context_usage import ContextUsage
from chat.conversations.presets import Presets
from chat.models import ChatOptions, Sampling
from i18n import Language
from ui.html import html
from ui.i18n import text
from ui.options import WITHOUT_FIELD, exactly
from ui.options import without_field as without_field_of
from ui.view import ChosenPreset, HeldFile

NEARLY_FULL = 0.8
"""Share of the prompt's room from which the context usage is amber."""


def files(
    held: Mapping[str, HeldFile],
    language: Language,
    *,
    asked: str = "",
    refused: Collection[str] = (),
    again: bool = False,
    with_text: bool = False,
) -> Markup:
    """The attached files, each with its size, its tokens and a button to remove it.

    Sends the browser the ids that are held and those that were `refused`, so that it keeps or
    drops its copies; `again` requests all of them once more, and `with_text` sends new ones.
    `asked` is the number of the browser's request: without it an unchanged list would look like a
    missing response.
    """
    return html(
        "composing.files",
        held=held,
        refused=refused,
        asked=asked,
        again=again,
        with_text=with_text,
        language=language,
    )


def chips(
    options: ChatOptions, chosen: ChosenPreset | None, defaults: Sampling, language: Language
) -> Markup:
    """The buttons below the box: attach, preset, sampling."""
    temperature = options.sampling.over(defaults).temperature
    newest = chosen.newest if chosen else 0
    return html(
        "composing.chips",
        preset_id=chosen.preset.ref.id if chosen else "",
        preset=preset_label(options, chosen, language) if chosen else text(language, "presets"),
        newer=newest if chosen and newest > chosen.preset.ref.version else None,
        temperature="–" if temperature is None else f"{temperature:g}",
        language=language,
    )


def without_field(sampling: Sampling, language: Language) -> Markup:
    """The settings that apply but have no field in the panel; empty if there are none."""
    settings = settings_without_field(sampling, language)
    return html("composing.without_field", settings=settings, language=language)


def settings_without_field(sampling: Sampling, language: Language) -> str:
    """The names and values of such settings."""
    hidden = without_field_of(sampling)
    numbers = [
        f"{text(language, name)} {exactly(value)}"
        for name in WITHOUT_FIELD
        if (value := getattr(hidden, name)) is not None
    ]
    stops = [json.dumps(stop, ensure_ascii=False) for stop in hidden.stop]
    if stops:
        numbers.append(f"{text(language, 'stop_strings')} {' '.join(stops)}")
    return " · ".join(numbers)


def preset_label(options: ChatOptions, chosen: ChosenPreset, language: Language) -> str:
    """The preset that a conversation began with, and whether the settings were changed since."""
    name = text(
        language, "preset-version", name=chosen.preset.text.name, version=chosen.preset.ref.version
    )
    if options == Presets.options_of(chosen.preset):
        return name
    return f"{name} · {text(language, 'preset-changed')}"


def context_usage(measured: ContextUsage | None, language: Language, asked: str = "") -> Markup:
    """The use of the context with the text in the box; without a measurement an empty bar.

    Of the whole context; of what a prompt may have of it where more was asked for than fits, as
    `warning` says it.
    `asked` is the number of the browser's request.
    """
    if measured is None:
        return html("composing.unknown_usage", asked=asked, language=language)
    level = _level(measured)
    most = measured.free if level == "over" else measured.limit
    parts = text(
        language,
        "gauge-parts",
        system=f"{measured.system:,}",
        history=f"{measured.history:,}",
        draft=f"{measured.draft:,}",
        room=f"{measured.room:,}",
    )
    return html(
        "composing.usage",
        usage=measured,
        level=level,
        number=f"{measured.asked:,} / {most:,}",
        parts=parts,
        asked=asked,
        language=language,
    )


def warning(measured: ContextUsage, language: Language) -> Markup:
    """A warning before sending if something will not fit; else empty."""
    figures = {"asked": f"{measured.asked:,}", "free": f"{measured.free:,}"}
    if not measured.fits:
        excess = measured.asked + measured.room - measured.limit
        tokens = f"{max(excess, 1):,}"
        return _warning(text(language, "will-not-fit", tokens=tokens, **figures))
    if measured.dropped_turns:
        return _warning(text(language, "will-drop", count=measured.dropped_turns, **figures))
    return Markup()


def refusal_ahead(sentence: str) -> Markup:
    """A warning with the reason why the text in the box would be refused."""
    return _warning(sentence)


def _level(measured: ContextUsage) -> str:
    if measured.dropped_turns or not measured.fits:
        return "over"
    full = measured.prompt >= NEARLY_FULL * (measured.limit - measured.room)
    return "high" if full else "low"


def _warning(sentence: str) -> Markup:
    return html("composing.warning", sentence=sentence)
