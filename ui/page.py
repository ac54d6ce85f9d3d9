"""The page: components, then one table of events."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from chat.conversations import Conversations
from chat.ports import Engine
from ui.components import Components, lay_out
from ui.handlers import Handlers

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
"""What is sent has a name, which page.js gives to the text in the box."""


def build_page(conversations: Conversations, engine: Engine, *, open_to_network: bool) -> gr.Blocks:
    """The chat page, not mounted. `open_to_network` adds a warning that all can read."""
    blocks = gr.Blocks(title="Qwen Chat", analytics_enabled=False, fill_height=True)
    with blocks:
        components = lay_out()
        handlers = Handlers(conversations, engine, components, open_to_network=open_to_network)
        _connect(blocks, components, handlers)
    return blocks


def _connect(blocks: gr.Blocks, on: Components, do: Handlers) -> None:
    """The table of events."""
    place = [on.bridge, on.language, on.view]
    asking = {on.message, on.bridge, on.language, on.view, *on.settings}
    page = _all_of(on)
    show: list[tuple[Callable[..., Any], Callable[..., Any], Any, dict[str, Any]]] = [
        (blocks.load, do.load, place, {"js": REMEMBERED}),
        (on.language.input, do.speak, place, {}),
        (on.bridge.follow, do.follow, [on.language, on.view], {}),
        (on.bridge.retry, do.retry, asking, {}),
        (on.bridge.clear, do.clear, place, {}),
        (on.new_chat.click, do.new_chat, [on.language, on.view], {}),
        (on.message.submit, do.send, asking | {on.request_id}, {"js": NAMED}),
        (on.send.click, do.send, asking | {on.request_id}, {"js": NAMED}),
    ]
    for trigger, handler, inputs, more in show:
        shown = trigger(handler, inputs, page, **AT_ONCE, **more)
        shown.then(do.listen, place, page, **STREAMED)

    on.stop.click(do.stop, [on.bridge], None, **AT_ONCE)
    # The timer itself is no output: Gradio would start it anew, and tick, with every answer.
    state = [on.header, on.banners, on.welcome, on.conversations, on.note]
    on.timer.tick(do.tick, place, state, **AT_ONCE)
    on.bridge.more(do.more, place, [on.conversations, on.note], **AT_ONCE)
    for setting in on.settings:
        setting.blur(do.keep_options, asking, [on.note], **AT_ONCE)  # type: ignore[attr-defined]


def _all_of(on: Components) -> list[Any]:
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
