"""Keyboard use: a whole chat without a mouse, and no shortcuts while typing."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, Site
from tests.browser.steps import answer, ask, ask_and_wait, box, button, listed
from tests.fakes import Script, ScriptedEngine

pytestmark = pytest.mark.browser

COMPOSING = """([selector, key]) => document.querySelector(selector).dispatchEvent(
    new KeyboardEvent("keydown", {key, isComposing: true, bubbles: true, cancelable: true}))"""


def write(page: Page, words: str) -> None:
    page.keyboard.type(words)
    page.keyboard.press("Enter")


def test_asking_stopping_editing_and_walking_versions_need_no_mouse(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine([Script(["endless "], hangs=True), Script(["edited"])])))
    expect(box(page)).to_be_focused()
    write(page, "First question")
    expect(answer(page)).to_contain_text("endless")
    page.keyboard.press("Escape")
    expect(answer(page)).to_contain_text("Stopped.")

    box(page).press("ArrowUp")
    editor = page.locator("#transcript form textarea")
    expect(editor).to_be_focused()
    page.keyboard.type(", edited")
    page.keyboard.press("Control+Enter")
    expect(answer(page)).to_contain_text("edited")
    expect(page.locator("#transcript .user-row")).to_contain_text("2/2")
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.locator("#transcript .user-row")).to_contain_text("1/2")
    expect(answer(page)).to_contain_text("endless")
    page.keyboard.press("Alt+ArrowRight")
    expect(page.locator("#transcript .user-row")).to_contain_text("2/2")


def test_a_new_chat_and_a_search_need_no_mouse(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine([Script(["first chat"]), Script(["second chat"])])))
    ask_and_wait(page, "First question")
    page.keyboard.press("Control+Shift+O")
    expect(page.locator(".welcome")).to_be_visible()
    expect(box(page)).to_be_focused()
    write(page, "Another matter")
    expect(answer(page)).to_contain_text("second chat")
    expect(listed(page)).to_have_count(2)

    page.keyboard.press("Control+K")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("first que")
    expect(page.locator(".results a")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#transcript .user-row")).to_contain_text("First question")
    page.keyboard.press("Escape")
    expect(listed(page)).to_have_count(2)


def test_help_deleting_and_undo_need_no_mouse(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    ask_and_wait(page, "Forget me")
    page.keyboard.press("Control+K")
    page.keyboard.press("ArrowDown")
    expect(listed(page).first).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    expect(listed(page).first).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Rename")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(listed(page)).to_have_count(0)
    expect(button(page, "Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#transcript .user-row")).to_contain_text("Forget me")


def test_shortcuts_with_letters_are_ignored_while_typing(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine([Script(["one"]), Script(["two"])])))
    ask_and_wait(page, "Question")
    button(page, "Retry").last.click()
    expect(answer(page)).to_contain_text("two")
    box(page).click()
    page.keyboard.type("why?")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Alt+ArrowLeft")
    expect(box(page)).to_have_value("why?")
    expect(box(page)).to_be_focused()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(answer(page)).to_contain_text("2/2")


def test_no_key_is_taken_from_an_input_method(site: Site, tab: Open) -> None:
    engine = ScriptedEngine([Script(["on"], hangs=True)])
    page = tab(site(engine))
    ask(page, "Endless")
    expect(answer(page)).to_contain_text("on")
    assert page.evaluate(COMPOSING, ["#message textarea", "Escape"])
    assert page.evaluate(COMPOSING, ["#message textarea", "ArrowUp"])
    expect(button(page, "Stop")).to_be_visible()
    assert engine.cancelled == 0


def test_escape_closes_what_is_open_before_it_stops_an_answer(site: Site, tab: Open) -> None:
    engine = ScriptedEngine([Script(["on"], hangs=True)])
    page = tab(site(engine))
    ask(page, "Endless")
    expect(answer(page)).to_contain_text("on")
    button(page, "Settings").click()
    expect(page.get_by_label("Temperature")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Temperature")).to_be_hidden()
    page.locator("#conversation-list li").hover()
    page.locator("#conversation-list li button").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    assert engine.cancelled == 0
    page.keyboard.press("Escape")
    expect(answer(page)).to_contain_text("Stopped.")


def test_the_first_tab_leads_past_the_list(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    ask_and_wait(page, "Hi")
    page.reload()
    expect(listed(page)).to_have_count(1)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the message box")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the message box")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(box(page)).to_be_focused()


def test_the_list_is_hidden_and_brought_back(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    page.keyboard.press("Control+Shift+S")
    expect(button(page, "New chat")).to_be_hidden()
    assert page.locator("#main").bounding_box()["x"] == 0  # type: ignore[index]
    button(page, "Conversations").click()
    expect(button(page, "New chat")).to_be_visible()
    page.keyboard.press("Control+Shift+S")
    page.keyboard.press("Control+K")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_a_temporary_chat_is_a_key_away(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    page.keyboard.press("Control+Shift+L")
    expect(page.get_by_text("Temporary: not saved")).to_be_visible()


def test_an_answer_is_read_aloud_once_when_it_has_ended(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine([Script(list("abcdefgh"), step_s=0.2)])))
    page.evaluate(
        """() => { window.said = []; new MutationObserver(changes => {
            for (const {target} of changes) if (target.matches?.("body > [role=status]"))
                window.said.push(target.textContent.slice(0, 8));
        }).observe(document.body, {subtree: true, childList: true}); }"""
    )
    ask(page, "Letters")
    expect(answer(page)).to_contain_text("abc")
    expect(button(page, "Retry")).to_be_visible()
    expect(page.locator("body > [role=status]").filter(has_text="abcdefgh")).to_be_attached()
    for log in page.get_by_role("log").all():
        expect(log).to_have_attribute("aria-live", "off")
    assert page.evaluate("window.said") == ["abcdefgh"]


def test_the_list_of_shortcuts_is_translated_to_chinese(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()), locale="zh-CN")
    page.get_by_role("button", name="全部对话").click()
    page.get_by_role("menuitem", name="快捷键").click()
    expect(page.get_by_role("dialog", name="快捷键")).to_contain_text("切换回答的版本")
    page.get_by_role("dialog").get_by_role("button", name="关闭").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
