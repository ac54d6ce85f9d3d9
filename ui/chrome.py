"""What stands around the conversation: header, empty page, banners. Pure HTML, all escaped.

A button says in `data-do` what the script makes of a click on it.
"""

from html import escape

from chat.serving.models import EngineInfo, EngineState, Phase
from i18n import Language
from ui.i18n import text
from ui.icons import icon, icon_button
from ui.view import ChosenPreset

FETCH_COMMAND = ".venv/bin/python download_model.py --model Qwen2.5-7B-Instruct"
EXAMPLES = ("example-1", "example-2", "example-3", "example-4")
WORDS_OF_SCRIPT = (
    "copy",
    "copied",
    "language",
    "conversations",
    "scroll-down",
    "transcript",
    "close",
    "edit",
    "save",
    "save-and-send",
    "cancel",
    "disconnected",
    "reconnecting",
)
"""What the script needs words for."""

DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}


def header(
    info: EngineInfo | None,
    state: EngineState,
    language: Language,
    *,
    temporary: bool = False,
    chosen: ChosenPreset | None = None,
) -> str:
    """The model's state, name and kind, the preset, and the way to the list on a small screen."""
    name = escape(info.model) if info else text(language, "no-model")
    words = text(language, f"state-{state.phase}")
    facts = (
        escape(_facts(info, language, chosen))
        if state.phase is Phase.READY and info
        else loading(state, language)
    )
    mark = f'<span class="temporary">{text(language, "temporary-mark")}</span>'
    return (
        f'<div class="bar">{icon_button("drawer", "menu", text(language, "conversations"))}'
        f'<div class="model" role="status"><i class="dot {state.phase}" title="{words}"></i>'
        f'<span class="hidden-words">{words}</span>'
        f"<b>{name}</b><em>{facts}</em></div>{mark if temporary else ''}</div>"
    )


def tools(language: Language) -> str:
    """The buttons at the right of the header, and the words that the script needs."""
    words = " ".join(f'data-{key}="{escape(text(language, key))}"' for key in WORDS_OF_SCRIPT)
    return (
        f'<div class="tools" data-lang="{language}" {words}>'
        f"{icon_button('theme', 'theme', text(language, 'theme'))}"
        f'<button class="tool" data-do="settings">{icon("settings")}'
        f"<span>{text(language, 'settings')}</span></button></div>"
    )


def loading(state: EngineState, language: Language) -> str:
    """What the engine is doing: stage, percent, time left."""
    if state.phase is not Phase.LOADING:
        return text(language, f"state-{state.phase}")
    key = f"stage-{state.stage}" if state.stage else "state-loading"
    said = [] if state.progress is None else [f"{state.progress:.0%}"]
    said.append(text(language, key))
    if state.seconds_left is not None:
        said.append(_time_left(state.seconds_left, language))
    return " · ".join(said)


def welcome(
    info: EngineInfo | None,
    state: EngineState,
    language: Language,
    *,
    temporary: bool = False,
    in_campaign: bool = False,
    chosen: ChosenPreset | None = None,
) -> str:
    """The empty page: what this is, how the model is, and the preset's questions to begin with."""
    if in_campaign:
        title, intro = text(language, "test-welcome"), text(language, "test-welcome-text")
    elif temporary:
        title, intro = text(language, "temporary"), text(language, "temporary-text")
    else:
        title, intro = text(language, "welcome-title"), _intro(info, language)
    if chosen:
        title = escape(chosen.preset.text.name)
    questions = chosen.preset.text.questions if chosen else ()
    examples = "".join(
        f'<button data-do="example" title="{asked}"><span>{asked}</span></button>'
        for asked in map(escape, questions or [text(language, key) for key in EXAMPLES])
    )
    return (
        f'<div class="welcome"><i class="mark"></i><h1>{title}</h1>'
        f"<p>{intro}</p>{_loading_card(state, language)}"
        f'<div class="examples">{examples}</div></div>'
    )


def banners(info: EngineInfo | None, language: Language, *, open_to_network: bool) -> str:
    """What must be said all the time, above the conversation; empty when there is nothing."""
    notes = info.notes if info else ()
    said = []
    if open_to_network:
        said.append(f'<p class="banner bad">{text(language, "open-to-network")}</p>')
    if "starter-model" in notes:
        said.append(
            f'<p class="banner">{text(language, "starter-model")} <code>{FETCH_COMMAND}</code></p>'
        )
    if "one-at-a-time" in notes:
        said.append(f'<p class="banner">{text(language, "one-at-a-time")}</p>')
    return "".join(said)


def refused(sentence: str) -> str:
    """Why a request was not taken, right above the box that still holds it."""
    return f'<p class="refused" role="alert">{escape(sentence)}</p>'


def _intro(info: EngineInfo | None, language: Language) -> str:
    if info is None:
        return text(language, "welcome-text-loading")
    return text(language, "welcome-text", model=escape(info.model))


def _facts(info: EngineInfo, language: Language, chosen: ChosenPreset | None) -> str:
    weights = DTYPES.get(info.dtype, info.dtype)
    if info.quantization not in ("", "none"):
        weights = info.quantization
    facts = [weights, info.device]
    if chosen:
        name, version = chosen.preset.text.name, chosen.preset.ref.version
        facts.append(text(language, "preset-version", name=name, version=version))
    return " · ".join(facts)


def _time_left(seconds: float, language: Language) -> str:
    if seconds < 90:
        return text(language, "seconds-left", seconds=round(seconds))
    return text(language, "minutes-left", minutes=round(seconds / 60))


def _loading_card(state: EngineState, language: Language) -> str:
    if state.phase is Phase.READY:
        return ""
    hint = text(language, "dead-hint" if state.phase is Phase.DEAD else "loading-hint")
    share = "" if state.progress is None else f' value="{state.progress:.3f}"'
    said = loading(state, language)
    bar = f'<progress aria-label="{said}"{share}></progress>'
    return (
        f'<div class="loading {state.phase}"><strong>{said}</strong>'
        f"{bar if state.phase is Phase.LOADING else ''}<span>{hint}</span></div>"
    )
