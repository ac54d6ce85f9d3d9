"""A browser, and tabs that fail a test on errors in the console or the network."""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.browser.chromium import chromium, new_context
from tests.browser.site import serve
from tests.browser.visitor import Visitor
from tests.fakes import ScriptedEngine
from tests.memory_store import MemoryStore

expect.set_options(timeout=30_000)  # for a machine that is busy with other tests

LAST_WORDS = ("AbortError: signal is aborted", "Unexpected error Connection errored out")
"""Errors that Gradio's client logs when a reload cuts its stream, which are expected."""

Open = Callable[..., Page]
Site = Callable[..., str]


def is_wrong(line: ConsoleMessage) -> bool:
    """Whether a line of the console is an error; a refused file is none."""
    url = line.location["url"]
    refused = url.endswith("/import") and "status of 400" in line.text
    too_large = url.endswith(("/run/predict", "/import")) and "status of 413" in line.text
    return (
        line.type == "error" and not (refused or too_large) and not line.text.startswith(LAST_WORDS)
    )


# Not for the session: Playwright keeps an event loop running, and other tests bring their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """The socket on which the sites of a module's tests listen, one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture(scope="module")
def visitor(browser: Browser) -> Visitor:
    return Visitor(browser)


@pytest.fixture
def site(listener: socket.socket) -> Iterator[Site]:
    """Starts the app on an engine (and a store); returns its address."""
    with ExitStack() as running:
        free = [listener]

        def start(engine: ScriptedEngine, store: MemoryStore | None = None, **options: Any) -> str:
            place = free.pop() if free else None
            server = serve(engine, store or MemoryStore(), listener=place, **options)
            return running.enter_context(server)

        yield start


@pytest.fixture
def tab(
    browser: Browser, request: pytest.FixtureRequest, listener: socket.socket
) -> Iterator[Open]:
    """Opens tabs in one browser context. Errors and requests to other hosts fail the test."""
    usual = f"http://127.0.0.1:{listener.getsockname()[1]}"
    contexts: list[BrowserContext] = []
    visitors: list[Visitor] = []
    wrong: list[str] = []

    def new_page(url: str, options: Mapping[str, Any]) -> Page:
        if visitors:
            return visitors[0].another()
        if not contexts and url == usual and not options:
            visitors.append(request.getfixturevalue("visitor"))
            return visitors[0].open(url)
        if not contexts:
            contexts.append(new_context(browser, **{"locale": "en-US", **options}))
        return contexts[0].new_page()

    def open_tab(url: str, *, path: str = "", **options: Any) -> Page:
        page = new_page(url, options)
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
    for visitor in visitors:
        visitor.forget()
    for context in contexts:
        context.close()
    assert wrong == []
