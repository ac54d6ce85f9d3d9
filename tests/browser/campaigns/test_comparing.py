"""Blind comparisons in a browser: asked, written side by side, voted on by keys, in two tabs."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from api.server import SignIn
from chat.accounts.models import LOCAL
from chat.campaigns.comparisons import MAX_LISTED
from chat.campaigns.hosts import Campaigns
from chat.campaigns.models import Campaign, Mode, Plan, Task, Variant, VoteChoice
from store import RoutingStore, open_store
from tests.browser.chromium import new_context
from tests.browser.conftest import LAST_WORDS, Site
from tests.browser.coroutines import run_coroutine
from tests.browser.steps import box, button
from tests.fakes import Script, ScriptedEngine
from tests.hosting import StoreAccounts
from tests.migrated import migrated

pytestmark = pytest.mark.browser

Visitor = Callable[..., BrowserContext]
PLAN = Plan(
    "Which is better? 哪个更好",
    Mode.BLIND,
    (Variant("Variant-of-Ann", "Prompt-of-Ann"), Variant("Variant-of-Bob", "Prompt-of-Bob")),
    tasks=(Task("t1", "Rivers", "Any will do", "Name a river"),),
)


def local_user(store: RoutingStore) -> SignIn:
    """No sign-in: every request is the local user's."""
    return StoreAccounts(store, sign_in_needed=False).sign_in


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RoutingStore]:
    store = open_store(migrated(tmp_path))
    run_coroutine(store.open())
    yield store
    run_coroutine(store.close())


@pytest.fixture
def campaign(store: RoutingStore) -> Campaign:
    return run_coroutine(Campaigns(store.feedback.campaigns).add(LOCAL, PLAN))


def is_wrong(line: ConsoleMessage) -> bool:
    """Whether a line of the console is about a fault; a request that is refused is none."""
    refused = "/api/" in line.location["url"] and re.search(r"status of 40[039]", line.text)
    return line.type == "error" and not refused and not line.text.startswith(LAST_WORDS)


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """Makes browsers in which nothing may go wrong; all that reaches them is kept."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def arrive(**options: Any) -> BrowserContext:
        context = new_context(browser, **{"locale": "en-US", **options})
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on(
            "console",
            lambda line: wrong.append(line.text) if is_wrong(line) else None,
        )
        contexts.append(context)
        return context

    yield arrive
    for context in contexts:
        context.close()
    assert wrong == []


def begin(page: Page, address: str, campaign: Campaign) -> None:
    """Agree; the page that compares comes."""
    page.goto(f"{address}/campaign/{campaign.id}")
    button(page, "I agree").click()
    page.wait_for_url("**/compare")


def ask(page: Page, text: str) -> None:
    page.get_by_label("Your question, for both").fill(text)
    page.get_by_label("Your question, for both").press("Enter")


def side(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=name).last


def voted(page: Page) -> Locator:
    return page.locator("[data-voted]").last


def test_a_tester_asks_both_variants_votes_by_key_and_comments(
    store: RoutingStore, campaign: Campaign, site: Site, visitor: Visitor
) -> None:
    engine = ScriptedEngine([Script(["**One** ", "answer <b>"], step_s=0.1)])
    address = site(engine, store, sign_in=local_user(store))
    page = visitor().new_page()
    begin(page, address, campaign)
    button(page, "Use this question").click()
    expect(page.get_by_label("Your question, for both")).to_have_value("Name a river")
    page.get_by_label("Your question, for both").press("Enter")
    for name in ("Answer A", "Answer B"):
        expect(side(page, name).locator("strong")).to_have_text("One")
        expect(side(page, name)).to_contain_text("answer <b>")
    button(page, "1 · A is better").wait_for()
    page.locator("h1").click()
    page.keyboard.press("ArrowDown")
    expect(voted(page)).to_have_text("You voted: equally good.")
    page.get_by_text("Say why").click()
    page.get_by_label("What made the difference?").fill("Nothing <i>at all</i>")
    button(page, "Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.reload()
    expect(voted(page)).to_have_text("You voted: equally good.")
    expect(page.get_by_label("What made the difference?")).to_have_value("Nothing <i>at all</i>")
    (kept,) = run_coroutine(
        store.feedback.comparisons.comparisons(LOCAL.id, campaign.id, MAX_LISTED)
    )
    assert (kept.comparison.choice, kept.comparison.task_id) == (VoteChoice.TIE, "t1")
    ask(page, "And another?")
    expect(page.locator("[data-round]")).to_have_count(2)
    button(page, "4 · Both bad").click()
    expect(voted(page)).to_have_text("You voted: both bad.")
    assert len(engine.prompts[-1]) == 4  # it went on from the first answer


def test_a_missing_vote_takes_the_place_of_the_next_question_until_it_is_given_or_skipped(
    store: RoutingStore, campaign: Campaign, site: Site, visitor: Visitor
) -> None:
    long = Script([f"Line {number}\n\n" for number in range(60)])
    address = site(ScriptedEngine([long]), store, sign_in=local_user(store))
    for size in ({"width": 1440, "height": 900}, {"width": 390, "height": 844}):
        page = visitor(viewport=size).new_page()
        page.goto(f"{address}/campaign/{campaign.id}/compare")
        if button(page, "I agree").is_visible():
            begin(page, address, campaign)
        ask(page, "Why?")
        for words in ("1 · A is better", "2 · B is better", "3 · Equally good", "4 · Both bad"):
            expect(button(page, words).last).to_be_in_viewport(ratio=1)
        expect(page.get_by_label("Your question, for both")).to_be_hidden()
        page.get_by_text("Skip this vote").last.click()
        button(page, "Skip").click()
        page.get_by_label("Why can you not decide?").last.fill("Both are lists.")
        button(page, "Skip").click()
        expect(page.locator("[data-round]").last).to_contain_text("Both are lists.")
        expect(page.get_by_label("Your question, for both")).to_be_visible()
    page.goto(f"{address}/campaigns/{campaign.id}")
    expect(page.get_by_role("cell", name="Both are lists.")).to_have_count(2)


def test_formulas_are_set_and_what_is_none_stays_as_it_is(
    store: RoutingStore, campaign: Campaign, site: Site, visitor: Visitor
) -> None:
    answer = "So \\(x^2 = \\frac{9}{4}\\), or\n\\[\nx\n- 1 = 0\n\\]\nfor $5 and `\\(code\\)`."
    engine = ScriptedEngine([Script([answer[:9], answer[9:]], step_s=0.1)])
    address = site(engine, store, sign_in=local_user(store))
    page = visitor().new_page()
    begin(page, address, campaign)
    ask(page, "Which x?")
    for name in ("Answer A", "Answer B"):
        formulas = side(page, name).locator("math")
        expect(formulas).to_have_count(2)
        fraction = formulas.first.locator("mfrac > *")
        above, below = fraction.first.bounding_box(), fraction.last.bounding_box()
        assert above  # it is drawn
        assert below
        assert above["y"] + above["height"] <= below["y"]
        expect(side(page, name)).to_contain_text("for $5 and \\(code\\).")


def test_a_vote_is_changed_from_a_second_tab_until_the_next_question(
    store: RoutingStore, campaign: Campaign, site: Site, visitor: Visitor
) -> None:
    engine = ScriptedEngine([Script(["so far ", "and the end"], step_s=0.5, prefill_s=0.5)])
    address = site(engine, store, sign_in=local_user(store))
    context = visitor()
    first, second = context.new_page(), context.new_page()
    begin(first, address, campaign)
    ask(first, "Why?")
    expect(first.get_by_role("button", name="Stop both")).to_be_visible()
    second.goto(first.url)
    for page in (first, second):
        expect(side(page, "Answer B")).to_contain_text("so far and the end")
        expect(button(page, "2 · B is better")).to_be_visible()
    button(first, "1 · A is better").click()
    expect(voted(first)).to_have_text("You voted: A is better.")
    button(second, "2 · B is better").click()
    expect(voted(second)).to_have_text("You voted: B is better.")
    second.keyboard.press("3")
    expect(voted(second)).to_have_text("You voted: equally good.")
    ask(first, "And then?")
    expect(first.locator("[data-round]").nth(1)).to_be_visible()
    expect(first.locator(".change").first).to_be_hidden()  # the first vote stays as it is
    button(second, "1 · A is better").click()  # this tab has not seen the next question
    expect(second.get_by_text("This vote can no longer be changed")).to_be_visible()


def test_a_question_typed_in_the_chat_comes_along_to_the_page_that_compares(
    store: RoutingStore, campaign: Campaign, site: Site, visitor: Visitor
) -> None:
    address = site(ScriptedEngine([Script(["Yes."])]), store, sign_in=local_user(store))
    page = visitor().new_page()
    page.goto(address)
    box(page).fill("Name a river\nand a lake")
    page.goto(f"{address}/?campaign={campaign.id}")
    button(page, "I agree").click()
    question = page.get_by_label("Your question, for both")
    expect(question).to_have_value("Name a river\nand a lake")
    question.press("Enter")
    expect(page.get_by_role("heading", name="Name a river")).to_be_visible()
    page.reload()
    expect(question).to_have_value("")


def test_the_host_sees_and_steers_a_test_without_a_reload_and_keeps_what_is_being_typed(
    store: RoutingStore, campaign: Campaign, site: Site, visitor: Visitor
) -> None:
    address = site(ScriptedEngine([Script(["Yes."])]), store, sign_in=local_user(store))
    tester, host = visitor().new_page(), visitor().new_page()
    begin(tester, address, campaign)
    host.goto(f"{address}/campaigns/{campaign.id}")
    host.get_by_text("Tell all testers something").click()
    notice = host.get_by_label("A short text on all pages of the testers")
    notice.fill("Five more minutes")
    ask(tester, "Name a river")
    events = host.locator("[data-live-part=events]")
    expect(events).to_contain_text("has not voted yet")
    button(tester, "1 · A is better").click()
    expect(events).to_contain_text("A is better")
    expect(host.locator('[data-figure="votes"]')).to_have_text("1")
    expect(notice).to_have_value("Five more minutes")
    button(host, "Show it now").click()
    expect(host.locator("[data-live-part=controls] q")).to_have_text("Five more minutes")
    button(host, "Pause: no questions for now").click()
    expect(button(host, "Go on: accept questions again")).to_be_visible()
    expect(tester.get_by_text("Five more minutes")).to_be_visible(timeout=20_000)
    expect(tester.get_by_text("The host has paused this test.")).to_be_visible()
    host.locator("[data-live-part=chats] a").first.click()
    expect(host.get_by_text("Name a river").first).to_be_visible()


def test_what_was_stopped_takes_no_vote_and_can_be_asked_again(
    store: RoutingStore, campaign: Campaign, site: Site, visitor: Visitor
) -> None:
    scripts = [Script(["so far"], hangs=True), Script(["so far"], hangs=True), Script(["whole"])]
    address = site(ScriptedEngine(scripts), store, sign_in=local_user(store))
    page = visitor(locale="zh-CN", viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{address}/campaign/{campaign.id}/compare")  # leads to the consent first
    button(page, "我同意").click()
    page.wait_for_url("**/compare")
    page.get_by_label("您的问题（两边同时回答）").fill("为什么？")
    button(page, "同时提问").click()
    expect(side(page, "回答 A")).to_contain_text("so far")
    button(page, "两边都停止").click()
    expect(side(page, "回答 B")).to_contain_text("已停止。")
    expect(page.get_by_text("因此无法投票")).to_be_visible()
    button(page, "两边重新回答").click()
    expect(side(page, "回答 B")).to_contain_text("whole")
    expect(button(page, "2 · B 更好")).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390


def test_a_question_that_comes_after_the_end_stays_in_its_box_and_the_last_vote_counts(
    store: RoutingStore, campaign: Campaign, site: Site, visitor: Visitor
) -> None:
    address = site(ScriptedEngine(), store, sign_in=local_user(store))
    context = visitor()
    page = context.new_page()
    begin(page, address, campaign)
    ask(page, "Why?")
    expect(button(page, "1 · A is better")).to_be_visible()
    expect(page.get_by_label("Your question, for both")).to_be_hidden()
    run_coroutine(Campaigns(store.feedback.campaigns).close(LOCAL, campaign.id))
    button(page, "1 · A is better").click()
    expect(voted(page)).to_have_text("You voted: A is better.")
    ask(page, "One more?")
    expect(page.locator(".ask").get_by_role("alert")).to_contain_text("This test has ended")
    expect(page.get_by_label("Your question, for both")).to_have_value("One more?")
    page.get_by_text("Say why").click()
    comment = page.get_by_label("What made the difference?")
    refusal = "“What made the difference?” has 1,048,576 characters; at most 20,000 are accepted."
    comment.evaluate("it => { it.value = 'x'.repeat(2 ** 20); }")
    button(page, "Save").click()
    expect(page.locator("[data-foot]").get_by_role("alert")).to_contain_text(refusal)
    comment.evaluate("it => it.removeAttribute('data-longest')")  # so that the server reports it
    button(page, "Save").click()
    expect(page.locator("[data-foot]").get_by_role("alert")).to_contain_text(refusal)
    assert len(comment.input_value()) == 2**20
    page.reload()
    expect(page.get_by_text("This test has ended")).to_be_visible()
    expect(voted(page)).to_have_text("You voted: A is better.")


def test_a_host_finds_a_vote_and_reads_it_with_both_answers_by_name(
    store: RoutingStore, campaign: Campaign, site: Site, visitor: Visitor
) -> None:
    engine = ScriptedEngine([Script(["So \\(x^2 = 9\\)."])])
    address = site(engine, store, sign_in=local_user(store))
    page = visitor().new_page()
    begin(page, address, campaign)
    for question, vote in (("Which x?", "1 · A is better"), ("Why?", "3 · Equally good")):
        ask(page, question)
        page.locator("[data-undecided]").wait_for()
        button(page, vote).click()
        expect(voted(page)).to_contain_text("You voted")
    (first, _) = run_coroutine(
        store.feedback.comparisons.comparisons(LOCAL.id, campaign.id, MAX_LISTED)
    )
    names = [variant.name for variant in PLAN.variants]
    winner, other = (names[one.variant] for one in (first.comparison.left, first.comparison.right))

    page.goto(f"{address}/campaigns/{campaign.id}")
    page.get_by_role("link", name="See the votes").click()
    expect(page.locator(".ratings tbody tr")).to_have_count(2)
    page.locator("[name=winner]").select_option(label=winner)
    page.get_by_label("Words in question or comment").fill("WHICH")
    button(page, "Show").click()
    expect(page.locator(".ratings tbody tr")).to_have_count(1)
    expect(page.locator(".ratings tbody td").nth(1)).to_contain_text(winner)
    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    for name, variant in (("Answer A", winner), ("Answer B", other)):
        expect(side(page, name).locator("h3").first).to_contain_text(variant)
        expect(side(page, name).locator("math")).to_have_count(1)
        expect(side(page, name)).to_contain_text(engine.model)
    expect(side(page, "Answer A").locator("h3").first).to_contain_text("better")
    page.get_by_role("link", name="Back to the list").click()
    page.get_by_role("link", name="Export the data").click()
    expect(page.get_by_text("Export 2 votes")).to_be_visible()


def test_the_votes_fit_a_phone_in_chinese(
    store: RoutingStore, campaign: Campaign, site: Site, visitor: Visitor
) -> None:
    address = site(ScriptedEngine(), store, sign_in=local_user(store))
    page = visitor(locale="zh-CN", viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{address}/campaign/{campaign.id}/compare")
    button(page, "我同意").click()
    page.wait_for_url("**/compare")
    page.wait_for_load_state()
    page.get_by_label("您的问题（两边同时回答）").fill("为什么？" + "很长" * 200)
    button(page, "同时提问").click()
    button(page, "1 · A 更好").click()
    expect(voted(page)).to_be_visible()
    page.goto(f"{address}/results/votes?campaign={campaign.id}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".ratings td:first-child a").click()
    expect(page.get_by_role("heading", name="投票情况")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
