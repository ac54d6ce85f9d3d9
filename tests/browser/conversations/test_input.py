"""A refused question: the error is displayed in place, and the text stays in the box."""

import asyncio
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chat.conversations.models import Turn
from chat.errors import StoreFailed
from tests.browser.conftest import Open, Site
from tests.browser.steps import answer, ask, ask_and_wait, box, button, under
from tests.fakes import Script, ScriptedEngine
from tests.memory_store import MemoryStore

pytestmark = pytest.mark.browser

FILL = """text => {
    const box = document.querySelector("#message textarea");
    box.value = text;
    box.dispatchEvent(new Event("input", {bubbles: true}));
}"""


def send_as_is(page: Page, expression: str) -> None:
    """Fill the box with what a JavaScript expression gives, and send it."""
    page.evaluate(f"({FILL})({expression})")
    button(page, "Send").click()


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("''", "Write something first."),
        ("' \\n\\t\\u3000 '", "Write something first."),
        ("'a'.repeat(1024 * 1024)", "The text has 1048576 characters"),
        ("'长'.repeat(2 * 1024 * 1024)", "This text is too large to be sent"),
        ("'nul \\u0000 inside'", "characters that cannot be stored"),
        ("'half \\ud800 a pair'", "characters that cannot be stored"),
    ],
    ids=["empty", "spaces", "a megabyte", "six megabytes", "NUL", "lone surrogate"],
)
def test_bad_input_is_reported_in_place_and_stays_in_the_box(
    site: Site, tab: Open, expression: str, sentence: str
) -> None:
    store = MemoryStore()
    page = tab(site(ScriptedEngine(), store))
    send_as_is(page, expression)
    expect(page.get_by_role("alert")).to_contain_text(sentence)
    assert page.evaluate(f"document.querySelector('#message textarea').value === ({expression})")
    assert store.stored == {}
    ask_and_wait(page, "Now a good one")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_refusal_stays_to_be_read_in_a_conversation_too(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    ask_and_wait(page, "A good one")
    ask(page, "   ")
    expect(page.get_by_role("alert")).to_contain_text("Write something first.")
    page.wait_for_timeout(1500)
    expect(page.get_by_role("alert")).to_contain_text("Write something first.")


def test_a_draft_outlives_a_reload_and_is_gone_once_it_was_sent(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    box(page).press_sequentially("Half a thought")
    page.reload()
    expect(box(page)).to_have_value("Half a thought")
    box(page).press("Enter")
    expect(answer(page)).to_contain_text("Hello")
    expect(box(page)).to_have_value("")
    page.reload()
    expect(answer(page)).to_contain_text("Hello")
    expect(box(page)).to_have_value("")


class SlowStore(MemoryStore):
    """Takes its time to write a question down. `fails`: and then it cannot."""

    fails = False

    async def add_turn(self, user_id: str, **asked: Any) -> Turn:
        await asyncio.sleep(2)
        if self.fails:
            raise StoreFailed
        return await super().add_turn(user_id, **asked)


def test_a_question_stands_in_its_place_until_the_server_draws_or_refuses_it(
    site: Site, tab: Open
) -> None:
    store = SlowStore()
    page = tab(site(ScriptedEngine(), store))
    copy = page.locator("#sending")
    ask(page, "<b>First</b>")
    expect(copy).to_have_text("<b>First</b>Sending")
    expect(copy).to_be_in_viewport()
    assert page.locator("#transcript .user-row").count() == 0
    expect(page.locator("#transcript .user-row")).to_contain_text("<b>First</b>")
    expect(copy).to_have_count(0)
    expect(box(page)).to_have_value("")
    expect(under(answer(page), "Retry")).to_be_visible()
    store.fails = True
    for _ in range(2):  # the second time the same sentence stands there already
        ask(page, "Second")
        expect(copy).to_have_text("SecondSending")
        expect(copy).to_have_count(0)
        expect(page.get_by_role("alert")).to_be_visible()
        expect(box(page)).to_have_value("Second")
    expect(page.locator("#transcript .user-row")).to_have_count(1)


def test_what_is_typed_while_the_server_answers_stays_in_the_box(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine(), SlowStore()))
    box(page).fill("First")
    with page.expect_request(lambda request: '"First"' in (request.post_data or "")):
        box(page).press("Enter")
    box(page).fill("First and then")
    expect(page.locator("#transcript .user-row").last).to_have_text("First")
    expect(box(page)).to_have_value(" and then")


def test_a_message_that_cannot_fit_is_refused_with_both_numbers(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine(context_length=100)))
    ask(page, "x" * 300)
    expect(page.get_by_role("alert")).to_contain_text("300 tokens")
    expect(box(page)).to_have_value("x" * 300)


def test_a_setting_out_of_bounds_is_named(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    button(page, "Settings").click()
    page.get_by_label("Temperature").fill("9")
    button(page, "Close").click()
    ask(page, "Hot?")
    expect(page.get_by_role("alert")).to_have_text("Temperature must be between 0 and 2.")
    expect(box(page)).to_have_value("Hot?")


def test_a_question_before_the_model_is_ready_stays_in_the_box(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine(ready=False)))
    ask(page, "Too early")
    expect(page.get_by_role("alert")).to_contain_text("The model is not ready yet.")
    expect(box(page)).to_have_value("Too early")


def test_a_full_queue_is_reported_and_the_text_stays(site: Site, tab: Open) -> None:
    url = site(ScriptedEngine([Script(["x"], hangs=True)]), max_running=1, max_waiting=0)
    first, second = tab(url), tab(url)
    ask(first, "First")
    expect(answer(first)).to_contain_text("x")
    ask(second, "Second")
    expect(second.get_by_role("alert")).to_contain_text("Too many questions are waiting")
    expect(box(second)).to_have_value("Second")


def test_a_question_while_an_answer_is_written_waits_in_the_box(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine([Script(["x"], hangs=True)])))
    ask(page, "First")
    expect(answer(page)).to_contain_text("x")
    ask(page, "Second")
    expect(page.get_by_role("alert")).to_contain_text("An answer is still being written here.")
    expect(box(page)).to_have_value("Second")


def test_enter_in_an_input_method_ends_the_word_and_sends_nothing(site: Site, tab: Open) -> None:
    store = MemoryStore()
    page = tab(site(ScriptedEngine(), store))
    box(page).fill("nihao")
    page.evaluate(
        """() => document.querySelector("#message textarea").dispatchEvent(
            new KeyboardEvent("keydown", {key: "Enter", isComposing: true, bubbles: true}))"""
    )
    page.wait_for_timeout(500)
    assert store.stored == {}
    expect(box(page)).to_have_value("nihao")


def test_shift_enter_begins_a_line_and_enter_sends_both(site: Site, tab: Open) -> None:
    engine = ScriptedEngine()
    page = tab(site(engine))
    box(page).press_sequentially("one")
    box(page).press("Shift+Enter")
    box(page).press_sequentially("two")
    box(page).press("Enter")
    expect(button(page, "Retry")).to_be_visible()
    assert engine.prompts[-1][-1].content == "one\ntwo"


def test_enter_makes_a_line_where_the_keyboard_is_on_the_screen(site: Site, tab: Open) -> None:
    engine = ScriptedEngine()
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = tab(site(engine), **phone)
    expect(box(page)).to_have_attribute("placeholder", "Ask anything")
    box(page).press_sequentially("one")
    box(page).press("Enter")
    box(page).press_sequentially("two")
    expect(box(page)).to_have_value("one\ntwo")
    button(page, "Send").tap()
    expect(button(page, "Retry")).to_be_visible()
    assert engine.prompts[-1][-1].content == "one\ntwo"


def test_an_example_fills_the_box(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    button(page, "Solve x² − 5x + 6 = 0 step by step").click()
    expect(box(page)).to_have_value("Solve x² − 5x + 6 = 0 step by step")
    expect(box(page)).to_be_focused()
    box(page).press("Enter")
    expect(button(page, "Retry")).to_be_visible()
