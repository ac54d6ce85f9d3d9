"""The layout of the page's components. Knows no events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component
from markupsafe import Markup

from chat.accounts.models import User
from chat.models import ChatOptions, Sampling
from i18n import Language
from ui import assets, overlays, sidebar
from ui.html import html
from ui.i18n import NAMES, text
from ui.options import NUMBERS, WHOLE, to_fields, to_options
from ui.view import View

Updates = dict[Component, object]
"""A handler's changes to the page: new values, or gr.update of a component."""


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Every component that changes or has events."""

    bridge: gr.HTML  # its value is the id of the open conversation; the script speaks through it
    view: gr.State
    language: gr.Radio
    header: gr.HTML
    tools: gr.HTML
    banners: gr.HTML
    skip: gr.HTML
    temporary: gr.HTML
    search: gr.HTML
    conversations: gr.HTML
    list_notice: gr.HTML  # what was just done in the list, with an undo button
    account: gr.HTML
    overlays: gr.HTML
    new_chat: gr.Button
    welcome: gr.HTML
    above: gr.HTML  # the button for older turns
    earlier: gr.Chatbot
    newest: gr.Chatbot  # only the newest turn, so that updates while it is answered stay small
    panel: gr.HTML
    tasks: gr.HTML  # of the campaign that the tab is in
    rated: gr.HTML  # invisible: the result of the last rating
    behind: gr.HTML  # calls the script when another tab has changed this conversation
    note: gr.HTML
    warning: gr.HTML
    files: gr.HTML
    message: gr.Textbox
    chips: gr.HTML
    context_usage: gr.HTML
    send: gr.Button
    stop: gr.Button
    notice: gr.HTML
    settings_title: gr.HTML
    system_prompt: gr.Textbox
    sampling_title: gr.HTML
    numbers: Mapping[str, gr.Number]
    stop_strings: gr.Textbox
    preset: gr.Textbox  # not drawn: the preset of these settings, as "id@version"
    shown: gr.Textbox  # not drawn: all settings as the fields were filled, see `ui.options`
    without_field: gr.HTML  # names the settings that have no field
    presets_title: gr.HTML
    presets: gr.HTML
    request_id: gr.Textbox  # not drawn: the browser's name for what is in the box
    fields: tuple[Component, ...] = field(init=False)
    settings: tuple[Component, ...] = field(init=False)

    def __post_init__(self) -> None:
        fields = (self.system_prompt, *self.numbers.values(), self.stop_strings)
        object.__setattr__(self, "fields", fields)
        object.__setattr__(self, "settings", (*fields, self.preset, self.shown))

    def options(self, values: Mapping[Component, object]) -> ChatOptions:
        """The settings among a handler's input values. Raises BadImport."""
        return to_options(
            str(values[self.system_prompt] or ""),
            str(values[self.stop_strings] or ""),
            {name: values[number] for name, number in self.numbers.items()},  # type: ignore[misc]
            preset=str(values[self.preset] or ""),
            shown=str(values[self.shown] or ""),
        )

    def show_options(self, options: ChatOptions) -> Updates:
        values = to_fields(options)
        return {
            self.system_prompt: values["system_prompt"],
            self.stop_strings: values["stop"],
            self.preset: values["preset"],
            self.shown: values["shown"],
            **{number: values[name] for name, number in self.numbers.items()},
        }

    def show_defaults(self, defaults: Sampling, language: Language) -> Updates:
        """What an empty field means."""
        return {
            number: gr.update(placeholder=_default(defaults, name, language))
            for name, number in self.numbers.items()
        }

    def in_language(
        self, language: Language, defaults: Sampling, user: User, *, sharing: bool = False
    ) -> Updates:
        """The texts of all components that no other event redraws."""
        t = partial(text, language)

        def title(key: str, info: str = "") -> Markup:
            return html("page.title", key=key, info=info, language=language)

        return {
            self.language: gr.update(value=language.value, label=t("language")),
            self.new_chat: gr.update(value=t("new-chat")),
            self.skip: overlays.skip_link(language),
            self.temporary: sidebar.temporary_button(language),
            self.panel: "",
            self.search: sidebar.search_field(language),
            self.account: sidebar.account(user, language),
            self.overlays: overlays.overlays(user, language, sharing=sharing),
            self.message: gr.update(label=t("message"), placeholder=t("message-placeholder")),
            self.send: gr.update(value=t("send")),
            self.stop: gr.update(value=t("stop")),
            self.notice: t("notice"),
            self.settings_title: html("composing.settings_title", language=language),
            self.presets_title: title("presets"),
            self.system_prompt: gr.update(
                label=t("system-prompt"), info=t("system-prompt-info"), placeholder=t("none")
            ),
            self.sampling_title: title("sampling", "sampling-info"),
            self.stop_strings: gr.update(
                label=t("stop_strings"), info=t("stop_strings-info"), placeholder=t("none")
            ),
            **{
                number: gr.update(
                    label=t(name),
                    info=t(f"{name}-info"),
                    placeholder=_default(defaults, name, language),
                )
                for name, number in self.numbers.items()
            },
        }


def lay_out() -> Components:
    """Create the components inside the current gr.Blocks, still without words."""
    bridge = gr.HTML("", elem_id="bridge", html_template="", js_on_load=assets.script())
    skip = _html(elem_id="skip")
    with gr.Sidebar(elem_id="conversations", open=False, width=268):
        left = _left()
    with gr.Column(elem_id="main"):
        with gr.Row(elem_id="header"):
            top = _top()
        middle = {
            "banners": _html(elem_id="banners"),
            "welcome": _html(elem_id="welcome"),
            **_transcript(),
        }
        with gr.Column(elem_id="composer"):
            bottom = _composer()
    with gr.Sidebar(elem_id="settings", open=False, position="right", width=360):
        right = _settings()
    with gr.Sidebar(elem_id="presets", open=False, position="right", width=400):
        right |= {
            "presets_title": _html(elem_classes="panel-title"),
            "presets": _html(elem_id="preset-panel"),
        }
    parts = left | top | middle | bottom | right
    return Components(
        bridge=bridge,
        skip=skip,
        overlays=_html(elem_id="overlays"),
        view=gr.State(View()),
        behind=_html(elem_id="behind"),
        panel=_html(elem_id="panel"),
        rated=_html(elem_id="rated"),
        tasks=_html(elem_id="tasks"),
        **parts,
        request_id=gr.Textbox(visible=False),  # the last one made: page.NAMED counts on it
    )


def _left() -> dict[str, Any]:
    _html(html("page.brand"), elem_id="brand")
    with gr.Row(elem_id="begin"):
        begin = {
            "new_chat": gr.Button("", elem_id="new-chat"),
            "temporary": _html(elem_id="new-temporary"),
        }
    return {
        **begin,
        "search": _html(elem_id="search"),
        "conversations": _html(elem_id="conversation-list"),
        "list_notice": _html(elem_id="done"),
        "account": _html(elem_id="person"),
    }


def _top() -> dict[str, Any]:
    return {
        "header": _html(elem_id="state"),
        "language": gr.Radio(
            [(NAMES[item], item.value) for item in NAMES],
            elem_id="language",
            container=False,
            interactive=True,
        ),
        "tools": _html(elem_id="tools"),
    }


def _composer() -> dict[str, Any]:
    above = {"note": _html(elem_id="note"), "warning": _html(elem_id="warning")}
    with gr.Column(elem_id="box"):
        box = {
            "files": _html(elem_id="files"),
            "message": gr.Textbox(elem_id="message", lines=1, max_lines=9, container=False),
        }
        with gr.Row(elem_id="row"):
            row = {
                "chips": _html(elem_id="chips"),
                "context_usage": _html(elem_id="gauge"),
                "send": gr.Button("", elem_id="send", variant="primary"),
                "stop": gr.Button("", elem_id="stop"),
            }
    return {**above, **box, **row, "notice": _html(elem_id="notice")}


def _settings() -> dict[str, Any]:
    settings_title = _html(elem_classes="panel-title")
    system_prompt = gr.Textbox(elem_id="system-prompt", lines=4, max_lines=12)
    sampling_title = _html(elem_classes="panel-title")
    with gr.Row(elem_id="sampling"):
        numbers = {name: _number(name) for name in NUMBERS}
    return {
        "settings_title": settings_title,
        "system_prompt": system_prompt,
        "sampling_title": sampling_title,
        "numbers": numbers,
        "stop_strings": gr.Textbox(elem_id="stop-strings", lines=2, max_lines=8),
        "preset": gr.Textbox(visible=False),
        "shown": gr.Textbox(visible=False),
        "without_field": _html(elem_id="without-field"),
    }


def _number(name: str) -> gr.Number:
    precision = 0 if name in WHOLE else None
    return gr.Number(None, precision=precision, min_width=140, interactive=True)


def merge(words: Updates, values: Updates) -> Updates:
    """Both updates; of a component in both, the labels of the first and the value of the second."""
    both = words | values
    for component in words.keys() & values.keys():
        wording, value = words[component], values[component]
        if isinstance(wording, dict):  # gr.update makes dicts
            both[component] = wording | (value if isinstance(value, dict) else {"value": value})
    return both


def _transcript() -> dict[str, Any]:
    """One scroller around two lists of messages: most turns are drawn once and do not change."""
    with gr.Column(elem_id="transcript"):
        return {
            "above": _html(elem_id="above"),
            "earlier": _chatbot("earlier"),
            "newest": _chatbot("newest"),
        }


def _chatbot(elem_id: str) -> gr.Chatbot:
    return gr.Chatbot(
        elem_id=elem_id,
        visible=False,
        show_label=False,
        container=False,
        layout="bubble",
        buttons=[],
        latex_delimiters=[],
        autoscroll=False,  # the script does it, for both lists
        height=None,
    )


def _html(
    value: str = "", *, elem_id: str | None = None, elem_classes: str | None = None
) -> gr.HTML:
    return gr.HTML(
        value,
        elem_id=elem_id,
        elem_classes=elem_classes,
        js_on_load=None,  # the default one sends every click to the server
        apply_default_css=False,
    )


def _default(defaults: Sampling, name: str, language: Language) -> str:
    value = getattr(defaults, name)
    if value is None:
        return text(language, "random" if name == "seed" else "none")
    return f"{value:g}"
