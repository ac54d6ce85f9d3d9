"""Presets on the page: choosing, making, sharing by link, and what a conversation remembers."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open, Site
from tests.browser.steps import ask_and_wait, box, button
from tests.fakes import ScriptedEngine
from tests.memory_store import MemoryStore

pytestmark = pytest.mark.browser


def panel(page: Page) -> Locator:
    return page.locator("#presets.open")


def open_panel(page: Page) -> None:
    page.locator("#chips [data-do=presets]").click()
    expect(panel(page).locator(".card").first).to_be_visible()


def card(page: Page, name: str) -> Locator:
    named = page.locator("b", has_text=re.compile(f"^{re.escape(name)}$"))
    return panel(page).locator(".card").filter(has=named)


def chip(page: Page) -> Locator:
    return page.locator("#chips .preset")


def choose(page: Page, name: str) -> None:
    open_panel(page)
    card(page, name).locator(".pick").click()
    expect(chip(page)).to_contain_text(name)


def write(page: Page, **fields: str) -> None:
    form = panel(page).locator("form")
    for name, value in fields.items():
        form.locator(f"[name={name}]").first.fill(value)
    form.get_by_role("button", name="Save", exact=True).click()


def make(page: Page, name: str, prompt: str) -> None:
    """A preset of one's own, from the present settings."""
    open_panel(page)
    panel(page).get_by_role("button", name="Save current settings as preset").click()
    write(page, name=name, system_prompt=prompt, questions=f"What can {name} do?")
    expect(card(page, name)).to_be_visible()
    page.keyboard.press("Escape")


def test_a_preset_brings_its_prompt_its_sampling_and_its_questions(site: Site, tab: Open) -> None:
    engine = ScriptedEngine(context_length=8000)
    page = tab(site(engine))
    choose(page, "Copywriting")
    expect(page.get_by_role("heading", name="Copywriting")).to_be_visible()
    expect(page.locator("#state")).to_contain_text("Copywriting v1")
    expect(page.locator(".examples button")).to_have_count(4)
    expect(page.get_by_label("System prompt")).to_have_value(re.compile("copy editor"))
    question = page.locator(".examples button").first.inner_text()
    page.locator(".examples button").first.click()
    expect(box(page)).to_have_value(question)
    box(page).press("Enter")
    expect(button(page, "Retry")).to_be_visible()
    assert "copy editor" in engine.prompts[-1][0].content
    assert engine.samplings[-1].temperature == 0.9


def test_none_takes_the_preset_off(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    choose(page, "Copywriting")
    open_panel(page)
    card(page, "No preset").locator(".pick").click()
    expect(chip(page)).to_have_text("Presets")
    expect(page.locator("#state")).not_to_contain_text("Copywriting")


def test_a_new_version_is_offered_and_a_conversation_keeps_its_own(site: Site, tab: Open) -> None:
    engine = ScriptedEngine()
    page = tab(site(engine))
    make(page, "Pirate", "Speak like a pirate.")
    choose(page, "Pirate")
    ask_and_wait(page, "Hello?")
    open_panel(page)
    card(page, "Pirate").get_by_role("button", name="Edit", exact=True).click()
    write(page, system_prompt="Speak like a captain.")
    expect(card(page, "Pirate")).to_contain_text("v2")
    expect(page.locator("#state")).to_contain_text("Pirate v1")
    page.keyboard.press("Escape")
    page.reload()
    expect(page.locator("#state")).to_contain_text("Pirate v1")
    expect(chip(page).get_by_label("There is a version 2")).to_be_visible()
    ask_and_wait(page, "Again?")
    assert engine.prompts[-1][0].content == "Speak like a pirate."
    open_panel(page)
    button(page, "Update to version 2").click()
    expect(page.locator("#state")).to_contain_text("Pirate v2")
    ask_and_wait(page, "And now?")
    assert engine.prompts[-1][0].content == "Speak like a captain."


def test_changed_settings_are_marked_on_the_chip(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    choose(page, "Copywriting")
    expect(chip(page)).to_have_text("Copywriting v1")
    button(page, "Temperature 0.9").click()
    field = page.get_by_role("spinbutton", name="Temperature")
    field.fill("0.1")
    field.press("Tab")
    expect(chip(page)).to_have_text("Copywriting v1 · changed")


def test_a_link_opens_a_new_chat_with_the_preset(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()), path="#preset=maths.en")
    expect(page.locator("#state")).to_contain_text("v1")
    expect(page.locator(".examples button")).to_have_count(4)
    page.goto(page.url.partition("#")[0] + "#preset=nobody")
    expect(page.get_by_role("alert")).to_have_text(
        "This preset does not exist, or is not shared with you."
    )
    expect(chip(page)).to_have_text("Presets")


def test_a_shipped_preset_is_copied_to_be_changed(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    open_panel(page)
    shipped = card(page, "Copywriting")
    expect(shipped).to_contain_text("comes with Qwen Chat")
    expect(shipped.get_by_role("button", name="Edit", exact=True)).to_have_count(0)
    shipped.get_by_role("button", name="Copy and edit").click()
    write(page, name="Our copywriting")
    expect(card(page, "Our copywriting")).to_contain_text("yours · v1")


def test_a_refused_preset_shows_the_reason_and_stays_in_the_form(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    open_panel(page)
    panel(page).get_by_role("button", name="Save current settings as preset").click()
    write(page, name="", system_prompt="Kept")
    expect(panel(page).get_by_role("alert")).to_contain_text("1 to 60 characters")
    expect(panel(page).locator("[name=system_prompt]")).to_have_value("Kept")


def test_sharing_is_a_switch_and_deleting_asks_in_place(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()))
    make(page, "Mine <b>", "Be brief.")
    open_panel(page)
    mine = card(page, "Mine <b>")
    mine.get_by_role("button", name="Share").click()
    expect(mine).to_contain_text("yours · v1 · shared")
    mine.get_by_role("button", name="Stop sharing").click()
    expect(mine).not_to_contain_text("· shared")
    mine.get_by_role("button", name="Delete", exact=True).click()
    mine.get_by_role("button", name="Cancel").click()
    mine.get_by_role("button", name="Delete", exact=True).click()
    mine.get_by_role("button", name="Delete for good").click()
    expect(mine).to_have_count(0)


def test_a_preset_goes_out_as_a_file_and_comes_back(site: Site, tab: Open) -> None:
    store = MemoryStore()
    page = tab(site(ScriptedEngine(), store))
    make(page, "Traveller", "Pack lightly.")
    open_panel(page)
    with page.expect_download() as download:
        card(page, "Traveller").get_by_role("link", name="Export").click()
    path = download.value.path()
    assert json.loads(path.read_text(encoding="utf-8"))["name"] == "Traveller"
    page.locator("#import-preset").set_input_files(path)
    expect(card(page, "Traveller")).to_have_count(2)
    broken = {"name": "x.json", "mimeType": "application/json", "buffer": b'{"format": 1}'}
    page.locator("#import-preset").set_input_files(broken)  # type: ignore[arg-type]
    expect(page.get_by_role("alert")).to_contain_text("cannot be imported")


def test_the_panel_speaks_chinese(site: Site, tab: Open) -> None:
    page = tab(site(ScriptedEngine()), locale="zh-CN")
    page.locator("#chips [data-do=presets]").click()
    expect(card(page, "文案写作")).to_contain_text("内置")
    card(page, "文案写作").locator(".pick").click()
    expect(page.locator("#state")).to_contain_text("文案写作 v1")


def test_a_long_opening_question_is_cut_after_three_lines_and_asked_whole(
    site: Site, tab: Open
) -> None:
    question = "Which of all the things that were said " * 8 + 'is <true> & "meant"?'
    page = tab(site(ScriptedEngine()))
    open_panel(page)
    panel(page).get_by_role("button", name="Save current settings as preset").click()
    write(page, name="Long", questions=question)
    expect(card(page, "Long")).to_be_visible()
    page.keyboard.press("Escape")
    choose(page, "Long")
    example = page.locator(".examples button")
    expect(example).to_have_attribute("title", question)
    lines = "text => text.clientHeight / parseFloat(getComputedStyle(text).lineHeight)"
    assert round(example.locator("span").evaluate(lines)) == 3
    example.click()
    expect(box(page)).to_have_value(question)
