"""A browser, and tabs that tell when something went wrong behind the picture."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.browser.chromium import chromium
from tests.browser.site import serve
from tests.fakes import ScriptedEngine
from tests.memory_store import MemoryStore

expect.set_options(timeout=30_000)  # for a machine that is busy with other tests

LAST_WORDS = ("AbortError: signal is aborted", "Unexpected error Connection errored out")
"""What Gradio's client logs when a reload cuts its stream; the page it stood on is gone then."""

Open = Callable[..., Page]
Site = Callable[..., str]


def is_wrong(line: ConsoleMessage) -> bool:
    """Whether a line of the console is about a fault; a file that is refused is none."""
    refused = line.location["url"].endswith("/import") and "status of 400" in line.text
    return line.type == "error" and not refused and not line.text.startswith(LAST_WORDS)


# Not for the session: Playwright keeps an event loop running, and other tests bring their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def site() -> Iterator[Site]:
    """Starts the app on an engine (and a store); gives its address."""
    with ExitStack() as running:

        def start(engine: ScriptedEngine, store: MemoryStore | None = None, **options: Any) -> str:
            return running.enter_context(serve(engine, store or MemoryStore(), **options))

        yield start


@pytest.fixture
def tab(browser: Browser) -> Iterator[Open]:
    """Opens tabs, all of one person's browser. Nothing may fail in them or leave the host."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def open_tab(url: str, *, path: str = "", **options: Any) -> Page:
        if not contexts:
            contexts.append(browser.new_context(**{"locale": "en-US", **options}))
        page = contexts[0].new_page()
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("console", lambda line: wrong.append(line.text) if is_wrong(line) else None)
        page.on(
            "request",
            lambda request: (
                wrong.append(f"left the host: {request.url}")
                if not request.url.startswith((url, "data:", "blob:"))
                else None
            ),
        )
        page.goto(url + path)
        expect(page.locator("#tools [data-lang]")).to_be_attached()
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert wrong == []
