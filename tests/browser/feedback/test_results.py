"""Results in a browser: found, read, reviewed by keys, taken along; on a phone too."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from chat.accounts.models import LOCAL, AuditEntry
from chat.campaigns.models import Campaign, Mode, Plan, Variant
from chat.feedback.models import RatingInput, Verdict
from store import RoutingStore, open_store
from tests.browser.chromium import new_context
from tests.browser.conftest import Site
from tests.browser.coroutines import run_coroutine
from tests.browser.steps import button
from tests.contract.stores import START
from tests.fakes import ScriptedEngine
from tests.hosting import StoreAccounts
from tests.migrated import migrated
from tests.rated import UP, snapshot

pytestmark = pytest.mark.browser

ANSWER = "The capital is **Sydney**.\n\n<img src=x onerror=alert(1)> ![p](http://evil.example/p)"
CORRECTED = RatingInput(
    Verdict.DOWN, ("wrong-facts",), "Ann says no: a@b.cn", ANSWER.replace("Sydney", "Canberra")
)


async def add_rated_answers(store: RoutingStore) -> None:
    await store.open()
    plan = Plan("A campaign 活动", Mode.SINGLE, (Variant("A"),))
    campaign = Campaign("campaign", LOCAL.id, plan, START)
    await store.feedback.campaigns.add(campaign, AuditEntry(START, "", "test"))
    for name, rating_input, more in (
        ("first", UP, {"question": "What is the sky?"}),
        ("second", CORRECTED, {"question": "Capital of Australia? 首都", "answer": ANSWER}),
        ("third", UP, {"question": "Why not?", "campaign_id": "campaign"}),
    ):
        frozen = snapshot(name, owner_id=LOCAL.id, **more)
        await store.feedback.ratings.rate(frozen, LOCAL.id, rating_input, START)


@pytest.fixture
def address(tmp_path: Path, site: Site) -> Iterator[str]:
    store = open_store(migrated(tmp_path))
    run_coroutine(add_rated_answers(store))
    yield site(ScriptedEngine(), store, sign_in=StoreAccounts(store, sign_in_needed=False).sign_in)
    run_coroutine(store.close())


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """Results, as the local user sees them. Nothing may fail in it, and it stays here."""
    context = new_context(browser, locale="en-US")
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
    page.on(
        "request",
        lambda call: None if call.url.startswith((address, "blob:")) else wrong.append(call.url),
    )
    page.goto(f"{address}/results")
    yield page
    context.close()
    assert wrong == []


def questions(page: Page) -> list[str]:
    return page.locator(".ratings td:first-child a").all_inner_texts()


def test_a_complaint_is_found_read_and_reviewed_by_keys(page: Page) -> None:
    page.get_by_label("Words in question").fill("canberra 首都")
    page.locator("[name=verdict]").select_option(label="Bad")
    button(page, "Show").click()
    expect(page.locator(".figures dd").first).to_have_text("1")
    assert questions(page) == ["Capital of Australia? 首都"]
    page.get_by_role("link", name="Show all").click()
    expect(page.locator(".figures dd").first).to_have_text("3")
    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".correction del")).to_have_text("Sydney")
    expect(page.locator(".correction ins")).to_have_text("Canberra")
    expect(page.locator(".answer strong")).to_have_text("Sydney")
    expect(page.locator(".answer img")).to_have_count(0)
    expect(page.locator(".origin")).to_contain_text("temperature 0.7")
    page.wait_for_load_state()


def test_an_answer_is_reviewed_by_keys_and_noted(page: Page) -> None:
    page.get_by_role("link", name="Australia").click()
    expect(page.locator(".turn .words").last).to_contain_text("Australia")
    page.wait_for_load_state()
    page.keyboard.press("3")
    expect(page.locator(".turn .words").last).not_to_contain_text("Australia")
    page.wait_for_load_state()
    page.keyboard.press("k")
    expect(page.locator(".turn .words").last).to_contain_text("Australia")
    page.reload()
    expect(page.locator(".review b")).to_have_text("Not usable")
    expect(page.get_by_role("button", name="Not usable")).to_have_attribute("aria-pressed", "true")
    page.get_by_text("Assign, note").click()
    page.get_by_label("Note").fill("Seen 看过")
    with page.expect_navigation():  # a click before the page is there again would be lost
        button(page, "Save").click()
    expect(page.get_by_label("Note")).to_have_value("Seen 看过")
    page.get_by_role("link", name="Back to the list").click()
    expect(page.locator(".figures dd").last).to_have_text("2")


def test_what_is_found_is_taken_along_and_masked(page: Page) -> None:
    page.get_by_label("Campaign").select_option(label="A campaign 活动")
    button(page, "Show").click()
    page.get_by_text("Export 1 rated answer").click()
    with page.expect_download() as downloading:
        button(page, "Download").click()
    table = downloading.value
    assert table.suggested_filename.endswith(".csv")
    assert "Why not?" in Path(table.path()).read_text(encoding="utf-8-sig")
    page.get_by_text("Report (HTML, prints to PDF)").click()
    with page.expect_download() as downloading:
        button(page, "Download the report").click()
    assert "A campaign 活动" in Path(downloading.value.path()).read_text(encoding="utf-8")

    page.get_by_role("link", name="Show all").click()
    page.get_by_text("Export 3 rated answers").click()
    page.get_by_label("Everything (JSON)").check()
    page.get_by_label("And these names").fill("Ann")
    page.get_by_label("Mask e-mail").check()
    button(page, "Count first").click()
    expect(page.get_by_text("3 lines; 0 left out. Masked: [email] 1, [name] 1.")).to_be_visible()
    with page.expect_download() as downloading:
        button(page, "Download").click()
    assert downloading.value.suggested_filename.endswith(".json")
    whole = Path(downloading.value.path()).read_text(encoding="utf-8")
    assert "[name] says no: [email]" in whole


def test_an_export_that_would_be_empty_is_refused_with_its_reasons(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/results?campaign=campaign")
    page.get_by_text("Export 1 rated answer").click()
    page.get_by_label("Answer pairs for training").check()
    button(page, "Download").click()
    expect(page.get_by_role("alert").filter(has_text="nothing to export")).to_be_visible()
    reason = "0 lines; 1 left out: 1 without a correction and without another answer"
    expect(page.get_by_text(reason)).to_be_visible()


def test_a_report_is_taken_from_its_campaign_s_page_masked_and_in_the_other_language(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/campaigns/campaign")
    page.get_by_text("Report (HTML, prints to PDF)").click()
    button(page, "Count first").click()
    expect(page.get_by_text("Nothing would be masked.")).to_be_visible()
    form = page.locator("details.report")
    form.get_by_label("Mask e-mail").check()
    form.get_by_label("And these names").fill("why not")
    page.get_by_label("Language of the report").select_option(label="Chinese")
    button(page, "Count first").click()
    expect(page.get_by_text("Masked: [name] 1.")).to_be_visible()
    with page.expect_download() as downloading:
        button(page, "Download the report").click()
    assert downloading.value.suggested_filename == "A campaign 活动.html"
    report = Path(downloading.value.path()).read_text(encoding="utf-8")
    assert "人名、地址和号码已被遮盖：[name] 1。" in report
    assert "Why not?" not in report


@pytest.mark.parametrize("button_name", ["先统计", "下载"])
def test_names_that_would_be_cut_are_refused_with_the_limit(
    browser: Browser, address: str, button_name: str
) -> None:
    context = new_context(browser, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{address}/results")
    page.locator("details.along summary").click()
    for names, words in (
        ("\n".join(f"name {number}" for number in range(2001)), "一次最多遮盖 2,000 个姓名"),
        ("x" * 101, "有一个姓名超过 100 个字符"),
    ):
        # Set, not typed: Chromium lays the field out again for each of 2,001 typed lines.
        page.locator("[name=names]").evaluate("(field, names) => (field.value = names)", names)
        button(page, button_name).click()
        expect(page.locator("form[data-export] .error").first).to_contain_text(words)
    context.close()


def test_the_list_and_an_answer_fit_a_phone_in_chinese(browser: Browser, address: str) -> None:
    context = new_context(browser, viewport={"width": 390, "height": 844}, locale="zh-CN")
    page = context.new_page()
    for path in ("/results", "/campaigns/campaign", "/results/second"):
        page.goto(address + path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, path
    expect(page.get_by_role("heading", name="模型的回答")).to_be_visible()
    context.close()
