"""Header, welcome page and banners."""

from markupsafe import Markup

from chat.campaigns.models import Campaign
from chat.serving.models import EngineInfo, EngineState, Phase
from i18n import Language
from ui.html import html
from ui.i18n import text
from ui.view import ChosenPreset

FETCH_COMMAND = ".venv/bin/python download_model.py --model Qwen2.5-7B-Instruct"
EXAMPLES = ("example-1", "example-2", "example-3", "example-4")
WORDS_OF_SCRIPT = (
    "copy",
    "copied",
    "preview",
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
    "message-touch",
    "sending",
)
"""Keys of the texts that the script uses."""

DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}


def header(
    info: EngineInfo | None,
    state: EngineState,
    language: Language,
    *,
    temporary: bool = False,
    chosen: ChosenPreset | None = None,
    concealed: bool = False,
) -> Markup:
    """The model's state, name and kind, the preset, and on a small screen the list button.

    `concealed`: neither the model nor the preset is named.
    """
    name = info.model if info else text(language, "no-model")
    facts = loading(state, language)
    if state.phase is Phase.READY and info:
        facts = _facts(info, language, chosen)
    if concealed:
        name = text(language, "model-concealed")
        facts = "" if state.phase is Phase.READY else facts
    return html(
        "chrome.header",
        name=name,
        phase=state.phase,
        facts=facts,
        temporary=temporary,
        language=language,
    )


def tools(language: Language) -> Markup:
    """The buttons at the right of the header, and the texts of the script."""
    return html("chrome.tools", keys=WORDS_OF_SCRIPT, language=language)


def loading(state: EngineState, language: Language) -> str:
    """Progress of the engine's loading: stage, percent, time left."""
    if state.phase is not Phase.LOADING:
        return text(language, f"state-{state.phase}")
    key = f"stage-{state.stage}" if state.stage else "state-loading"
    parts = [] if state.progress is None else [f"{state.progress:.0%}"]
    parts.append(text(language, key))
    if state.seconds_left is not None:
        parts.append(_time_left(state.seconds_left, language))
    return " · ".join(parts)


def welcome(
    info: EngineInfo | None,
    state: EngineState,
    language: Language,
    *,
    temporary: bool = False,
    in_campaign: bool = False,
    chosen: ChosenPreset | None = None,
) -> Markup:
    """The welcome page: an introduction, the model's state, and the preset's first questions."""
    if in_campaign:
        title, intro = text(language, "test-welcome"), text(language, "test-welcome-text")
    elif temporary:
        title, intro = text(language, "temporary"), text(language, "temporary-text")
    else:
        title, intro = text(language, "welcome-title"), _intro(info, language)
    if chosen:
        title = chosen.preset.text.name
    questions = chosen.preset.text.questions if chosen else ()
    return html(
        "chrome.welcome",
        title=title,
        intro=intro,
        phase=state.phase,
        progress=state.progress,
        loading=loading(state, language),
        questions=questions or [text(language, key) for key in EXAMPLES],
        language=language,
    )


def banners(
    info: EngineInfo | None,
    language: Language,
    *,
    open_to_network: bool,
    campaign: Campaign | None = None,
) -> Markup:
    """Warnings above the conversation, and what the host of a campaign tells; empty if none."""
    notes = info.notes if info else ()
    return html(
        "chrome.banners",
        open_to_network=open_to_network,
        starter="starter-model" in notes,
        one_at_a_time="one-at-a-time" in notes,
        command=FETCH_COMMAND,
        paused=campaign is not None and campaign.paused_at is not None,
        notice=campaign.notice if campaign else "",
        language=language,
    )


def refused(sentence: str, code: str = "") -> Markup:
    """Why a request was not taken, right above the box that still holds it.

    By the error's `code` the script knows when the cause has gone.
    """
    return html("chrome.refused", sentence=sentence, code=code)


def _intro(info: EngineInfo | None, language: Language) -> str:
    if info is None:
        return text(language, "welcome-text-loading")
    return text(language, "welcome-text", model=info.model)


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
