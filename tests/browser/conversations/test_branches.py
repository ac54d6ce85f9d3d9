"""A conversation is a tree: versions, edits, continuing, deleting and bringing back, two tabs."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from chat.models import Finish
from tests.browser.conftest import Open, Site
from tests.browser.steps import answer, ask, ask_and_wait, box, button, question, under
from tests.fakes import Script, ScriptedEngine
from tests.memory_store import MemoryStore

pytestmark = pytest.mark.browser


def numbered(count: int) -> list[Script]:
    return [Script([f"Answer {number}"]) for number in range(1, count + 1)]


def from_menu(page: Page, message: Locator, name: str) -> None:
    message.hover()
    under(message, "More actions").click()
    page.get_by_role("menuitem", name=name, exact=True).click()


def questions(page: Page) -> Locator:
    return page.locator("#transcript .user-row .words")


def same_place(page: Page) -> str:
    return f"#{page.url.partition('#')[2]}"


# --- versions ---------------------------------------------------------------------------------


def test_any_answer_can_be_tried_again_and_its_versions_lead_to_what_follows_them(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine(numbered(4))))
    ask_and_wait(page, "One?")
    ask_and_wait(page, "Two?")
    first = page.locator("#transcript .bot-row").first
    under(first, "Retry").click()
    expect(answer(page)).to_contain_text("Answer 3")
    expect(questions(page)).to_have_text(["One?"])
    expect(answer(page).locator(".versions")).to_have_text("‹2/2›")
    under(answer(page), "Previous version").click()
    expect(questions(page)).to_have_text(["One?", "Two?"])
    expect(answer(page)).to_contain_text("Answer 2")
    expect(first.locator(".versions")).to_have_text("‹1/2›")
    expect(under(first, "Previous version")).to_be_disabled()
    page.reload()
    expect(questions(page)).to_have_text(["One?", "Two?"])
    under(first, "Next version").click()
    expect(questions(page)).to_have_text(["One?"])


def test_a_version_deleted_in_another_tab_gives_a_message(site: Site, tab: Open) -> None:
    url = site(ScriptedEngine(numbered(2)))
    page = tab(url)
    ask_and_wait(page, "One?")
    under(answer(page), "Retry").click()
    expect(answer(page).locator(".versions")).to_have_text("‹2/2›")
    question(page).hover()
    under(question(page), "Edit question").click()  # while it is open, nothing is redrawn
    other = tab(url, path=same_place(page))
    under(answer(other), "Previous version").click()
    expect(answer(other)).to_contain_text("Answer 1")
    from_menu(other, answer(other), "Delete from here on")
    expect(answer(other)).to_contain_text("Answer 2")
    under(answer(page), "Previous version").click()
    expect(page.get_by_role("alert")).to_contain_text("deleted in another tab")
    expect(answer(page)).to_contain_text("Answer 2")
    expect(answer(page).locator(".versions")).to_have_count(0)


# --- editing ----------------------------------------------------------------------------------


def test_an_edited_question_is_asked_beside_the_old_one(site: Site, tab: Open) -> None:
    engine = ScriptedEngine(numbered(3))
    page = tab(site(engine))
    ask_and_wait(page, "One?")
    ask_and_wait(page, "Two?")
    question(page).hover()
    under(question(page), "Edit question").click()
    field = page.locator("#transcript form textarea")
    expect(field).to_be_focused()
    expect(field).to_have_value("Two?")
    field.fill("Zwei?")
    button(page, "Save and send").click()
    expect(answer(page)).to_contain_text("Answer 3")
    expect(questions(page)).to_have_text(["One?", "Zwei?"])
    assert [message.content for message in engine.prompts[-1]] == ["One?", "Answer 1", "Zwei?"]
    under(question(page), "Previous version").click()
    expect(questions(page)).to_have_text(["One?", "Two?"])
    expect(answer(page)).to_contain_text("Answer 2")


def test_an_edited_answer_is_marked_and_goes_into_the_next_prompt(site: Site, tab: Open) -> None:
    engine = ScriptedEngine(numbered(2))
    page = tab(site(engine))
    ask_and_wait(page, "One?")
    under(answer(page), "Edit").click()
    page.locator("#transcript form textarea").fill("By **hand**")
    button(page, "Save").click()
    expect(answer(page).locator(".md strong")).to_have_text("hand")
    expect(answer(page)).to_contain_text("written by you")
    expect(answer(page).locator(".versions")).to_have_text("‹2/2›")
    ask_and_wait(page, "Two?")
    assert engine.prompts[-1][1].content == "By **hand**"


def test_escape_leaves_a_message_as_it_was_and_the_answer_running(site: Site, tab: Open) -> None:
    engine = ScriptedEngine([Script(["one"]), Script(["two"], hangs=True)])
    page = tab(site(engine))
    ask_and_wait(page, "One?")
    ask(page, "Two?")
    expect(answer(page)).to_contain_text("two")
    first = page.locator("#transcript .user-row").first
    first.hover()
    under(first, "Edit question").click()
    page.keyboard.type(" changed")
    page.keyboard.press("Escape")
    expect(page.locator("#transcript form")).to_have_count(0)
    expect(questions(page)).to_have_text(["One?", "Two?"])
    expect(under(first, "Edit question")).to_be_focused()
    assert engine.running == 1
    button(page, "Stop").click()
    expect(answer(page)).to_contain_text("Stopped.")


def test_an_edit_that_is_refused_stays_in_its_field(site: Site, tab: Open) -> None:
    engine = ScriptedEngine([Script(["one"]), Script(["two"], hangs=True)])
    page = tab(site(engine))
    ask_and_wait(page, "One?")
    ask(page, "Two?")
    expect(answer(page)).to_contain_text("two")
    first = page.locator("#transcript .user-row").first
    first.hover()
    under(first, "Edit question").click()
    page.keyboard.type(" changed")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("still being written")
    expect(page.locator("#transcript form textarea")).to_have_value("One? changed")
    button(page, "Stop").click()
    expect(answer(page)).to_contain_text("Stopped.")
    expect(page.locator("#transcript form textarea")).to_have_value("One? changed")
    button(page, "Save and send").click()
    expect(questions(page)).to_have_text(["One? changed"])


# --- continuing -------------------------------------------------------------------------------


def test_a_cut_answer_goes_on_from_its_words(site: Site, tab: Open) -> None:
    engine = ScriptedEngine([Script(["Once upon"], finish=Finish.LENGTH), Script([" a time"])])
    page = tab(site(engine))
    ask_and_wait(page, "Tell")
    under(answer(page), "Continue").click()
    expect(answer(page).locator(".md")).to_have_text("Once upon a time")
    expect(answer(page).locator(".versions")).to_have_text("‹2/2›")
    expect(under(answer(page), "Continue")).to_have_count(0)
    assert engine.prompts[-1][-1].content == "Once upon"


# --- deleting ---------------------------------------------------------------------------------


def test_a_deleted_turn_comes_back_with_undo(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine(numbered(3))))
    for text in ("One?", "Two?", "Three?"):
        ask_and_wait(page, text)
    from_menu(page, page.locator("#transcript .user-row").nth(1), "Delete this turn")
    expect(questions(page)).to_have_text(["One?", "Three?"])
    expect(page.get_by_text("2 messages deleted.")).to_be_visible()
    button(page, "Undo").click()
    expect(questions(page)).to_have_text(["One?", "Two?", "Three?"])
    expect(button(page, "Undo")).to_have_count(0)


def test_everything_from_a_message_on_can_be_deleted_and_brought_back(
    site: Site, tab: Open
) -> None:
    page = tab(site(ScriptedEngine(numbered(3))))
    for text in ("One?", "Two?", "Three?"):
        ask_and_wait(page, text)
    from_menu(page, page.locator("#transcript .user-row").nth(1), "Delete from here on")
    expect(questions(page)).to_have_text(["One?"])
    button(page, "Undo").click()
    expect(questions(page)).to_have_text(["One?", "Two?", "Three?"])


def test_the_last_turn_taken_back_leaves_its_question_in_the_box(site: Site, tab: Open) -> None:
    engine = ScriptedEngine(numbered(3))
    page = tab(site(engine))
    ask_and_wait(page, "One?")
    ask_and_wait(page, "Tow?")
    from_menu(page, answer(page), "Remove the last turn")
    expect(questions(page)).to_have_text(["One?"])
    expect(box(page)).to_have_value("Tow?")
    ask_and_wait(page, "Two?")
    assert [message.content for message in engine.prompts[-1]] == ["One?", "Answer 1", "Two?"]


# --- two tabs ---------------------------------------------------------------------------------


def test_two_tabs_see_the_same_also_what_is_asked_deleted_and_stopped(
    site: Site, tab: Open
) -> None:
    url = site(ScriptedEngine([Script(["Answer 1"]), Script(["Answer 2"], hangs=True)]))
    first = tab(url)
    ask_and_wait(first, "One?")
    second = tab(url, path=same_place(first))
    expect(answer(second)).to_contain_text("Answer 1")
    ask(first, "Two?")
    expect(questions(second)).to_have_text(["One?", "Two?"])
    expect(answer(second)).to_contain_text("Answer 2")
    expect(answer(second)).to_contain_text("Writing")
    button(second, "Stop").click()
    expect(answer(first)).to_contain_text("Stopped.")
    from_menu(second, second.locator("#transcript .user-row").first, "Delete this turn")
    expect(questions(first)).to_have_text(["Two?"])


def test_changes_in_another_tab_do_not_close_an_open_edit(site: Site, tab: Open) -> None:
    url = site(ScriptedEngine(numbered(2)))
    first = tab(url)
    ask_and_wait(first, "One?")
    second = tab(url, path=same_place(first))
    question(second).hover()
    under(question(second), "Edit question").click()
    second.keyboard.type(" and more")
    ask_and_wait(first, "Two?")
    second.wait_for_timeout(4_500)  # two ticks
    expect(second.locator("#transcript form textarea")).to_have_value("One? and more")
    expect(second.locator("#transcript form textarea")).to_be_focused()
    button(second, "Cancel").click()
    expect(questions(second)).to_have_text(["One?", "Two?"])


def test_an_edit_that_was_refused_stays_open_and_is_taken_when_the_other_answer_has_ended(
    site: Site, tab: Open
) -> None:
    scripts = [Script(["Answer 1"]), Script(["Answer 2"], hangs=True), Script(["Answer 3"])]
    first = tab(site(ScriptedEngine(scripts)))
    ask_and_wait(first, "One?")
    second = tab(first.url.partition("#")[0], path=same_place(first))
    for page, words in ((first, " First"), (second, " Second")):
        question(page).hover()
        under(question(page), "Edit question").click()
        page.keyboard.type(words)
    button(first, "Save and send").click()
    expect(answer(first)).to_contain_text("Answer 2")
    button(second, "Save and send").click()
    expect(second.get_by_role("alert")).to_contain_text("still being written")
    button(first, "Stop").click()
    expect(answer(first)).to_contain_text("Stopped.")
    expect(second.locator("#transcript form textarea")).to_have_value("One? Second")
    button(second, "Save and send").click()
    expect(questions(second)).to_have_text(["One? Second"])
    expect(answer(second)).to_contain_text("Answer 3")
    expect(question(second).locator(".versions")).to_have_text("‹3/3›")


def test_an_answer_on_a_hidden_branch_is_one_click_away(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine([Script(["Answer 1"]), Script(["Answer 2"], hangs=True)])))
    ask_and_wait(page, "One?")
    question(page).hover()
    under(question(page), "Edit question").click()
    page.keyboard.type(" Or two?")
    button(page, "Save and send").click()
    expect(answer(page)).to_contain_text("Answer 2")
    under(question(page), "Previous version").click()
    expect(page.locator("#transcript")).to_contain_text("Answer 1")
    expect(answer(page)).to_contain_text("Another version is being written.")
    ask(page, "Three?")
    expect(page.get_by_role("alert")).to_contain_text("still being written")
    expect(box(page)).to_have_value("Three?")
    button(page, "Show it").click()
    expect(answer(page)).to_contain_text("Answer 2")
    button(page, "Stop").click()
    expect(answer(page)).to_contain_text("Stopped.")


# --- details ----------------------------------------------------------------------------------


def test_the_numbers_open_the_details_and_the_exact_prompt(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    ask_and_wait(page, "Hi <b>")
    answer(page).locator(".figures").click()
    panel = page.get_by_role("dialog", name="Details")
    expect(panel).to_contain_text("Scripted-1B-Instruct")
    expect(panel).to_contain_text(re.compile(r"Seed\s*\d+"))
    panel.get_by_role("button", name="Show the exact prompt").click()
    expect(panel.locator("pre")).to_have_text("<user>Hi <b>")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    answer(page).locator(".figures").click()
    expect(panel.locator("pre")).to_have_text("<user>Hi <b>")


# --- long conversations -----------------------------------------------------------------------


# As readers do: again, while the page still grows and takes them back to its end.
SCROLL_UP_UNTIL_DRAWN = """() => {
    const at = document.querySelector("#transcript");
    if (at.querySelector("[data-do=earlier]") === null) return true;
    at.scrollTo(0, at.scrollTop === 20 ? 10 : 20); // the same place again is no event
    return false;
}"""


def test_scrolling_up_draws_older_turns_and_keeps_the_position(site: Site, tab: Open) -> None:
    store = MemoryStore()
    page = tab(site(ScriptedEngine([Script(["word " * 200])]), store))
    for number in range(10):
        ask(page, f"Question {number}")
        expect(questions(page).last).to_have_text(f"Question {number}")
        expect(under(answer(page), "Retry")).to_be_visible()
    page.reload()
    expect(questions(page)).to_have_count(8)
    expect(questions(page).last).to_be_in_viewport()
    page.wait_for_function(SCROLL_UP_UNTIL_DRAWN, polling=200)
    expect(questions(page)).to_have_count(10)
    expect(questions(page).nth(2)).to_be_in_viewport()
    button(page, "To the newest message").click()
    expect(answer(page).locator(".meta")).to_be_in_viewport()
