"""The page on an ASGI app: Gradio's switches, all of them here."""

import sys
import warnings
from collections.abc import Mapping
from typing import Any

import gradio as gr

from ui import assets
from ui.html import html

STREAMS = 200
"""Answers that can be watched at once; Gradio's own 40 make the forty-first reader wait."""


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
    # Nor for its statistics: a data frame over the last 10,000 events, made anew after each.
    blocks._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize
    blocks._queue.ANALYTICS_MAX_EVENTS = 1
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
