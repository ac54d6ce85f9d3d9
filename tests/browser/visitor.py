"""One browser context that tests use one after the other, each as if it were new."""

from playwright.sync_api import Browser, Page

from tests.browser.chromium import allow_clipboard, new_context

FORGET = """async () => {
    localStorage.clear();
    sessionStorage.clear();
    for (const { name } of await indexedDB.databases()) indexedDB.deleteDatabase(name);
    for (const name of await caches.keys()) await caches.delete(name);
    const workers = await navigator.serviceWorker.getRegistrations();
    for (const worker of workers) await worker.unregister();
}"""


class Visitor:
    """Opens tabs that share one process: it compiles the page's scripts for the first of them only.

    They share it because a permanent tab opens them. Each is a new one, so changes to a tab
    (listeners, routes, clocks, sizes) end with it; `forget` clears the state that all tabs share.
    """

    def __init__(self, browser: Browser) -> None:
        self._context = new_context(browser, locale="en-US")
        self._opener = self._context.new_page()

    def open(self, url: str) -> Page:
        """An empty tab for the site, which must have the same address every time."""
        if not self._opener.url.startswith(url):
            self._opener.goto(f"{url}/healthz")
        with self._opener.expect_popup() as opened:
            self._opener.evaluate("() => { window.open('about:blank'); }")
        return opened.value

    def another(self) -> Page:
        """A tab with a process of its own."""
        return self._context.new_page()

    def forget(self) -> None:
        """Close the tabs and delete their data in the browser."""
        for page in self._context.pages:
            if page is not self._opener:
                page.close()
        self._context.clear_cookies()
        self._context.clear_permissions()
        allow_clipboard(self._context)
        self._opener.evaluate(FORGET)
