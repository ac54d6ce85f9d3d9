"""The page on an ASGI app: Gradio's switches, all of them here."""

import sys
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import gradio as gr

from ui import assets
from ui.gradio_adapter.events import event_parser
from ui.html import html

STREAMS = 200
"""Answers that can be watched at once; Gradio's own 40 make the forty-first reader wait."""

LOOKS_EVERY_S = 0.02
"""How long a streamed event may wait for Gradio's queue to see it."""

PROGRESS_S = 10.0
"""How long a progress bar would wait."""


def event_names(blocks: gr.Blocks) -> Mapping[int, str]:
    """The page's events by Gradio's number, named as the functions are called that answer them."""
    return {
        number: getattr(event.fn, "__qualname__", "")
        for number, event in blocks.fns.items()
        if event.fn is not None
    }


def mount(app: Any, blocks: gr.Blocks, *, root_path: str) -> Any:
    """`app`, a FastAPI application, with the page at its root; `root_path` is a proxy's prefix."""
    # In the head, not as `css`: there Gradio rewrites selectors, and breaks a comma within :is().
    blocks.queue(default_concurrency_limit=None, api_open=False)
    # mount_gradio_app has no argument for the number of slots.
    blocks.max_threads = STREAMS
    blocks._queue.max_thread_count = STREAMS
    # Nor for its pauses: it looks for new events 1000 times a second, and 100 times for progress
    # bars, of which the page has none, also while nobody asks anything.
    blocks._queue.sleep_when_free = LOOKS_EVERY_S
    blocks._queue.progress_update_sleep_when_free = PROGRESS_S
    # Nor for its statistics: a data frame over the last 10,000 events, made anew after each.
    blocks._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize
    blocks._queue.ANALYTICS_MAX_EVENTS = 1
    _set_bounds(app.state.page_events, blocks)
    _settle_matplotlib()
    with warnings.catch_warnings():
        # That it cannot be had with several pages; it is off.
        warnings.filterwarnings("ignore", "SSR mode is not supported", UserWarning)
        return gr.mount_gradio_app(
            app,
            blocks,
            path="/",
            root_path=root_path or None,
            show_error=False,
            ssr_mode=False,
            run_history=False,
            footer_links=[],
            enable_monitoring=False,
            theme=gr.themes.Base(font=["system-ui"], font_mono=["ui-monospace"]),
            head=html("page.head", style=assets.style()),
        )


def _set_bounds(events: Any, blocks: gr.Blocks) -> None:
    """Tell the edge (`api.edge.page_events`) how an event is read, and how a tab is forgotten."""

    def forget(session_hash: str) -> None:
        holder, queue = blocks.state_holder, blocks._queue
        holder.session_data.pop(session_hash, None)
        holder.time_last_used.pop(session_hash, None)
        queue.pending_messages_per_session.pop(session_hash, None)
        for event_id in queue.pending_event_ids_session.pop(session_hash, ()):
            queue.event_ids_to_events.pop(event_id, None)

    def unread(session_hash: str) -> int:
        return len(blocks._queue.pending_event_ids_session.get(session_hash, ()))

    events.parse, events.forget, events.unread = event_parser(blocks), forget, unread


def _settle_matplotlib() -> None:
    """Let the import that Gradio tries twice in each event fail at once.

    Python remembers modules that it has found, and looks through the whole path again for one that
    is not there: a tenth of the processor time of a streamed answer.
    """
    if find_spec("matplotlib") is None:
        sys.modules["matplotlib"] = None  # type: ignore[assignment]
