"""Texts of models and users are displayed, never run, and load nothing."""

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from chat.accounts.models import LOCAL_USER
from chat.conversations.models import Question
from chat.conversations.validation import title_of
from chat.models import ChatOptions, Sampling
from chat.serving.models import Delta, PreparedPrompt
from chat.tools import NO_EXTRAS, Extras
from formats.html import POLICY
from tests.browser.conftest import Open, Site
from tests.browser.coroutines import run_coroutine
from tests.browser.payloads import OUT, PAYLOADS
from tests.browser.site import serve
from tests.browser.steps import answer, ask_and_wait, listed
from tests.fakes import Script, ScriptedEngine
from tests.memory_store import MemoryStore

pytestmark = pytest.mark.browser

GROUPS = [PAYLOADS[first : first + 12] for first in range(0, len(PAYLOADS), 12)]
"""Payloads that share an answer: one for each would load the page as many times.

`tests/unit/formats/test_answers.py` renders each by itself, in every place.
"""

FORBIDDEN = "script, iframe, form, object, embed, style, link, base, meta, img, video, audio"


class Echo(ScriptedEngine):
    """A model with scripted text."""

    async def generate(
        self,
        prompt: PreparedPrompt,
        sampling: Sampling,
        *,
        salt: str = "",
        extras: Extras = NO_EXTRAS,
    ) -> AsyncGenerator[Delta, None]:
        self.scripts = [Script([prompt.messages[-1].content, "\n\nthe end"])]
        async for delta in super().generate(prompt, sampling, salt=salt, extras=extras):
            yield delta


@pytest.fixture(scope="module")
def echo(browser: Browser) -> Iterator[str]:
    """One site for all payloads; each is a conversation of its own.

    After the browser, whose loop Gradio then finds instead of making some that nobody closes.
    """
    with serve(Echo(), MemoryStore()) as address:
        yield address


def click_all_that_leads_nowhere_else(page: Page) -> None:
    """But for previews, which run code where it can do no harm (test_previews.py)."""
    buttons = ":is(a, button:not(.preview-code), [data-do])"
    for target in page.locator(f":is(.md, article) {buttons}").all():
        if not str(target.get_attribute("href")).startswith("http"):
            target.dispatch_event("click")


def expect_nothing_to_have_run(page: Page, where: str) -> None:
    click_all_that_leads_nowhere_else(page)
    page.wait_for_timeout(150)
    assert page.evaluate("window.ran") is None
    assert page.locator(f"{where} :is({FORBIDDEN})").count() == 0


@pytest.mark.parametrize("payloads", GROUPS, ids=lambda payloads: payloads[0])
def test_nothing_in_an_answer_a_question_or_an_export_runs_or_loads_anything(
    echo: str, tab: Open, tmp_path: Path, payloads: tuple[str, ...]
) -> None:
    page = tab(echo)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    ask_and_wait(page, "\n\n".join(payloads))
    expect(answer(page)).to_contain_text("the end")
    expect_nothing_to_have_run(page, ".md")
    page.reload()
    expect(answer(page)).to_contain_text("the end")
    expect_nothing_to_have_run(page, ".md")
    exported = page.request.get(f"{echo}/api/conversations/{opened(page)}/export?format=html")
    expect_file_to_be_dead(page.context, tmp_path / "chat.html", exported.text())


def test_nothing_in_a_title_runs_or_loads_anything(site: Site, tab: Open) -> None:
    store = MemoryStore()
    run_coroutine(begin_conversations(store, PAYLOADS))
    page = tab(site(ScriptedEngine(), store))
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    while (more := page.get_by_role("button", name="Show more")).is_visible():
        before = listed(page).count()
        more.click()
        expect(listed(page).nth(before)).to_be_attached()
    expect(listed(page)).to_have_count(len(PAYLOADS))
    for payload, title in zip(reversed(PAYLOADS), listed(page).all(), strict=True):
        expect(title).to_contain_text(payload.split(maxsplit=1)[0][:20])
        assert title.locator(FORBIDDEN).count() == 0
    assert page.evaluate("window.ran") is None


async def begin_conversations(store: MemoryStore, questions: Sequence[str]) -> None:
    for text in questions:
        question = Question(text, request_id=uuid4().hex, title=title_of(text))
        await store.add_turn(
            LOCAL_USER, conversation_id=None, question=question, options=ChatOptions()
        )


def opened(page: Page) -> str:
    """The id of the conversation in the page's address."""
    return page.url.rpartition("#")[2]


def expect_file_to_be_dead(context: BrowserContext, file: Path, exported: str) -> None:
    """Without the policy that stands in it: what is written there must be harmless by itself."""
    policy, without = f'content="{POLICY}"', 'content=""'
    assert policy in exported
    file.write_text(exported.replace(policy, without), encoding="utf-8")
    page = context.new_page()
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    expect(page.get_by_text("the end").last).to_be_visible()
    expect_nothing_to_have_run(page, "body")
    assert asked == [file.as_uri()]


def test_an_image_from_elsewhere_is_a_link_and_nothing_is_asked_for(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine([Script([f"![a chart]({OUT})"])])))
    ask_and_wait(page, "Hi")
    expect(answer(page).get_by_role("link", name="a chart")).to_have_attribute("href", OUT)


def test_a_question_with_markup_is_displayed_character_by_character(site: Site, tab: Open) -> None:
    written = "**stars** <b>tags</b> `ticks` {{braces}} ${dollars} \\(x\\)"
    page = tab(site(ScriptedEngine()))
    ask_and_wait(page, written)
    question_text = page.locator("#transcript .user-row .words")
    assert json.loads(question_text.evaluate("e => JSON.stringify(e.textContent)")) == written
