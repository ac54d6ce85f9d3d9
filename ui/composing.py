"""What stands around the box: attached files, chips, gauge and its warning. Pure HTML, all escaped.

A button says in `data-do` what the script makes of a click on it.
"""

from collections.abc import Collection, Mapping
from html import escape

from chat.conversations.context_usage import ContextUsage
from chat.conversations.presets import Presets
from chat.models import ChatOptions, Sampling
from i18n import Language
from ui.i18n import text
from ui.icons import icon
from ui.sizes import file_size
from ui.view import ChosenPreset, HeldFile

NEARLY_FULL = 0.8
"""Share of what may be filled from which the gauge is amber."""


def files(
    held: Mapping[str, HeldFile],
    language: Language,
    *,
    asked: str = "",
    refused: Collection[str] = (),
    again: bool = False,
    with_text: bool = False,
) -> str:
    """The attached files, each with its size, its tokens and a way out.

    Tells the browser which ids are held and which were `refused`, so that it keeps or forgets its
    copies; `again` asks for all of them once more, and `with_text` gives it new ones. `asked` is
    the browser's number of what this answers: the same files drawn anew look like no answer.
    """
    chips = "".join(_file(key, item, language, with_text=with_text) for key, item in held.items())
    return (
        f'<div class="files" role="list" aria-label="{text(language, "attached")}" '
        f'data-held="{escape(" ".join(held))}" data-refused="{escape(" ".join(refused))}" '
        f'data-asked="{escape(asked)}"'
        f"{' data-again' if again else ''}>{chips}</div>"
    )


def chips(
    options: ChatOptions, chosen: ChosenPreset | None, defaults: Sampling, language: Language
) -> str:
    """The buttons below the box: attach, preset, sampling."""
    temperature = options.sampling.over(defaults).temperature
    number = "–" if temperature is None else f"{temperature:g}"
    attach = text(language, "attach")
    heat = text(language, "chip-temperature", number=number)
    return (
        f'<div class="chips" data-preset="{escape(chosen.preset.ref.id) if chosen else ""}">'
        f'<button class="chip" data-do="attach" title="{text(language, "attach-info")}">'
        f"{icon('plus', 14)}<span>{attach}</span></button>"
        f"{_preset(options, chosen, language)}"
        f'<button class="chip optional" data-do="settings" title="{text(language, "settings")}">'
        f"<span>{heat}</span></button></div>"
    )


def preset_label(options: ChatOptions, chosen: ChosenPreset, language: Language) -> str:
    """The preset that a conversation began with, and whether it still is that one."""
    name = text(
        language, "preset-version", name=chosen.preset.text.name, version=chosen.preset.ref.version
    )
    if options == Presets.options_of(chosen.preset):
        return name
    return f"{name} · {text(language, 'preset-changed')}"


def gauge(measured: ContextUsage | None, language: Language, asked: str = "") -> str:
    """How full the context is with what is in the box; without a measure an empty bar.

    `asked` is the browser's number of the question that this answers.
    """
    mark = f'data-asked="{escape(asked)}"'
    if measured is None:
        name = text(language, "context")
        return (
            f'<div class="gauge unknown" {mark} title="{name}">'
            f'<span class="bar"></span><span aria-hidden="true">–</span></div>'
        )
    limit = measured.limit
    parts = text(
        language,
        "gauge-parts",
        system=f"{measured.system:,}",
        history=f"{measured.history:,}",
        draft=f"{measured.draft:,}",
        room=f"{measured.room:,}",
    )
    level, used = _level(measured), min(measured.prompt / limit, 1)
    number = f"{measured.prompt:,} / {limit:,}"
    return (
        f'<div class="gauge {level}" {mark} role="meter" aria-valuemin="0" aria-valuemax="{limit}" '
        f'aria-valuenow="{min(measured.prompt, limit)}" title="{parts}" '
        f'aria-label="{text(language, "context")}" aria-valuetext="{number}. {parts}">'
        f'<span class="bar"><i style="width:{used:.1%}"></i>'
        f'<i class="room" style="width:{min(measured.room / limit, 1):.1%}"></i></span>'
        f"<span>{number}</span></div>"
    )


def warning(measured: ContextUsage, language: Language) -> str:
    """What will not fit, before it is sent; empty when all does."""
    if not measured.fits:
        excess = measured.prompt + measured.room - measured.limit
        return _warning(text(language, "will-not-fit", tokens=f"{max(excess, 1):,}"))
    if measured.dropped_turns:
        return _warning(text(language, "will-drop", count=measured.dropped_turns))
    return ""


def refusal_ahead(sentence: str) -> str:
    """Why what is in the box would be refused."""
    return _warning(escape(sentence))


def _level(measured: ContextUsage) -> str:
    if measured.dropped_turns or not measured.fits:
        return "over"
    full = measured.prompt >= NEARLY_FULL * (measured.limit - measured.room)
    return "high" if full else "low"


def _warning(sentence: str) -> str:
    return f'<p class="ahead" role="status">{sentence}</p>'


def _preset(options: ChatOptions, chosen: ChosenPreset | None, language: Language) -> str:
    label = text(language, "presets")
    words, new = label, ""
    if chosen:
        words = escape(preset_label(options, chosen, language))
        if chosen.newest > chosen.preset.ref.version:
            newer = text(language, "preset-newer", version=chosen.newest)
            new = f'<i class="newer" role="img" aria-label="{newer}" title="{newer}"></i>'
    return (
        f'<button class="chip preset" data-do="presets" title="{label}">'
        f"<span>{words}</span>{new}</button>"
    )


def _file(key: str, item: HeldFile, language: Language, *, with_text: bool) -> str:
    name = escape(item.file.name)
    about = file_size(item.file)
    if item.tokens is not None:
        about += " · " + text(language, "file-tokens", count=f"{item.tokens:,}")
    as_text = ""
    if item.pasted:
        words = text(language, "paste-as-text")
        as_text = f'<button data-do="as-text" data-file="{key}">{words}</button>'
    copy = f' data-text="{escape(item.file.text)}"' if with_text else ""
    remove = text(language, "remove-file", name=name)
    return (
        f'<div class="file" role="listitem" data-file="{key}"{copy}>{icon("file", 15)}'
        f'<b title="{name}">{name}</b><span>{about}</span>{as_text}'
        f'<button data-do="detach" data-file="{key}" aria-label="{remove}" title="{remove}">'
        f"{icon('cross', 14)}</button></div>"
    )
