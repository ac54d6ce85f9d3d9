"""Previews of HTML, SVG and diagrams: drawn, apart from the page, and without network."""

import socket
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.browser.chromium import new_context
from tests.browser.conftest import Site
from tests.browser.steps import answer, ask_and_wait
from tests.fakes import Script, ScriptedEngine

pytestmark = pytest.mark.browser

HOSTILE = """<h1>Clock</h1>
<img src="ELSEWHERE"><link rel="stylesheet" href="ELSEWHERE">
<form id="f" action="ELSEWHERE"></form>
<script>
const got = [];
const attempt = (name, act) => { try { act(); got.push(name); } catch {} };
attempt("page", () => parent.document.body);
attempt("storage", () => localStorage.length);
attempt("cookie", () => document.cookie);
attempt("top", () => { top.location = "ELSEWHERE"; });
fetch("ELSEWHERE").catch(() => 0);
f.submit();
document.querySelector("h1").textContent = "Clock runs, reached: " + got.join();
setTimeout(() => { location = "ELSEWHERE"; }, 300);
</script>"""
SVG = '<svg viewBox="0 0 10 10" width="100"><circle cx="5" cy="5" r="4"/></svg>'
DIAGRAM = "graph TD; A[Question] --> B[回答]"
BLOCKS = {"html": HOSTILE, "xml": SVG, "mermaid": DIAGRAM, "python": "print(1)"}
BROKEN = "```mermaid\ngraph TD; A[[[\n```"


@pytest.fixture
def elsewhere() -> Iterator[socket.socket]:
    """A server that nothing may connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture
def page(browser: Browser, site: Site, elsewhere: socket.socket) -> Iterator[Page]:
    text = "\n\n".join(f"```{name}\n{code}\n```" for name, code in BLOCKS.items())
    text = text.replace("ELSEWHERE", f"http://127.0.0.1:{elsewhere.getsockname()[1]}/")
    url = site(ScriptedEngine([Script([text]), Script([BROKEN])]))
    context = new_context(browser, locale="en-US")
    page = context.new_page()
    page.goto(url)
    yield page
    context.close()


def preview(page: Page, place: int) -> FrameLocator:
    page.locator("#transcript .preview-code").nth(place).click()
    expect(page.get_by_role("dialog")).to_contain_text("loads nothing from the network")
    return page.frame_locator("#preview iframe")


def close(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.locator("#preview iframe")).to_have_count(0)


def test_code_that_draws_is_previewed_apart_from_the_page_and_the_network(
    page: Page, elsewhere: socket.socket
) -> None:
    here = page.url
    ask_and_wait(page, "Draw")
    expect(answer(page).locator(".preview-code")).to_have_count(3)

    expect(preview(page, 0).locator("h1")).to_have_text("Clock runs, reached: ")
    page.wait_for_timeout(600)  # time for what it tries later
    assert page.url.startswith(here)
    with pytest.raises(BlockingIOError):
        elsewhere.accept()
    close(page)

    expect(preview(page, 1).locator("circle")).to_be_visible()
    close(page)
    expect(preview(page, 2).locator("svg")).to_contain_text("回答")
    close(page)

    ask_and_wait(page, "Draw something broken")
    expect(preview(page, 3).locator("body")).to_contain_text("This diagram cannot be drawn")
