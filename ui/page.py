"""The page: components, then one table of events."""

from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.components import Component

from ui.components import Components, lay_out
from ui.handlers.composer import Composer
from ui.handlers.shared import Shown
from ui.handlers.sidebar import Sidebar
from ui.handlers.transcript import Transcript
from ui.services import Services

Shows = tuple[Callable[..., Any], Callable[..., Any], Any, dict[str, Any]]
"""An event after which the page may show another conversation: trigger, handler, inputs, more."""

AT_ONCE: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""Short events: they wait for nobody's answer."""

STREAMED: dict[str, Any] = {
    "concurrency_limit": None,
    "trigger_mode": "multiple",
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""The one event that lasts as long as an answer; a new one may begin before the old has ended."""

REMEMBERED = """(id, language, view) => {
    const known = ["zh", "en"], kept = localStorage.getItem("qwen-chat.language");
    return [location.hash.slice(1), known.includes(kept) ? kept : null, view];
}"""
"""What a reload finds again: the conversation in the address, the language in the browser."""


NAMED = """(...values) => {
    return [...values.slice(0, -1), document.body.dataset.request ?? ""];
}"""
"""What is sent has a name, which the script gives to the text in the box."""


class Handlers:
    """All that can happen on the page, by subject."""

    def __init__(self, shown: Shown) -> None:
        self.transcript = Transcript(shown)
        self.sidebar = Sidebar(shown)
        self.composer = Composer(shown)


def build_page(services: Services, *, open_to_network: bool) -> gr.Blocks:
    """The chat page, not mounted. `open_to_network` adds a warning that all can read."""
    blocks = gr.Blocks(title="Qwen Chat", analytics_enabled=False, fill_height=True)
    with blocks:
        components = lay_out()
        handlers = Handlers(Shown(services, components, open_to_network=open_to_network))
        _connect(blocks, components, handlers)
    return blocks


def _connect(blocks: gr.Blocks, on: Components, do: Handlers) -> None:
    """The table of events. Those that `show` something may show an answer being written."""
    show = [
        (blocks.load, do.transcript.load, _place(on), {"js": REMEMBERED}),
        *_transcript_events(on, do.transcript),
        *_sidebar_events(on, do.sidebar),
        *_composer_events(on, do.composer),
    ]
    page = _all_of(on)
    for trigger, handler, inputs, more in show:
        shown = trigger(handler, inputs, page, **AT_ONCE, **more)
        shown.then(do.transcript.listen, _place(on), page, **STREAMED)


def _transcript_events(on: Components, do: Transcript) -> list[Shows]:
    return [
        (on.language.input, do.speak, _place(on), {}),
        (on.bridge.follow, do.follow, [on.language, on.view], {}),
        (on.bridge.retry, do.retry, _asking(on), {}),
        (on.new_chat.click, do.new_chat, [on.language, on.view], {}),
    ]


def _sidebar_events(on: Components, do: Sidebar) -> list[Shows]:
    # The timer itself is no output: Gradio would start it anew, and tick, with every answer.
    state = [on.header, on.banners, on.welcome, on.conversations, on.note]
    on.timer.tick(do.tick, _place(on), state, **AT_ONCE)
    on.bridge.more(do.more, _place(on), [on.conversations, on.note], **AT_ONCE)
    return [(on.bridge.clear, do.clear, _place(on), {})]


def _composer_events(on: Components, do: Composer) -> list[Shows]:
    on.stop.click(do.stop, [on.bridge], None, **AT_ONCE)
    for setting in on.settings:
        setting.blur(do.keep_options, _asking(on), [on.note], **AT_ONCE)  # type: ignore[attr-defined]
    sent = _asking(on) | {on.request_id}
    return [
        (on.message.submit, do.send, sent, {"js": NAMED}),
        (on.send.click, do.send, sent, {"js": NAMED}),
    ]


def _place(on: Components) -> list[Component]:
    """Where a tab is."""
    return [on.bridge, on.language, on.view]


def _asking(on: Components) -> set[Component]:
    """Where a tab is, and what a question there would be asked with."""
    return {on.message, *_place(on), *on.settings}


def _all_of(on: Components) -> list[Component]:
    """Every component that a handler may change."""
    return [
        on.bridge,
        on.language,
        on.header,
        on.tools,
        on.banners,
        on.conversations,
        on.new_chat,
        on.welcome,
        on.chatbot,
        on.note,
        on.message,
        on.send,
        on.stop,
        on.notice,
        on.settings_title,
        on.sampling_title,
        *on.settings,
    ]
