"""Mounts the page on an ASGI app, with all changes to Gradio's settings."""

import sys
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import gradio as gr

from ui import assets
from ui.gradio_adapter.events import event_parser
from ui.gradio_adapter.first_script import put_first
from ui.html import html

STREAMS = 200
"""Answers that can be watched at once; with Gradio's own 40 the 41st tab would wait."""

LOOKS_EVERY_S = 0.02
"""Poll interval of Gradio's queue for streamed events."""

PROGRESS_S = 10.0
"""Poll interval for progress bars."""


def event_names(blocks: gr.Blocks) -> Mapping[int, str]:
    """Names of the page's events, which are those of their handlers, by Gradio's number."""
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
    # bars, of which the page has none, also while it is idle.
    blocks._queue.sleep_when_free = LOOKS_EVERY_S
    blocks._queue.progress_update_sleep_when_free = PROGRESS_S
    # Nor for its statistics: a data frame over the last 10,000 events, rebuilt after each.
    blocks._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize
    blocks._queue.ANALYTICS_MAX_EVENTS = 1
    _set_bounds(app.state.page_events, blocks)
    _settle_matplotlib()
    skeleton = html("page.skeleton", style=assets.skeleton_style())
    put_first(assets.script_before_gradio(), skeleton)
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
    """Give the edge (`api.edge.page_events`) the parser of events, and the way to drop a tab."""

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
    """Make an import that Gradio tries twice per event fail fast.

    Python caches modules that it found, but searches the whole path again for a missing one: a
    tenth of the processor time of a streamed answer.
    """
    if find_spec("matplotlib") is None:
        sys.modules["matplotlib"] = None  # type: ignore[assignment]
