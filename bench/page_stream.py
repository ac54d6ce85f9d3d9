"""How busy a phone is while an answer is written: Chromium at 390 pixels, six times slower.

The answer is Markdown with code, tables and formulas, 100 letters a second. Times are processor
times of the page's main thread, so that other work on the machine counts less.
"""

import statistics
import time
from dataclasses import dataclass

from playwright.sync_api import CDPSession, Page

from bench.measurements import Measurement
from tests.browser.chromium import chromium
from tests.browser.site import serve
from tests.fakes import Script, ScriptedEngine
from tests.memory_store import MemoryStore

SLOWDOWN = 6
LETTERS = 5
STEP_S = 0.05
"""100 letters a second."""

WATCHED_S = 12.0
AHEAD_S = 4.0
"""Between the letters that come at once and those that are measured."""

LENGTHS = (500, 4_000, 20_000)
TOTALS = {"RecalcStyleDuration": "style", "LayoutDuration": "layout", "ScriptDuration": "script"}

PROSE = (
    "The derivative tells how fast a function changes, and **where it is zero** the function may "
    "have an extreme value; see `f.diff(x)` below.\n\n"
)
FORMULA = "\\[ f'(x) = 3x^2 - 6x = 3x(x - 2) \\]\n\nso \\(x = 0\\) or \\(x = 2\\).\n\n"
CODE = (
    "```python\ndef derivative(terms: dict[int, float]) -> dict[int, float]:\n"
    '    """Of a polynomial, by power."""\n'
    "    return {power - 1: power * factor for power, factor in terms.items() if power}\n```\n\n"
)
TABLE = "| x | f(x) | f'(x) |\n|---|---|---|\n| 0 | 4 | 0 |\n| 1 | 2 | -3 |\n| 2 | 0 | 0 |\n\n"
LIST = "- first the *zeros*\n- then the signs\n- then the answer\n\n"
PARAGRAPHS = PROSE + FORMULA + CODE + TABLE + LIST

LONG_TASKS = """() => {
    window.longTasks = [];
    new PerformanceObserver((list) => {
        for (const task of list.getEntries()) window.longTasks.push(task.duration);
    }).observe({ entryTypes: ["longtask"] });
}"""


@dataclass(frozen=True, slots=True)
class Watched:
    """What the main thread did, in seconds of processor time; tasks of 50 ms and more in ms."""

    seconds: float
    busy_s: float
    parts_s: dict[str, float]
    tasks_ms: list[float]


def measure() -> list[Measurement]:
    """The figures at each length."""
    figures = []
    for length in LENGTHS:
        seen = watch(length)
        name = f"phone, answer of {length} letters"
        figures += [
            Measurement(f"{name}: busy", 100 * seen.busy_s / seen.seconds, "%", "most", 20.0),
            Measurement(
                f"{name}: longest task", max(seen.tasks_ms, default=0), "ms", "most", 100.0
            ),
            Measurement(f"{name}: tasks over 50 ms", len(seen.tasks_ms) / seen.seconds, "tasks/s"),
            Measurement(f"{name}: of these, 50 %", statistics.median(seen.tasks_ms or [0.0]), "ms"),
            *(
                Measurement(f"{name}: {part}", 100 * spent / seen.seconds, "%")
                for part, spent in seen.parts_s.items()
            ),
        ]
    return figures


def watch(length: int) -> Watched:
    """An answer that has `length` letters in the middle of the seconds that are watched."""
    at_once = max(0, length - round((AHEAD_S + WATCHED_S / 2) * LETTERS / STEP_S))
    text = PARAGRAPHS * (2 * length // len(PARAGRAPHS) + 10)
    rest = text[at_once:]
    slowly = [rest[place : place + LETTERS] for place in range(0, len(rest), LETTERS)]
    script = Script([text[:at_once], *slowly] if at_once else slowly, step_s=STEP_S)
    engine = ScriptedEngine([script], context_length=10_000_000)
    with serve(engine, MemoryStore()) as url, chromium() as browser:
        context = browser.new_context(
            viewport={"width": 390, "height": 844},
            device_scale_factor=3,
            is_mobile=True,
            has_touch=True,
            locale="en-US",
        )
        page = context.new_page()
        page.goto(url)
        page.get_by_role("textbox", name="Message", exact=True).fill("Go on")
        page.locator("#send").tap()
        page.locator("#newest .md").last.wait_for()
        page.wait_for_timeout(AHEAD_S * 1000)
        return watch_page(page, context.new_cdp_session(page))


def watch_page(page: Page, devtools: CDPSession) -> Watched:
    """What a slow phone does in the next seconds."""
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.evaluate(LONG_TASKS)
    before, started = metrics_of(devtools), time.perf_counter()
    page.wait_for_timeout(WATCHED_S * 1000)
    after, ended = metrics_of(devtools), time.perf_counter()
    tasks: list[float] = page.evaluate("window.longTasks")
    parts = {name: after[key] - before[key] for key, name in TOTALS.items()}
    busy = after["TaskDuration"] - before["TaskDuration"]
    return Watched(ended - started, busy, parts, tasks)


def metrics_of(devtools: CDPSession) -> dict[str, float]:
    found = devtools.send("Performance.getMetrics")["metrics"]
    return {item["name"]: item["value"] for item in found}
