"""The page's speed with a long conversation: 200 turns of 2,000 characters, in Chromium.

The scripted engine takes no time, so page and server alone are measured. Needs
tests/requirements.txt.
"""

import asyncio
import statistics
import time
from datetime import UTC, datetime

from playwright.sync_api import Page

from bench.measurements import Measurement
from chat.accounts.models import LOCAL_USER
from chat.conversations.models import Archive, Conversation, Message
from chat.models import ChatOptions, Role, Status
from tests.browser.chromium import chromium
from tests.browser.site import serve
from tests.fakes import Script, ScriptedEngine
from tests.memory_store import MemoryStore
from ui.handlers.pace import UPDATE_S

TURNS = 200
CHARACTERS = 2000
RUNS = 5
WATCHED_MS = 10_000
STEP_S = 0.05
TITLE = "A long conversation"

PARAGRAPH = "Some **words** with `code` among them, and then more of what answers are made of. " * 4
FORMULA = "\\[ f'(x) = 3x^2 - 6x = 3x(x - 2) \\]"
CODE = "```python\nfor number in range(10):\n    print(number ** 2)\n```"

OPEN = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const there = () => document.querySelectorAll("#newest .md").length
        && document.querySelector("#newest .words")?.textContent.startsWith("Question 199");
    const started = performance.now();
    document.querySelector('#conversation-list a').click();
    while (!there()) await frame();
    await frame(); await frame();
    return performance.now() - started;
}"""
"""Milliseconds from a click on the list until the newest turn is painted."""

DRAW_ALL = """async turns => {
    const frame = () => new Promise(requestAnimationFrame);
    const started = performance.now();
    while (document.querySelectorAll("#transcript .words").length < turns) {
        document.querySelector("[data-do=earlier]:not(:disabled)")?.click();
        await frame();
    }
    return performance.now() - started;
}"""
"""Milliseconds until all turns are drawn, asked for again and again."""

SCROLL = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const at = document.querySelector("#transcript"), times = [];
    let before;
    do {
        at.scrollTo(0, 1000);
        before = await frame();
    } while (at.scrollTop > 1000); // until what was drawn last has settled
    while (at.scrollTop + at.clientHeight < at.scrollHeight - 5 && times.length < 600) {
        at.scrollBy(0, 120);
        const now = await frame();
        times.push(now - before);
        before = now;
    }
    return times;
}"""
"""Milliseconds of each frame while all turns are scrolled through."""


def measure() -> list[Measurement]:
    """The page's measurements."""
    store = MemoryStore()
    asyncio.run(store.add_archives(LOCAL_USER, [long_conversation()]))
    pieces = ["word "] * int(2 * WATCHED_MS / 1000 / STEP_S)
    engine = ScriptedEngine([Script(pieces, step_s=STEP_S)], context_length=10_000_000)
    with serve(engine, store) as url, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
        page.goto(url)
        return [
            Measurement(
                "conversation of 200 turns, click to paint", opening(page), "ms", "most", 1000
            ),
            Measurement("the same by its address, page and all", loading(page, url), "ms"),
            Measurement("all 200 turns drawn after", drawing_all(page), "ms"),
            Measurement("frame while scrolling through them, 95 %", scrolling(page), "ms"),
            Measurement("server time of one streamed update", streaming(page), "ms", "most", 10),
        ]


def long_conversation() -> Archive:
    now, name = datetime.now(UTC), "long"
    answer = "\n\n".join([PARAGRAPH, FORMULA, CODE, "- one\n- two\n- three", PARAGRAPH])
    messages = [
        Message(
            id=f"{place}",
            conversation_id=name,
            parent_id=f"{place - 1}" if place else None,
            role=(Role.USER, Role.ASSISTANT)[place % 2],
            content=_padded(answer if place % 2 else f"Question {place // 2}"),
            status=Status.DONE,
            created_at=now,
        )
        for place in range(2 * TURNS)
    ]
    conversation = Conversation(name, LOCAL_USER, TITLE, ChatOptions(), messages[-1].id, now, now)
    return Archive(conversation, tuple(messages))


def _padded(words: str) -> str:
    """Pad or cut to half of CHARACTERS, because a turn has two messages."""
    half = CHARACTERS // 2
    return (words + "\n\n" + PARAGRAPH * 5)[:half]


def opening(page: Page) -> float:
    """Milliseconds until a click on the list shows the conversation, the median of several."""
    times = []
    for _ in range(RUNS):
        page.get_by_role("button", name="New chat", exact=True).click()
        page.locator(".welcome").wait_for()
        times.append(float(page.evaluate(OPEN)))
    return statistics.median(times)


def loading(page: Page, url: str) -> float:
    """Milliseconds until a reload shows the conversation, Gradio's own start included."""
    address, times = page.url, []
    for _ in range(RUNS):
        page.goto("about:blank")
        started = time.perf_counter()
        page.goto(address)
        page.locator("#newest .md").last.wait_for()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def drawing_all(page: Page) -> float:
    """Milliseconds until all turns are on the page."""
    return float(page.evaluate(DRAW_ALL, TURNS))


def scrolling(page: Page) -> float:
    """Milliseconds of a frame; one in twenty is longer."""
    times: list[float] = page.evaluate(SCROLL)
    return statistics.quantiles(times, n=20)[-1]


def streaming(page: Page) -> float:
    """Milliseconds of processor time that one update of an answer costs, with all turns drawn."""
    idle = _busy_ms(page)
    page.get_by_role("textbox", name="Message", exact=True).fill("Go on")
    page.keyboard.press("Enter")
    page.locator("#newest .md", has_text="word").wait_for()
    busy = _busy_ms(page)
    return (busy - idle) / (WATCHED_MS / 1000 / UPDATE_S)


def _busy_ms(page: Page) -> float:
    """Processor time of this process, which is the server, while the page is idle."""
    started = time.process_time()
    page.wait_for_timeout(WATCHED_MS)
    return (time.process_time() - started) * 1000
