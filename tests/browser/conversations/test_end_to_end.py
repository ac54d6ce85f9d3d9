"""The whole app on real weights, from a user's view: two turns, stop, restart."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open
from tests.browser.steps import answer, ask, button, listed

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
START_S = 240
ANSWER_MS = 180_000
ANSWERS = "#transcript .bot-row"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running_app(home: Path, model: Path) -> Iterator[str]:
    """`python app.py` as a child; its address once the model answers. Stopped by SIGTERM."""
    port = free_port()
    settings = {
        "QWEN_CHAT_MODEL": str(model),
        "QWEN_CHAT_PORT": str(port),
        "QWEN_CHAT_DATA_DIR": str(home / "data"),
        "QWEN_CHAT_LOG_FILE": str(home / "server.log"),
        "QWEN_CHAT_SHUTDOWN_GRACE_S": "1",
        "QWEN_CHAT_MAX_NEW_TOKENS": "40",
    }
    with subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=os.environ | settings
    ) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_ready(process, f"{address}/readyz")
            yield address
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the app ended"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.3)
    pytest.fail("the model was not ready in time")


def words_of(row: Locator) -> str:
    """What the model wrote, without what stands below it."""
    return row.locator(".message-content .md, .md").first.inner_text()


def wait_for_end(page: Page) -> None:
    expect(button(page, "Send")).to_be_visible(timeout=ANSWER_MS)


def test_a_first_visit_with_two_turns_stop_and_a_restart(
    starter_model: Path, tmp_path: Path, tab: Open
) -> None:
    with running_app(tmp_path, starter_model) as address:
        page = tab(address)
        ask(page, "法国的首都是哪里？请用一句话回答。")
        expect(answer(page)).to_contain_text(re.compile(r"\d tokens/s"), timeout=ANSWER_MS)
        wait_for_end(page)
        first = words_of(answer(page))
        assert first

        ask(page, "那座城市在哪条河边？请用一句话回答。")
        expect(page.locator(ANSWERS)).to_have_count(2)
        wait_for_end(page)
        # The second prompt holds the first turn, whose tokens are not read again.
        expect(answer(page)).to_contain_text(re.compile(r"reused \d"))

        ask(page, "请总结：" + "这是一段很长的文字。" * 100)  # which takes some time to read
        expect(page.locator(ANSWERS)).to_have_count(3)
        button(page, "Stop").click()
        wait_for_end(page)
        expect(answer(page)).to_contain_text("Stopped")
        page.close()

    log = (tmp_path / "server.log").read_text(encoding="utf-8")
    assert "finish=stopped" in log
    assert "法国" not in log

    with running_app(tmp_path, starter_model) as address:
        page = tab(address)
        listed(page).first.click()
        expect(page.locator(ANSWERS)).to_have_count(3)
        assert words_of(page.locator(ANSWERS).first) == first
        expect(answer(page)).to_contain_text("Stopped")
        page.close()
