"""Take pictures of the page from a scripted engine: python -m tests.pictures.take [FOLDER]

Into docs/pictures by default, and then only what the README shows; else all scenes.
"""

import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, FilePayload, Page

from chat.accounts.models import LOCAL_USER
from chat.conversations.models import AnswerRecord, Message, Question
from chat.conversations.presets import Presets
from chat.models import (
    ChatOptions,
    Finish,
    PresetRef,
    Provenance,
    Sampling,
    Status,
    Timing,
    Usage,
)
from chat.serving.errors import EngineFailed
from chat.serving.models import EngineInfo, EngineState, LoadStage, Phase
from tests.browser.chromium import chromium
from tests.browser.coroutines import run_coroutine
from tests.browser.site import serve
from tests.fakes import Script, ScriptedEngine
from tests.memory_store import MemoryStore

DOCS = Path(__file__).parents[2] / "docs" / "pictures"

QUESTION = "求函数 f(x) = x³ − 3x² + 2 的极值点，并用 Python 验证。"
ANSWER = """先求导并令其为零：

$$f'(x) = 3x^2 - 6x = 3x(x - 2) = 0 \\;\\Rightarrow\\; x = 0 \\text{ 或 } x = 2$$

再看二阶导数 \\(f''(x) = 6x - 6\\) 的符号：

| x | f″(x) | 结论 | f(x) |
|---|---|---|---|
| 0 | −6 < 0 | 极大值点 | 2 |
| 2 | 6 > 0 | 极小值点 | −2 |

```python
from sympy import symbols, diff, solve
x = symbols("x")
f = x**3 - 3*x**2 + 2
for p in solve(diff(f, x), x):
    print(p, f.subs(x, p), diff(f, x, 2).subs(x, p))
```
"""
FIRST_TRY = "f'(x) = 3x² − 6x，所以 x = 0 和 x = 2。"
TITLE = "极值点与验证"
NEXT = "那拐点呢？"
NEXT_ANSWER = (
    "令二阶导数为零：\\(6x - 6 = 0\\)，得 \\(x = 1\\)。二阶导数在 \\(x = 1\\) 两侧变号，因此"
)

OLDER = (
    ("客服话术：退货政策", 0),
    ("异步 HTTP 服务器 + requirements", 0),
    ("合同要点摘要", 3),
    ("Translate the release notes", 4),
    ("销售表：按季度汇总", 6),
    ("Role play: interview coach", 40),
)


HEIGHTS = {1440: 900, 1200: 750, 390: 844}
"""The height of a window, by its width."""


@dataclass
class Actor(ScriptedEngine):
    """The scripted engine under the name of a well-known model."""

    @property
    def info(self) -> EngineInfo | None:
        info = super().info
        assert info is not None
        return replace(info, model="Qwen2.5-7B-Instruct", device="RTX 4090 D")


async def furnished() -> MemoryStore:
    """A store with presets and conversations, the newest with a preset and two answers."""
    days = {"ago": 0}
    store = MemoryStore(clock=lambda: datetime.now(UTC) - timedelta(days=days["ago"]))
    await Presets(store).ship()
    maths = Presets.options_of(await store.preset(LOCAL_USER, "maths.zh"))
    for title, days["ago"] in reversed(OLDER):
        await _finish(store, await _turn(store, title, ChatOptions()), "…")
    days["ago"] = 0
    answer = await _turn(store, QUESTION, maths)
    await _finish(store, answer, FIRST_TRY)
    again = await store.add_answer(
        LOCAL_USER, conversation_id=answer.conversation_id, sibling_id=answer.id
    )
    await _finish(store, again, ANSWER)
    await store.rename(LOCAL_USER, answer.conversation_id, title=TITLE, seen=QUESTION)
    return store


def furnish() -> MemoryStore:
    """The same, called from the thread in which Playwright's event loop runs."""
    return run_coroutine(furnished())


async def _turn(store: MemoryStore, question: str, options: ChatOptions) -> Message:
    turn = await store.add_turn(
        LOCAL_USER,
        conversation_id=None,
        question=Question(question, question, title=question),
        options=options,
    )
    return turn.answer


async def _finish(store: MemoryStore, answer: Message, text: str) -> None:
    model = Provenance(
        model="Qwen2.5-7B-Instruct",
        revision="a09a354",
        quantization="none",
        engine="transformers",
        sampling=Sampling(0.7, 0.8, 20, 1.05, 2048, 20260),
        prompt_sha256="",
        preset=PresetRef("maths.zh", 1),
    )
    record = AnswerRecord(
        content=text,
        status=Status.DONE,
        finish=Finish.STOP,
        usage=Usage(prompt_tokens=1180, completion_tokens=214),
        timing=Timing(0.02, 0.39, 0.41, 5.9, 38.6, reused_prompt_tokens=1024),
        provenance=model,
    )
    await store.finish_answer(LOCAL_USER, answer.id, record)


@dataclass(frozen=True)
class Shot:
    """Width, theme and language of pictures, and their folder."""

    browser: Browser
    folder: Path
    width: int
    dark: bool
    language: str

    def open(self, url: str, path: str = "") -> Page:
        context = self.browser.new_context(
            viewport={"width": self.width, "height": HEIGHTS[self.width]},
            locale=self.language,
            color_scheme="dark" if self.dark else "light",
            has_touch=self.width < 500,
        )
        page = context.new_page()
        page.goto(url + path)
        page.wait_for_selector("#gauge .gauge:not([data-asked=''])")
        page.wait_for_timeout(600)
        return page

    def take(self, page: Page, name: str) -> None:
        page.wait_for_timeout(600)
        tag = f"-{self.width}-{'dark' if self.dark else 'light'}"
        if self.folder == DOCS:
            tag = ""
        page.screenshot(path=self.folder / f"{name}{tag}.png")


def ask(page: Page, question: str, wait_ms: int) -> None:
    page.locator("#message textarea").fill(question)
    page.locator("#message textarea").press("Enter")
    page.wait_for_timeout(wait_ms)


def conversation(shot: Shot, name: str) -> None:
    """A conversation whose newest answer is being written."""
    store = furnish()
    engine = Actor([Script(list(NEXT_ANSWER), 0.02, hangs=True)], context_length=8192)
    newest = next(item.id for item in store.stored.values() if item.title == TITLE)
    with serve(engine, store) as url:
        page = shot.open(url, f"#{newest}")
        ask(page, NEXT, 3000)
        shot.take(page, name)


def at_hand(shot: Shot) -> None:
    """Search, presets and the details of an answer."""
    store = furnish()
    newest = next(item.id for item in store.stored.values() if item.title == TITLE)
    with serve(Actor(context_length=8192), store) as url:
        page = shot.open(url, f"#{newest}")
        page.click("button.figures")
        shot.take(page, "details")
        page.keyboard.press("Escape")
        if shot.width < 500:
            page.click("[data-do=drawer]")
        page.fill("#search input", "函数")
        page.wait_for_selector("#conversation-list mark")
        shot.take(page, "search")
        if shot.width < 500:
            page.keyboard.press("Escape")
            page.keyboard.press("Escape")
        page = shot.open(url)
        page.click("#chips [data-do=presets]")
        page.wait_for_selector("#presets .card")
        shot.take(page, "presets")


def loading(shot: Shot) -> None:
    state = EngineState(Phase.LOADING, LoadStage.DOWNLOAD, 0.42, 190)
    with serve(Actor(current_state=state, ready=False), furnish()) as url:
        page = shot.open(url)
        shot.take(page, "loading")
        ask(page, "Too early?", 500)
        shot.take(page, "refused")
    with serve(Actor(current_state=EngineState(Phase.DEAD), ready=False), furnish()) as url:
        shot.take(shot.open(url), "dead")


def empty_and_failed(shot: Shot) -> None:
    engine = Actor([Script(["Half an ans"], error=EngineFailed())], notes=("starter-model",))
    with serve(engine, furnish(), open_to_network=True) as url:
        page = shot.open(url)
        shot.take(page, "empty")
        ask(page, "Please fail", 1500)
        shot.take(page, "failed")
        page.click("#tools [data-do=settings]")
        shot.take(page, "settings")
        page.keyboard.press("Escape")
        if shot.width < 500:
            page.click("[data-do=drawer]")
            shot.take(page, "drawer")


def composer(shot: Shot) -> None:
    """Attached files that exceed the context."""
    with serve(Actor(context_length=3000), furnish()) as url:
        page = shot.open(url)
        page.set_input_files("#attach", files=[_file("sales.csv", 200), _file("notes.md", 90)])
        page.locator("#message textarea").fill("What do these say? " * 9)
        page.wait_for_timeout(1500)
        shot.take(page, "composer")
        page.set_input_files("#attach", files=[_file("too-long.txt", 900)])
        page.wait_for_timeout(1500)
        shot.take(page, "too-long")


def _file(name: str, lines: int) -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": b"1,2,3,4\n" * lines}


def waiting(shot: Shot) -> None:
    with serve(Actor([Script(hangs=True)]), MemoryStore(), max_running=1, max_waiting=4) as url:
        ask(shot.open(url), "First", 300)
        page = shot.open(url)
        ask(page, "Second", 1500)
        shot.take(page, "waiting")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        light = Shot(browser, folder, 1440, False, "zh-CN")
        phone = Shot(browser, folder, 390, True, "en-US")
        if folder == DOCS:
            conversation(light, "page")
            conversation(replace(light, dark=True, language="en-US"), "page-dark")
            conversation(replace(phone, dark=False, language="zh-CN"), "phone")
            at_hand(replace(light, width=1200, language="en-US"))
            return
        for shot in (light, phone):
            conversation(shot, "page")
            for scene in (at_hand, loading, empty_and_failed, composer, waiting):
                scene(shot)


if __name__ == "__main__":
    main()
