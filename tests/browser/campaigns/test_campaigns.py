"""Campaigns in a browser: a host plans and watches, testers come by a link and take it back."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from chat.accounts.models import LOCAL, User
from chat.campaigns.hosts import Campaigns
from chat.campaigns.models import (
    Campaign,
    Mode,
    Plan,
    QuestionKind,
    SurveyQuestion,
    Task,
    Variant,
)
from store import RoutingStore, open_store
from tests.browser.chromium import new_context
from tests.browser.conftest import Site
from tests.browser.coroutines import run_coroutine
from tests.browser.steps import answer, ask, ask_and_wait, box, button, question
from tests.fakes import Script, ScriptedEngine
from tests.hosting import StoreAccounts
from tests.migrated import migrated

pytestmark = pytest.mark.browser

Visitor = Callable[..., BrowserContext]
ENGINE = [Script(["The ", "Rhine"])]
PLAN = Plan(
    "River test 河流",
    Mode.SINGLE,
    (Variant("A", "Be brief."),),
    tasks=(Task("t1", "Ask for a river", "Any will do", "Name a river"), Task("t2", "Rate it")),
    consent="We keep <b>all</b> of it.",
    survey=(
        SurveyQuestion("q1", QuestionKind.SCALE, "How was it?", "bad", "good"),
        SurveyQuestion("q2", QuestionKind.TEXT, "Why?"),
    ),
    thanks="Many thanks",
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RoutingStore]:
    store = open_store(migrated(tmp_path))
    run_coroutine(store.open())
    yield store
    run_coroutine(store.close())


@pytest.fixture
def accounts(store: RoutingStore) -> StoreAccounts:
    return StoreAccounts(store)


@pytest.fixture
def address(accounts: StoreAccounts, site: Site) -> str:
    return site(ScriptedEngine(ENGINE), accounts.store, sign_in=accounts.sign_in)


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """Makes browsers that know nothing of each other, in which nothing may go wrong."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def arrive(address: str, token: str = "", **options: Any) -> BrowserContext:
        context = new_context(browser, **{"locale": "en-US", **options})
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        if token:
            cookie = {"name": "qwen_chat_session", "value": token, "url": address}
            context.add_cookies([cookie])  # type: ignore[list-item]  # a plain dict is one
        contexts.append(context)
        return context

    yield arrive
    for context in contexts:
        context.close()
    assert wrong == []


def add_campaign(accounts: StoreAccounts, user: User, plan: Plan = PLAN) -> Campaign:
    return run_coroutine(Campaigns(accounts.store.feedback.campaigns).add(user, plan))


def guest_address(accounts: StoreAccounts, user: User, campaign: Campaign, address: str) -> str:
    _, token = run_coroutine(
        accounts.service.guests.add_link(
            user,
            label="Open day",
            days=7,
            max_guests=5,
            max_messages=20,
            max_tokens=20_000,
            campaign_id=campaign.id,
        )
    )
    return f"{address}/guest#{token}"


def enter(page: Page, link: str, nickname: str = "Gus") -> None:
    page.goto(link)
    page.locator("[name=nickname]").fill(nickname)
    page.locator("[name=nickname]").press("Enter")
    page.wait_for_url("**/campaign/*")


def tasks(page: Page) -> Any:
    return page.locator("#tasks .tasks")


def figure(page: Page, name: str) -> Any:
    return page.locator(f'[data-figure="{name}"]')


def plan_campaign(host: Page, address: str) -> str:
    """Make a campaign and a link to it; the link."""
    host.goto(f"{address}/campaigns")
    host.get_by_role("link", name="New campaign").click()
    host.get_by_label("Title", exact=True).fill("River test")
    host.get_by_label("System prompt").first.fill("Be brief.")
    for title in ("Rate it", "Ask for a river"):
        host.get_by_role("button", name="Add a task").click()
        host.get_by_label("Task", exact=True).last.fill(title)
    host.get_by_label("Question offered to the tester").last.fill("Name a river")
    host.get_by_role("button", name="Move up").last.click()
    host.get_by_role("button", name="Add a question").click()
    host.get_by_label("Question", exact=True).fill("How was it?")
    host.get_by_label("What testers agree to").fill("We keep <b>all</b> of it.")
    button(host, "Open for testers").click()
    expect(host.get_by_role("heading", name="River test")).to_be_visible()
    expect(host.locator(".plan")).to_contain_text("Ask for a riverRate it")
    host.get_by_role("button", name="Create link").click()
    made = host.locator(".made input")
    expect(made).to_have_value(re.compile(r"/guest#[\w-]{43}$"))
    return made.input_value()


def work(guest: Page, consent: str, address: str) -> None:
    """Agree, ask the question of the first task, tick it."""
    expect(guest.get_by_text(consent)).to_be_visible()
    at = guest.url
    guest.goto(address)  # nothing begins before the text was agreed to
    guest.wait_for_url(at)
    button(guest, "I agree").click()
    expect(tasks(guest)).to_contain_text("Ask for a river")
    expect(guest.locator("#header [data-do=settings]")).to_be_hidden()
    button(guest, "Use this question").click()
    expect(box(guest)).to_have_value("Name a river")
    box(guest).press("Enter")
    expect(answer(guest)).to_contain_text("The Rhine")
    expect(button(guest, "Send")).to_be_visible()  # the end of an answer draws the page anew
    guest.get_by_role("checkbox", name="Ask for a river").click()
    expect(tasks(guest)).to_contain_text("1 / 2")
    guest.reload()
    expect(tasks(guest)).to_contain_text("1 / 2")


def answer_survey(guest: Page, link: str) -> None:
    """Answer half, go away, come back by the link, and send."""
    guest.get_by_role("link", name="Finish: survey").click()
    guest.get_by_role("group", name="How was it?").get_by_text("4", exact=True).click()
    expect(guest.get_by_text("Saved.")).to_be_visible()
    guest.get_by_role("link", name="Back to the tasks").click()
    expect(tasks(guest)).to_be_visible()
    guest.goto(link)  # opening the link again gives the same tester
    guest.get_by_role("link", name="Finish: survey").click()
    expect(guest.get_by_role("radio", name="4")).to_be_checked()
    button(guest, "Send").click()
    expect(guest.get_by_role("heading", name="Thank you!")).to_be_visible()


def take_back(guest: Page) -> None:
    guest.get_by_text("Delete my data").first.click()
    button(guest, "Delete my data").click()
    button(guest, "Yes, delete for good").click()
    expect(guest.get_by_role("status")).to_contain_text("rows were deleted for good")


def test_a_campaign_from_its_plan_to_the_data_that_a_guest_takes_back(
    accounts: StoreAccounts, address: str, visitor: Visitor
) -> None:
    run_coroutine(accounts.add("root"))
    host = visitor(address, run_coroutine(accounts.add("host"))).new_page()
    link = plan_campaign(host, address)
    guest = visitor(address).new_page()
    enter(guest, link)
    work(guest, "We keep <b>all</b> of it.", address)
    answer_survey(guest, link)
    for name in ("came", "consented", "finished", "questions"):
        expect(figure(host, name)).to_have_text("1")
    take_back(guest)
    for name in ("came", "questions"):
        expect(figure(host, name)).to_have_text("0")
    assert [user.name for user in run_coroutine(accounts.store.accounts.users())] == [
        "root",
        "host",
    ]


def test_a_link_that_is_revoked_in_the_middle_leaves_all_to_read_and_the_survey_to_send(
    accounts: StoreAccounts, address: str, visitor: Visitor
) -> None:
    root = run_coroutine(accounts.user(run_coroutine(accounts.add("root"))))
    campaign = add_campaign(accounts, root)
    page = visitor(address).new_page()
    enter(page, guest_address(accounts, root, campaign, address))
    button(page, "I agree").click()
    ask_and_wait(page, "Name a river")
    (link,) = run_coroutine(accounts.store.accounts.guest_links(None))
    run_coroutine(accounts.service.guests.revoke_link(root, link.id))
    ask(page, "Another one")
    expect(page.get_by_role("alert")).to_contain_text("This test has ended")
    expect(box(page)).to_have_value("Another one")
    expect(question(page)).to_contain_text("Name a river")
    page.reload()
    expect(answer(page)).to_contain_text("The Rhine")
    expect(tasks(page)).to_contain_text("The survey can be sent for one more day")
    page.get_by_role("link", name="Finish: survey").click()
    page.get_by_label("Why?").fill("Because")
    button(page, "Send").click()
    expect(page.get_by_text("Many thanks")).to_be_visible()


def test_a_phone_in_chinese_has_the_tasks_at_its_foot(
    accounts: StoreAccounts, address: str, visitor: Visitor
) -> None:
    root = run_coroutine(accounts.user(run_coroutine(accounts.add("root"))))
    campaign = add_campaign(accounts, root)
    phone = {"viewport": {"width": 390, "height": 844}, "locale": "zh-CN", "has_touch": True}
    page = visitor(address, **phone).new_page()
    enter(page, guest_address(accounts, root, campaign, address))
    expect(page.get_by_text("保存的内容")).to_be_visible()
    button(page, "我同意").click()
    bar = tasks(page).locator(".title")
    expect(bar).to_contain_text("River test 河流")
    expect(page.get_by_role("button", name="使用这个问题")).to_be_hidden()
    bar.tap()
    page.get_by_role("button", name="使用这个问题").tap()
    expect(page.get_by_role("button", name="使用这个问题")).to_be_hidden()
    field = page.locator("#message textarea")
    expect(field).to_have_value("Name a river")
    at, below = field.bounding_box(), bar.bounding_box()
    assert at
    assert below
    assert at["y"] + at["height"] <= below["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    bar.tap()
    page.get_by_role("link", name="完成：填写问卷").tap()
    page.get_by_role("group", name="How was it?").get_by_text("5", exact=True).tap()
    button(page, "提交").tap()
    expect(page.get_by_role("heading", name="谢谢！")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("width", [1440, 390])
def test_the_question_of_a_task_without_instructions_stands_below_its_title(
    store: RoutingStore, site: Site, visitor: Visitor, width: int
) -> None:
    accounts = StoreAccounts(store, sign_in_needed=False)
    address = site(ScriptedEngine(ENGINE), store, sign_in=accounts.sign_in)
    cards = (Task("t1", "River", "", "Name a river"), Task("t2", "Sea", "Any.", "Name a sea"))
    campaign = add_campaign(accounts, LOCAL, replace(PLAN, tasks=cards))
    page = visitor(address, viewport={"width": width, "height": 844}).new_page()
    page.goto(f"{address}/campaign/{campaign.id}")
    button(page, "I agree").click()
    if width < 1100:
        tasks(page).locator(".title").click()
    for number, title in enumerate(("River", "Sea")):
        card = tasks(page).locator("li").nth(number)
        name = card.get_by_text(title, exact=True).bounding_box()
        put, tick = card.locator(".put").bounding_box(), card.get_by_role("checkbox").bounding_box()
        assert name
        assert put
        assert tick
        assert name["y"] + name["height"] <= put["y"]
        assert abs(name["y"] + name["height"] / 2 - tick["y"] - tick["height"] / 2) < 4


def test_without_accounts_the_address_admits_testers_and_they_can_withdraw(
    store: RoutingStore, site: Site, visitor: Visitor
) -> None:
    accounts = StoreAccounts(store, sign_in_needed=False)
    address = site(ScriptedEngine(ENGINE), store, sign_in=accounts.sign_in)
    campaign = add_campaign(accounts, LOCAL)
    page = visitor(address).new_page()
    page.goto(f"{address}/campaign/{campaign.id}")
    button(page, "I agree").click()
    expect(tasks(page)).to_be_visible()
    page.reload()  # before anything was asked
    expect(tasks(page)).to_be_visible()
    ask_and_wait(page, "Name a river")
    (kept,) = run_coroutine(store.conversations(LOCAL.id))
    assert (kept.campaign_id, kept.options.system_prompt) == (campaign.id, "Be brief.")
    button(page, "River test 河流 0 / 2").click()
    expect(page.get_by_role("checkbox").first).to_be_hidden()
    button(page, "River test 河流 0 / 2").click()
    button(page, "Leave the test").click()
    expect(tasks(page)).to_have_count(0)
    ask_and_wait(page, "Something else")
    newest = run_coroutine(store.conversations(LOCAL.id))[0]
    assert newest.campaign_id == ""
    page.get_by_role("navigation", name="Conversations").get_by_text("Name a river").click()
    expect(tasks(page)).to_be_visible()


def test_a_plan_that_is_refused_keeps_its_text_and_one_in_use_can_be_copied(
    store: RoutingStore, site: Site, visitor: Visitor
) -> None:
    accounts = StoreAccounts(store, sign_in_needed=False)
    address = site(ScriptedEngine(ENGINE), store, sign_in=accounts.sign_in)
    campaign = add_campaign(accounts, LOCAL)
    page = visitor(address).new_page()
    page.goto(f"{address}/campaigns/{campaign.id}/edit")
    reasons = page.get_by_label("Reasons offered")
    reasons.fill("\n".join(f"reason {number}" for number in range(21)))
    button(page, "Save").click()
    expect(page.get_by_role("alert")).to_contain_text("At most 20 reasons")
    expect(reasons).to_be_focused()
    expect(reasons).to_have_value("\n".join(f"reason {number}" for number in range(21)))

    part = run_coroutine(Campaigns(store.feedback.campaigns).get(LOCAL, campaign.id))
    page.goto(f"{address}/campaign/{part.id}")
    button(page, "I agree").click()
    expect(tasks(page)).to_be_visible()
    page.goto(f"{address}/campaigns/{campaign.id}/edit")
    expect(page.get_by_label("System prompt").first).to_be_disabled()
    page.get_by_label("Title", exact=True).fill("Better title")
    button(page, "Save").click()
    expect(page.get_by_role("heading", name="Better title")).to_be_visible()
    page.get_by_role("link", name="Copy as a new one").click()
    expect(page.get_by_label("System prompt").first).to_have_value("Be brief.")
    button(page, "Open for testers").click()
    expect(figure(page, "consented")).to_have_text("0")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete plan").click()
    expect(page.get_by_role("link", name="Better title")).to_have_count(1)


def alert(page: Page) -> Any:
    return page.locator("main [role=alert]:visible").first


def test_what_is_too_long_in_a_plan_is_named_with_its_limit_and_stays_in_its_box(
    accounts: StoreAccounts, address: str, visitor: Visitor
) -> None:
    host = visitor(address, run_coroutine(accounts.add("root"))).new_page()
    host.goto(f"{address}/campaigns/new")
    consent, long = host.get_by_label("What testers agree to"), "x" * 20_001
    host.get_by_label("Title", exact=True).fill("River test")
    consent.fill(long)
    button(host, "Open for testers").click()
    refusal = "“What testers agree to, in your words” has 20,001 characters; at most 20,000"
    expect(alert(host)).to_contain_text(refusal)
    expect(consent).to_have_value(long)
    expect(consent).to_be_focused()
    # The same of the server, for whoever sends it past the page.
    consent.evaluate("field => field.removeAttribute('data-longest')")
    button(host, "Open for testers").click()
    expect(alert(host)).to_contain_text(refusal)
    expect(consent).to_have_value(long)
    consent.fill("Short")
    host.get_by_role("button", name="Add a task").click()
    host.get_by_label("Task", exact=True).fill("y" * 501)
    button(host, "Open for testers").click()
    expect(alert(host)).to_contain_text("“Task” has 501 characters; at most 500 are accepted.")
    host.get_by_label("Task", exact=True).fill("A river")
    host.get_by_label("Kind").first.select_option("blind")
    host.get_by_label("Name (testers never see it)").last.fill("A")
    button(host, "Open for testers").click()
    expect(alert(host)).to_have_text(
        "Each variant needs a name of its own; a comparison has from two to eight."
    )
    host.get_by_label("Name (testers never see it)").last.fill("B")
    button(host, "Open for testers").click()
    expect(host.get_by_role("heading", name="River test")).to_be_visible()


def test_a_number_out_of_bounds_opens_its_section_of_the_form(
    accounts: StoreAccounts, address: str, visitor: Visitor
) -> None:
    host = visitor(address, run_coroutine(accounts.add("root"))).new_page()
    host.goto(f"{address}/campaigns/new")
    host.get_by_label("Title", exact=True).fill("River test")
    temperature = host.get_by_label("Temperature").first
    host.locator("summary").first.click()
    temperature.fill("9")
    host.locator("summary").first.click()
    expect(temperature).to_be_hidden()
    button(host, "Open for testers").click()
    expect(temperature).to_be_focused()


def test_an_answer_of_the_survey_that_is_too_long_is_named_and_the_others_are_kept(
    accounts: StoreAccounts, address: str, visitor: Visitor
) -> None:
    root = run_coroutine(accounts.user(run_coroutine(accounts.add("root"))))
    campaign = add_campaign(accounts, root)
    guest = visitor(address).new_page()
    enter(guest, guest_address(accounts, root, campaign, address))
    button(guest, "I agree").click()
    expect(tasks(guest)).to_be_visible()
    guest.goto(f"{address}/campaign/{campaign.id}/survey")
    why, long = guest.get_by_label("Why?"), "原" * 20_001
    why.fill(long)
    refusal = "“Why?” has 20,001 characters; at most 20,000 are accepted."
    expect(alert(guest)).to_contain_text(refusal)
    with guest.expect_response(lambda answer: answer.ok and "/survey" in answer.url):
        guest.get_by_role("group", name="How was it?").get_by_text("4", exact=True).click()
    button(guest, "Send").click()
    expect(alert(guest)).to_contain_text(refusal)
    expect(why).to_have_value(long)
    why.fill(long[1:])  # 60,000 bytes
    expect(guest.get_by_text("Saved.")).to_be_visible()
    expect(guest.locator("[role=alert]:visible")).to_have_count(0)
    guest.reload()
    expect(guest.get_by_role("radio", name="4")).to_be_checked()
    expect(why).to_have_value(long[1:])


def test_on_a_phone_the_ways_to_other_pages_stand_below_the_name(
    accounts: StoreAccounts, address: str, visitor: Visitor
) -> None:
    options = {"viewport": {"width": 390, "height": 844}}
    host = visitor(address, run_coroutine(accounts.add("root")), **options).new_page()
    host.goto(f"{address}/campaigns")
    header = host.locator("header")
    name, tongue, ways = (
        header.locator(part).bounding_box() for part in ("b", "[data-language]", "nav")
    )
    assert name
    assert tongue
    assert ways
    assert tongue["y"] < name["y"] < tongue["y"] + tongue["height"] <= ways["y"]
    assert ways["x"] < 20
