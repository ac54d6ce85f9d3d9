"""The page: components, then one table of events."""

from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.components import Component

from chat.feedback.dashboard import Dashboard
from ui import assets
from ui.components import Components, lay_out
from ui.dashboard import lay_out_board
from ui.gradio_adapter.blocks import PageBlocks
from ui.handlers.campaign import TaskPanel
from ui.handlers.composer import Composer
from ui.handlers.dashboard import DashboardPanel
from ui.handlers.details import Details
from ui.handlers.messages import Versions
from ui.handlers.page_state import PageState
from ui.handlers.presets import PresetPanel
from ui.handlers.rating import RatingPanel
from ui.handlers.sidebar import Sidebar
from ui.handlers.transcript import Transcript
from ui.services import Services

Shows = tuple[Callable[..., Any], Callable[..., Any], Any, dict[str, Any]]
"""An event that may open another conversation: trigger, handler, inputs, more arguments."""

AT_ONCE: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""Short events, outside the queue: they do not wait for running answers.

Gradio's mode `once` drops an event while the same one is on its way: right for a question, which
must not be asked twice.
"""

EACH = AT_ONCE | {"trigger_mode": "multiple"}
"""Events that name what was clicked: none is dropped while another one is on its way.

Not Gradio's mode `always_last`, which sends the last one again without its data.
"""

STREAMED: dict[str, Any] = {
    "concurrency_limit": None,
    "trigger_mode": "multiple",
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""The event that lasts as long as an answer; a new one may begin before the old one ends."""

REMEMBERED = """(id, language, view) => {
    const known = ["zh", "en"], kept = localStorage.getItem("qwen-chat.language");
    const campaign = new URLSearchParams(location.search).get("campaign");
    const here = location.hash.slice(1) || (campaign ? `campaign=${campaign}` : "");
    return [here, known.includes(kept) ? kept : null, view];
}"""
"""What a reload restores: conversation or campaign from the address, language from the browser."""

ADDRESSED = "(id, language, view) => [location.hash.slice(1), language, view]"
"""The conversation in the browser's address in place of the open one."""

NAMED = """(...values) => {
    return [...values.slice(0, -1), document.body.dataset.request ?? ""];
}"""
"""The request id that the script gives to the text in the box and its files."""


class Handlers:
    """The handlers of the page's events, by subject."""

    def __init__(self, page: PageState) -> None:
        self.transcript = Transcript(page)
        self.versions = Versions(page)
        self.details = Details(page)
        self.rating = RatingPanel(page)
        self.sidebar = Sidebar(page)
        self.composer = Composer(page)
        self.presets = PresetPanel(page)
        self.tasks = TaskPanel(page)


def build_page(services: Services, *, open_to_network: bool) -> gr.Blocks:
    """The chat page, not mounted. `open_to_network` adds a warning that no login is needed."""
    blocks = PageBlocks(title="Qwen Chat", analytics_enabled=False, fill_height=True)
    with blocks:
        components = lay_out()
        handlers = Handlers(PageState(services, components, open_to_network=open_to_network))
        _connect(blocks, components, handlers)
        # With each update of an answer Gradio's script copies the state of every component that was
        # ever to show an event's progress. Not `[]`: events that were triggered while another one
        # ended were lost then (a form that did not open).
        for event in blocks.fns.values():
            event.show_progress_on = [components.skip]
    _add_dashboard(blocks, services.figures)
    return blocks


def _add_dashboard(blocks: gr.Blocks, figures: Dashboard) -> None:
    """The dashboard as a page of its own, with its own components and events."""
    with blocks.route("DashboardPanel", "/dashboard", show_in_navbar=False):
        board = lay_out_board()
        draw = DashboardPanel(figures, board).draw
        # Without preprocessing: the choices are known only with the first figures.
        every = AT_ONCE | {"preprocess": False, "trigger_mode": "always_last"}
        blocks.load(draw, board.asked, board.drawn, js=assets.dashboard("began"), **every)
        chosen = assets.dashboard("chose")
        for trigger in (board.language.input, board.campaign.input, board.period.input):
            trigger(draw, board.asked, board.drawn, js=chosen, **every)
        board.refresh.click(draw, board.asked, board.drawn, **every)


def _connect(blocks: gr.Blocks, on: Components, do: Handlers) -> None:
    """The table of events. After those in `show` a running answer is streamed."""
    show = [
        (blocks.load, do.transcript.load, _place(on), {"js": REMEMBERED}),
        *_transcript_events(on, do.transcript),
        *_version_events(on, do.versions),
        *_sidebar_events(on, do.sidebar),
        *_composer_events(on, do.composer),
    ]
    _preset_events(on, do.presets)
    page, followed = _all_of(on), _followed(on)
    for trigger, handler, inputs, more in show:
        updated = trigger(handler, inputs, page, **AT_ONCE | more)
        streamed = updated.then(do.transcript.listen, _place(on), [on.newest], **STREAMED)
        streamed.then(do.transcript.settle, _place(on), followed, **EACH)
    _details_events(on, do.details)
    _rating_events(on, do.rating)
    on.bridge.tick_task(do.tasks.tick, [on.language, on.view], [on.tasks, on.note], **EACH)


def _transcript_events(on: Components, do: Transcript) -> list[Shows]:
    drawn = [on.above, on.earlier, on.newest, on.note]
    on.bridge.earlier(do.earlier, _place(on), drawn, **EACH)
    newest = {"js": ADDRESSED, "trigger_mode": "always_last"}
    return [
        (on.language.input, do.speak, _place(on), {}),
        (on.bridge.follow, do.follow, _place(on), newest),
        (on.bridge.catch_up, do.catch_up, _place(on), {}),
    ]


def _version_events(on: Components, do: Versions) -> list[Shows]:
    composer_inputs = _composer_inputs(on)
    return [
        (on.bridge.retry, do.retry, composer_inputs, {}),
        (on.bridge.go_on, do.go_on, composer_inputs, {}),
        (on.bridge.show, do.show, composer_inputs, {}),
        (on.bridge.edit, do.edit, composer_inputs, {}),
        (on.bridge.delete_turn, do.delete_turn, composer_inputs, {}),
        (on.bridge.delete_branch, do.delete_branch, composer_inputs, {}),
        (on.bridge.undo_turn, do.undo_turn, composer_inputs, {}),
        (on.bridge.undo, do.undo, composer_inputs, {}),
    ]


def _details_events(on: Components, do: Details) -> None:
    here, outputs = [on.bridge, on.language], [on.panel, on.note]
    on.bridge.details(do.answer, here, outputs, **AT_ONCE)
    on.bridge.prompt(do.prompt, here, outputs, **AT_ONCE)
    on.bridge.file(do.file, here, outputs, **AT_ONCE)


def _rating_events(on: Components, do: RatingPanel) -> None:
    here = [on.bridge, on.language]
    on.bridge.rating(do.open, here, [on.panel, on.note], **AT_ONCE)
    on.bridge.rate(do.rate, on.language, [on.rated, on.note], **EACH)


def _sidebar_events(on: Components, do: Sidebar) -> list[Shows]:
    state = [on.header, on.banners, on.welcome, on.conversations, on.note, on.behind]
    defaults = [on.chips, on.without_field, *on.numbers.values()]
    on.bridge.tick(do.tick, _place(on), [*state, *defaults], **AT_ONCE)
    here, listing = [on.language, on.view], [on.conversations, on.list_notice, on.note]
    on.bridge.folder(do.folder, here, [*listing, on.search], **EACH)
    for trigger, handler in (
        (on.bridge.search, do.search),
        (on.bridge.more, do.more),
        (on.bridge.rename, do.rename),
        (on.bridge.pin, do.pin),
        (on.bridge.archive, do.archive),
        (on.bridge.destroy, do.destroy),
    ):
        trigger(handler, here, listing, **EACH)
    on.bridge.dismiss(None, None, on.list_notice, js="() => ''", **AT_ONCE)
    return [
        (on.new_chat.click, do.new_chat, here, {}),
        (on.bridge.temporary, do.temporary, here, {}),
        (on.bridge.found, do.found, here, EACH),
        (on.bridge.delete, do.delete, _place(on), EACH),
        (on.bridge.restore, do.restore, _place(on), EACH),
        (on.bridge.imported, do.imported, _place(on), {}),
    ]


def _composer_events(on: Components, do: Composer) -> list[Shows]:
    on.stop.click(do.stop, [on.bridge], None, **AT_ONCE)
    kept = [on.note, on.chips, on.without_field]
    for setting in on.fields:
        setting.blur(do.keep_options, _composer_inputs(on), kept, **AT_ONCE)  # type: ignore[attr-defined]
    here, attached = [on.language, on.view], [on.files, on.note]
    on.bridge.attach(do.attach, here, attached, **EACH)
    on.bridge.detach(do.detach, here, attached, **EACH)
    on.bridge.solved(None, None, on.note, js="() => ''", **AT_ONCE)
    on.bridge.oversize(do.oversize, on.language, on.note, **AT_ONCE)
    on.bridge.gauge(
        do.measure, _composer_inputs(on), [on.context_usage, on.warning, on.files], **AT_ONCE
    )
    sent = _composer_inputs(on) | {on.request_id}
    return [
        (on.message.submit, do.send, sent, {"js": NAMED}),
        (on.send.click, do.send, sent, {"js": NAMED}),
    ]


def _preset_events(on: Components, do: PresetPanel) -> None:
    here, panel = [on.language, on.view], [on.presets, on.note]
    chosen = [*panel, *on.settings, on.without_field, on.chips, on.header, on.banners, on.welcome]
    on.bridge.presets(do.list, here, panel, **AT_ONCE)
    on.bridge.reset_settings(do.reset, _place(on), chosen, **AT_ONCE)
    on.bridge.choose(do.choose, _place(on), chosen, **AT_ONCE)
    on.bridge.write_preset(do.write, _composer_inputs(on), panel, **AT_ONCE)
    on.bridge.save_preset(do.save, _place(on), chosen, **AT_ONCE)
    on.bridge.preset_imported(do.imported, here, panel, **AT_ONCE)
    on.bridge.share_preset(do.share, here, panel, **AT_ONCE)
    on.bridge.delete_preset(do.delete, here, panel, **AT_ONCE)


def _place(on: Components) -> list[Component]:
    """The inputs that identify conversation, language and tab."""
    return [on.bridge, on.language, on.view]


def _composer_inputs(on: Components) -> set[Component]:
    """The inputs of `_place` and those of a question."""
    return {on.message, *_place(on), *on.settings}


def _followed(on: Components) -> list[Component]:
    """The components that may change at the end of an answer."""
    around = [on.bridge, on.header, on.banners, on.conversations, on.note]
    return [*around, on.tasks, on.welcome, on.above, on.earlier, on.newest]


def _all_of(on: Components) -> list[Component]:
    """Every component that a handler may change."""
    return [
        on.bridge,
        on.language,
        on.header,
        on.tools,
        on.banners,
        on.skip,
        on.new_chat,
        on.temporary,
        on.search,
        on.conversations,
        on.list_notice,
        on.account,
        on.overlays,
        on.welcome,
        on.above,
        on.earlier,
        on.newest,
        on.panel,
        on.tasks,
        on.note,
        on.warning,
        on.files,
        on.message,
        on.chips,
        on.context_usage,
        on.send,
        on.stop,
        on.notice,
        on.settings_title,
        on.sampling_title,
        on.presets_title,
        on.presets,
        on.without_field,
        *on.settings,
    ]
