"""Chromium for the tests: Debian's, without background requests to its vendor."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

WITHOUT_WINDOWS = Path("/usr/bin/chromium-headless-shell")
"""The same browser without its own windows: less work for each test."""

EXECUTABLE = WITHOUT_WINDOWS if WITHOUT_WINDOWS.exists() else Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with a profile of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


INERT_WHILE_LOADING = """
if (location.protocol.startsWith("http")) {
    new MutationObserver((_, observer) => {
        const root = document.documentElement;
        if (!root || document.readyState !== "loading") return;
        observer.disconnect();
        root.inert = true;
        document.addEventListener("DOMContentLoaded", () => { root.inert = false; });
    }).observe(document, { childList: true });
}
"""
"""A script that delays clicks until the page's scripts run: tests on a busy machine were faster."""


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A browser context, whose clicks wait until a page has its scripts."""
    context = browser.new_context(**options)
    allow_clipboard(context)
    context.add_init_script(INERT_WHILE_LOADING)
    return context


def allow_clipboard(context: BrowserContext) -> None:
    """A browser without windows cannot ask, and refuses what a click may do elsewhere."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
