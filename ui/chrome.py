"""What stands around the conversation: header, list, empty page, banners. Pure HTML, all escaped.

A button says in `data-do` what the script makes of a click on it.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from html import escape
from itertools import groupby

from chat.types import Conversation, EngineInfo, EngineState, Phase
from ui.i18n import Language, text
from ui.icons import icon

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
)
"""What the script needs words for."""

DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}


def header(info: EngineInfo | None, state: EngineState, language: Language) -> str:
    """The model's state, name and kind, and the way to the list on a small screen."""
    name = escape(info.model) if info else text(language, "no-model")
    words = text(language, f"state-{state.phase}")
    facts = (
        escape(_facts(info)) if state.phase is Phase.READY and info else loading(state, language)
    )
    return (
        f'<div class="bar">{_icon_button("drawer", "menu", text(language, "conversations"))}'
        f'<div class="model" role="status"><i class="dot {state.phase}" title="{words}"></i>'
        f'<span class="hidden-words">{words}</span>'
        f"<b>{name}</b><em>{facts}</em></div></div>"
    )


def tools(language: Language, *, clearable: bool) -> str:
    """The buttons at the right of the header, and the words that the script needs."""
    words = " ".join(f'data-{key}="{escape(text(language, key))}"' for key in WORDS_OF_SCRIPT)
    return (
        f'<div class="tools" data-lang="{language}" {words}>'
        f"{_clear(language) if clearable else ''}"
        f"{_icon_button('theme', 'theme', text(language, 'theme'))}"
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


def conversation_list(
    conversations: Sequence[Conversation],
    *,
    current: str,
    live: Collection[str],
    now: datetime,
    language: Language,
    more: bool = False,
) -> str:
    """The list on the left: newest first, in groups by age, with a dot where an answer comes.

    `more` adds the button for older ones.
    """
    if not conversations:
        return f'<p class="nothing">{text(language, "no-conversations")}</p>'
    groups = groupby(conversations, key=lambda item: _age_group(item.updated_at, now))
    body = "".join(
        f"<h2>{text(language, key)}</h2><ul>{_entries(items, current, live, language)}</ul>"
        for key, items in groups
    )
    if more:
        body += f'<button class="more" data-do="more">{text(language, "show-more")}</button>'
    return f'<nav aria-label="{text(language, "conversations")}">{body}</nav>'


def welcome(info: EngineInfo | None, state: EngineState, language: Language) -> str:
    """The empty page: what this is, how the model is, and questions to begin with."""
    intro = (
        text(language, "welcome-text", model=escape(info.model))
        if info
        else text(language, "welcome-text-loading")
    )
    examples = "".join(
        f'<button data-do="example">{text(language, key)}</button>' for key in EXAMPLES
    )
    return (
        f'<div class="welcome"><i class="mark"></i><h1>{text(language, "welcome-title")}</h1>'
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


def _facts(info: EngineInfo) -> str:
    weights = DTYPES.get(info.dtype, info.dtype)
    if info.quantization not in ("", "none"):
        weights = info.quantization
    return f"{weights} · {info.device}"


def _clear(language: Language) -> str:
    # Two steps in place; no dialog that covers what is about to be deleted.
    return (
        f'<span class="clear">{_icon_button("ask", "trash", text(language, "clear"))}'
        f'<span class="sure"><span>{text(language, "clear-question")}</span>'
        f'<button data-do="clear" class="bad">{text(language, "clear-yes")}</button>'
        f'<button data-do="keep">{text(language, "clear-no")}</button></span></span>'
    )


def _icon_button(action: str, name: str, label: str) -> str:
    return (
        f'<button class="tool {action}" data-do="{action}" aria-label="{label}" '
        f'title="{label}">{icon(name)}</button>'
    )


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


def _age_group(moment: datetime, now: datetime) -> str:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if moment >= midnight:
        return "today"
    return "last-7-days" if moment >= midnight - timedelta(days=7) else "older"


def _entries(
    conversations: Iterable[Conversation], current: str, live: Collection[str], language: Language
) -> str:
    return "".join(
        _entry(item, item.id == current, item.id in live, language) for item in conversations
    )


def _entry(conversation: Conversation, is_open: bool, is_live: bool, language: Language) -> str:
    here = ' aria-current="page"' if is_open else ""
    dot = f'<i class="live" role="img" aria-label="{text(language, "being-answered")}"></i>'
    title = escape(conversation.title)
    return (
        f'<li><a href="#{escape(conversation.id)}" data-do="open"{here} title="{title}">'
        f"<span>{title}</span>{dot if is_live else ''}</a></li>"
    )
