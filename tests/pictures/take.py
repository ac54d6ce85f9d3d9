"""Take pictures of the page from a scripted engine: python -m tests.pictures.take [FOLDER]

Into docs/pictures by default, and then only the README's picture; all scenes into any other folder.
"""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page

from chat.errors import EngineFailed
from chat.types import (
    LOCAL_USER,
    AnswerRecord,
    ChatOptions,
    EngineInfo,
    EngineState,
    Finish,
    Phase,
    Provenance,
    Question,
    Sampling,
    Stage,
    Status,
    Timing,
    Usage,
)
from tests.browser.chromium import chromium
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


@dataclass
class Actor(ScriptedEngine):
    """The scripted engine under the name of a model that people know."""

    @property
    def info(self) -> EngineInfo | None:
        info = super().info
        assert info is not None
        return replace(info, model="Qwen2.5-7B-Instruct", device="RTX 4090 D")


async def furnished() -> MemoryStore:
    """A store with a list of conversations, and one that can be read."""
    days = {"ago": 0}
    store = MemoryStore(clock=lambda: datetime.now(UTC) - timedelta(days=days["ago"]))
    for title, days["ago"] in reversed(OLDER):
        await _turn(store, None, title, "…", dropped=0)
    days["ago"] = 0
    await _turn(store, None, QUESTION, ANSWER, dropped=2)
    return store


def furnish() -> MemoryStore:
    """The same, from a thread of its own: Playwright has a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(furnished())).result()


async def _turn(
    store: MemoryStore, conversation_id: str | None, question: str, answer: str, dropped: int
) -> None:
    turn = await store.add_turn(
        LOCAL_USER,
        conversation_id=conversation_id,
        question=Question(question, question, title=question),
        options=ChatOptions(),
    )
    record = AnswerRecord(
        content=answer,
        status=Status.DONE,
        finish=Finish.STOP,
        usage=Usage(prompt_tokens=1180, completion_tokens=214),
        timing=Timing(ttft_s=0.41, decode_tokens_per_s=38.6, reused_prompt_tokens=1024),
        provenance=Provenance("", "", "", "", Sampling(), "", dropped_turns=dropped),
    )
    await store.finish_answer(LOCAL_USER, turn.answer.id, record)


def open_page(
    browser: Browser, url: str, *, width: int, dark: bool, language: str, path: str = ""
) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 900 if width > 500 else 844},
        locale=language,
        color_scheme="dark" if dark else "light",
        has_touch=width < 500,
    )
    page = context.new_page()
    page.goto(url + path)
    page.wait_for_selector("#tools [data-lang]")
    page.wait_for_timeout(600)
    return page


def ask(page: Page, question: str, wait_ms: int) -> None:
    page.locator("#message textarea").fill(question)
    page.locator("#message textarea").press("Enter")
    page.wait_for_timeout(wait_ms)


def conversation(browser: Browser, folder: Path, names: dict[str, tuple[int, bool, str]]) -> None:
    """A conversation whose newest answer is being written."""
    for name, (width, dark, language) in names.items():
        store = furnish()
        engine = Actor([Script(list(NEXT_ANSWER), 0.02, hangs=True)], context_length=8192)
        newest = list(store.kept)[-1]
        with serve(engine, store) as url:
            page = open_page(
                browser, url, width=width, dark=dark, language=language, path=f"#{newest}"
            )
            ask(page, NEXT, 3000)
            page.screenshot(path=folder / f"{name}.png")


def loading(shot: "Shot") -> None:
    state = EngineState(Phase.LOADING, Stage.DOWNLOAD, 0.42, 190)
    engine = Actor(current_state=state, ready=False)
    with serve(engine, furnish()) as url:
        page = shot.open(url)
        shot.take(page, "loading")
        ask(page, "Too early?", 500)
        shot.take(page, "refused")


def empty_and_failed(shot: "Shot") -> None:
    engine = Actor([Script(["Half an ans"], error=EngineFailed())], notes=("starter-model",))
    with serve(engine, furnish(), open_to_network=True) as url:
        page = shot.open(url)
        shot.take(page, "empty")
        ask(page, "Please fail", 1500)
        shot.take(page, "failed")
        page.click("[data-do=ask]")
        shot.take(page, "clear")
        page.click("[data-do=keep]")
        page.click("[data-do=settings]")
        shot.take(page, "settings")
        page.keyboard.press("Escape")
        if shot.width < 500:
            page.click("[data-do=drawer]")
            shot.take(page, "drawer")


def waiting(shot: "Shot") -> None:
    with serve(Actor([Script(hangs=True)]), MemoryStore(), max_running=1, max_waiting=4) as url:
        ask(shot.open(url), "First", 300)
        page = shot.open(url)
        ask(page, "Second", 1500)
        shot.take(page, "waiting")


@dataclass(frozen=True)
class Shot:
    """A way to look: width, theme, language; and where its pictures go."""

    browser: Browser
    folder: Path
    width: int
    dark: bool
    language: str

    def open(self, url: str) -> Page:
        return open_page(
            self.browser, url, width=self.width, dark=self.dark, language=self.language
        )

    def take(self, page: Page, name: str) -> None:
        page.wait_for_timeout(400)
        tag = f"{self.width}-{'dark' if self.dark else 'light'}"
        page.screenshot(path=self.folder / f"{name}-{tag}.png")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        conversation(browser, folder, {"page": (1440, False, "zh-CN")})
        if folder == DOCS:
            return
        more = {
            "page-1440-dark": (1440, True, "en-US"),
            "page-390-light": (390, False, "zh-CN"),
            "page-390-dark": (390, True, "en-US"),
        }
        conversation(browser, folder, more)
        for look in ((1440, False, "zh-CN"), (390, True, "en-US")):
            shot = Shot(browser, folder, *look)
            loading(shot)
            empty_and_failed(shot)
            waiting(shot)


if __name__ == "__main__":
    main()
