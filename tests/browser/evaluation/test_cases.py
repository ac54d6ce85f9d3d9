"""Regression cases in a browser: written, run, put side by side, judged by keys, on a phone too."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from store import RoutingStore, open_store
from tests.browser.chromium import new_context
from tests.browser.conftest import Site
from tests.browser.coroutines import run_coroutine
from tests.browser.steps import button
from tests.fakes import Script, ScriptedEngine
from tests.hosting import StoreAccounts
from tests.migrated import migrated

pytestmark = pytest.mark.browser


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RoutingStore]:
    store = open_store(migrated(tmp_path))
    run_coroutine(store.open())
    yield store
    run_coroutine(store.close())


@pytest.fixture
def page(browser: Browser, store: RoutingStore, site: Site) -> Iterator[Page]:
    """The page of cases, as the local user sees it. Nothing may fail in it."""
    scripts = [Script(["Hello ", "one"]), Script(["Hello ", "two"])]
    accounts = StoreAccounts(store, sign_in_needed=False)
    address = site(ScriptedEngine(scripts), store, sign_in=accounts.sign_in)
    context = new_context(browser, locale="en-US")
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{address}/cases")
    yield page
    context.close()
    assert wrong == []


def write_case(page: Page, name: str, kind: str, expected: str) -> None:
    page.get_by_role("link", name="New case").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Question").fill("Say hello")
    page.get_by_label("Kind").first.select_option(label=kind)
    page.get_by_label("Expected").first.fill(expected)
    button(page, "Save").click()
    expect(page.get_by_role("link", name=name)).to_be_visible()


def run_all(page: Page, label: str) -> None:
    page.locator("[name=which]").select_option(label="Saved here")
    page.get_by_label("Label (may be empty)").fill(label)
    # The page of a run reloads itself while it goes on: there is always one navigation more.
    button(page, "Run").click(no_wait_after=True)
    expect(page.get_by_role("heading", name=label)).to_be_visible()
    expect(page.locator("[data-run]")).to_have_count(0)  # it has ended
    page.wait_for_load_state()  # the new page, whose shortcuts are active


def verdicts(page: Page) -> list[str]:
    return page.locator("section.result .verdict").all_inner_texts()


def test_a_case_is_written_run_put_beside_another_run_and_judged_by_keys(page: Page) -> None:
    write_case(page, "Greeting 问候", "a person judges", "It greets.")
    run_all(page, "before")
    assert verdicts(page) == ["to be judged"]
    page.keyboard.press("j")
    expect(page.locator("[data-judge]")).to_be_focused()
    page.keyboard.press("p")
    expect(page.locator("section.result .verdict")).to_have_text("passed")
    page.get_by_role("link", name="Cases", exact=True).click()
    run_all(page, "after")
    assert verdicts(page) == ["changed"]
    page.get_by_text("Compare with another run").click()
    page.get_by_role("link", name=re.compile("before")).click()
    expect(page.locator(".pair del")).to_have_text("one")
    expect(page.locator(".pair ins")).to_have_text("two")
    page.get_by_role("button", name="Not good").click()
    expect(page.locator(".pair .verdict").last).to_have_text("failed")


def test_the_error_of_a_check_is_displayed_and_the_form_keeps_its_values(page: Page) -> None:
    page.get_by_role("link", name="New case").click()
    page.get_by_label("Name").fill("Broken")
    page.get_by_label("Question").fill("Say hello")
    page.get_by_label("Kind").first.select_option(label="regular expression")
    page.get_by_label("Expected").first.fill("(")
    button(page, "Save").click()
    expect(page.get_by_role("alert")).to_contain_text("check 1: missing ), unterminated")
    expect(page.get_by_label("Question")).to_have_value("Say hello")
    page.get_by_label("Expected").first.fill("(a)")
    button(page, "Save").click()
    expect(page.get_by_role("link", name="Broken")).to_be_visible()


def test_a_refused_case_has_a_chinese_message(page: Page) -> None:
    page.locator("[data-language]").click()
    expect(page.get_by_role("link", name="新建用例")).to_be_visible()
    page.get_by_role("link", name="新建用例").click()
    page.locator("[name=name]").fill("空")
    page.get_by_role("button", name="保存").click(no_wait_after=True)
    refused = page.locator("main form .error").first
    expect(refused).to_have_text(re.compile("提问.*100 条.*200,000"))
    page.locator("[name=content]").last.fill("你好")
    page.get_by_role("button", name="保存").click(no_wait_after=True)
    expect(refused).to_have_text(re.compile("1 到 20 条检查"))
    page.locator("[name=name]").fill("a\u200bb")
    page.get_by_role("button", name="保存").click(no_wait_after=True)
    expect(refused).to_have_text(re.compile("名称须为一行，1 到 100 个"))


def test_a_file_goes_out_and_comes_in(page: Page, tmp_path: Path) -> None:
    write_case(page, "Travels", "contains", "Hello")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    file = tmp_path / "cases.json"
    download.value.save_as(file)
    page.locator("[data-import]").set_input_files(file)
    expect(page.get_by_role("link", name="Travels")).to_have_count(2)
    page.wait_for_load_state()
    file.write_text("{}")
    page.locator("[data-import]").set_input_files(file)
    expect(page.locator("[data-refused]")).to_contain_text("not a file of cases")


def test_a_shipped_case_can_be_kept_as_ones_own(page: Page) -> None:
    page.get_by_role("link", name="Maths: a quadratic equation").click()
    expect(page.get_by_text("This case comes with the app")).to_be_visible()
    button(page, "Save as my own").click()
    expect(page.get_by_role("link", name="Maths: a quadratic equation")).to_have_count(2)


def test_the_pages_fit_a_phone_in_both_languages_and_themes(page: Page) -> None:
    write_case(page, "Greeting", "contains", "x" * 60)
    run_all(page, "phone")
    run = page.url
    page.set_viewport_size({"width": 390, "height": 800})
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        for address in (run, run.partition("/runs/")[0], run.partition("/runs/")[0] + "/new"):
            page.goto(address)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 390, address
    page.locator("[data-language]").click()
    expect(page.get_by_role("heading", name="新建用例")).to_be_visible()
