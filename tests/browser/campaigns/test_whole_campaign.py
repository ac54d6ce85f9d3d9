"""Whole campaigns in browsers: from the plan to the files that a host leaves with.

One host and two guests, each in a browser of their own; the answers are scripted, all else is real.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from chat.models import ChatMessage
from store import RoutingStore, open_store
from tests.browser.chromium import new_context
from tests.browser.conftest import Site
from tests.browser.coroutines import run_coroutine
from tests.browser.steps import answer, box, button, under
from tests.fakes import Script, ScriptedEngine
from tests.hosting import StoreAccounts
from tests.migrated import migrated

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Visitor = Callable[..., Page]
TITLE = "Capitals 首都"
QUESTION = "Capital of France?"
WRONG, RIGHT, LONG = "Lyon is the capital.", "Paris is the capital.", "Paris, on the **Seine**."
CORRECTION = "Paris is the capital of France."
COMMENT = "Lyon is <b>not</b> it"
REASON = "It was =quick= & good"


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[StoreAccounts]:
    store: RoutingStore = open_store(migrated(tmp_path))
    run_coroutine(store.open())
    yield StoreAccounts(store)
    run_coroutine(store.close())


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """Opens browsers that know nothing of each other.

    In none of them may anything go wrong, or be asked of another host than the one given.
    """
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def arrive(address: str, token: str = "") -> Page:
        context = new_context(browser, locale="en-US")
        contexts.append(context)
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on(
            "console", lambda line: wrong.append(line.text) if line.type == "error" else None
        )
        context.on(
            "request",
            lambda request: (
                wrong.append(f"left the host: {request.url}")
                if not request.url.startswith((address, "data:", "blob:"))
                else None
            ),
        )
        if token:
            cookie = {"name": "qwen_chat_session", "value": token, "url": address}
            context.add_cookies([cookie])  # type: ignore[list-item]  # a plain dict is one
        return context.new_page()

    yield arrive
    for context in contexts:
        context.close()
    assert wrong == []


# --- what the host does ---------------------------------------------------------------------------


def plan(host: Page, address: str, *, blind: bool = False) -> str:
    """Make a campaign with one task and two questions, and a link to it; the link."""
    host.goto(f"{address}/campaigns")
    host.get_by_role("link", name="New campaign").click()
    host.get_by_label("Title", exact=True).fill(TITLE)
    if blind:
        host.get_by_role("combobox", name="Kind", exact=True).select_option("blind")
        host.get_by_text("Sampling", exact=True).last.click()
        host.get_by_label("Temperature").last.fill("1.1")
    host.get_by_role("button", name="Add a task").click()
    host.get_by_label("Task", exact=True).fill("Ask for a capital")
    host.get_by_label("Question offered to the tester").fill(QUESTION)
    for _ in range(2):
        host.get_by_role("button", name="Add a question").click()
    host.get_by_label("Question", exact=True).first.fill("How was it?")
    host.get_by_label("Question", exact=True).last.fill("Why?")
    host.get_by_label("Answer type").last.select_option("text")
    host.get_by_label("What testers agree to").fill("We keep <b>all</b> of it.")
    button(host, "Open for testers").click()
    expect(host.get_by_role("heading", name=TITLE)).to_be_visible()
    host.get_by_role("button", name="Create link").click()
    made = host.locator(".made input")
    expect(made).to_have_value(re.compile(r"/guest#[\w-]{43}$"))
    return made.input_value()


def expect_figures(host: Page, **figures: int) -> None:
    """On the campaign's page, which renews them by itself."""
    for name, value in figures.items():
        expect(host.locator(f'[data-figure="{name}"]')).to_have_text(str(value))


def choose(host: Page, kind: str) -> None:
    """Open the form of exports of the list of results, and choose that kind."""
    along = host.locator("details.along")
    if along.get_attribute("open") is None:
        along.locator("summary").click()
    along.locator(f'[name=format][value="{kind}"]').check()


def take(host: Page, kind: str) -> bytes:
    """The file of that kind with all that the list of results finds."""
    choose(host, kind)
    with host.expect_download() as download:
        button(host, "Download").click()
    return download.value.path().read_bytes()


def pairs(host: Page) -> list[dict[str, Any]]:
    return [json.loads(line) for line in take(host, "dpo").splitlines()]


def expect_no_pairs(host: Page) -> None:
    """A file for training without lines is refused."""
    choose(host, "dpo")
    button(host, "Download").click()
    refusal = host.get_by_role("alert").filter(has_text="nothing to export in this format")
    expect(refusal).to_be_visible()


def open_report(host: Page, visitor: Visitor, folder: Path) -> Page:
    """Download the report, and open the file in a browser that can reach nothing else."""
    with host.expect_download() as download:
        host.get_by_text("Report (HTML, prints to PDF)").click()
        button(host, "Download the report").click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    page = visitor(file.as_uri())
    page.goto(file.as_uri())
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
    return page


# --- what guests do -------------------------------------------------------------------------------


def begin(guest: Page, link: str, nickname: str) -> None:
    guest.goto(link)
    guest.locator("[name=nickname]").fill(nickname)
    guest.locator("[name=nickname]").press("Enter")
    expect(guest.get_by_text("We keep <b>all</b> of it.")).to_be_visible()
    button(guest, "I agree").click()


def ask_the_task(guest: Page, expected: str) -> None:
    button(guest, "Use this question").click()
    expect(box(guest)).to_have_value(QUESTION)
    box(guest).press("Enter")
    expect(answer(guest)).to_contain_text(expected)
    expect(under(answer(guest), "Good answer")).to_be_visible()
    guest.get_by_role("checkbox", name="Ask for a capital").click()
    expect(guest.locator("#tasks .tasks")).to_contain_text("1 / 1")


def like(guest: Page) -> None:
    under(answer(guest), "Good answer").click()
    expect(under(answer(guest), "Good answer")).to_have_attribute("aria-pressed", "true")


def dislike_and_correct(guest: Page) -> None:
    under(answer(guest), "Bad answer").click()
    form = guest.get_by_role("dialog", name="Rate this answer")
    form.get_by_label("Wrong facts").check()
    form.get_by_label("Comment").fill(COMMENT)
    form.get_by_text("The answer should have been").click()
    form.get_by_role("textbox", name="The answer should have been").fill(CORRECTION)
    form.get_by_role("button", name="Save", exact=True).click()
    expect(form).to_be_hidden()
    expect(under(answer(guest), "Bad answer")).to_have_attribute("aria-pressed", "true")


def answer_survey(guest: Page, number: int, why: str) -> None:
    guest.get_by_role("link", name="Finish: survey").click()
    guest.get_by_role("group", name="How was it?").get_by_text(str(number), exact=True).click()
    guest.get_by_label("Why?").fill(why)
    button(guest, "Send").click()
    expect(guest.get_by_role("heading", name="Thank you!")).to_be_visible()


def take_back(guest: Page) -> None:
    guest.get_by_text("Delete my data").first.click()
    button(guest, "Delete my data").click()
    button(guest, "Yes, delete for good").click()
    expect(guest.get_by_role("status")).to_contain_text("rows were deleted for good")


def compare(guest: Page, choice: str) -> tuple[str, str]:
    """Ask the task's question and vote; return the texts of the left and the right answer."""
    button(guest, "Use this question").click()
    guest.get_by_label("Your question, for both").press("Enter")
    vote = button(guest, choice)
    expect(vote).to_be_visible()
    left, right = (
        guest.get_by_role("article", name=name).locator(".answer").inner_text()
        for name in ("Answer A", "Answer B")
    )
    vote.click()
    expect(guest.locator("[data-voted]")).to_be_visible()
    return left, right


# --- the proof ------------------------------------------------------------------------------------


def turns(prompt: Sequence[ChatMessage]) -> list[dict[str, str]]:
    """A prompt that an engine got, as files write it."""
    return [{"role": str(message.role), "content": message.content} for message in prompt]


def answer_messages(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def section(page: Page, title: str) -> Locator:
    return page.locator("section", has=page.get_by_role("heading", name=title, exact=True))


def expect_report(report: Page, *, holds: Sequence[str], lacks: Sequence[str] = ()) -> None:
    for text in holds:
        expect(report.locator("main")).to_contain_text(text)
    for text in lacks:
        expect(report.locator("main")).not_to_contain_text(text)


def expect_pairs(host: Page, engine: ScriptedEngine) -> None:
    """A correction, and two versions of an answer: of one prompt, as the engine got it."""
    found = pairs(host)
    assert engine.prompts[0] == engine.prompts[1]
    assert sorted((pair["source"], pair["chosen"]) for pair in found) == [
        ("correction", answer_messages(CORRECTION)),
        ("versions", answer_messages(RIGHT)),
    ]
    sent = turns(engine.prompts[0])
    assert all(
        (pair["prompt"], pair["rejected"]) == (sent, answer_messages(WRONG)) for pair in found
    )


def review(host: Page) -> None:
    """Open the answer with a bad rating, review it as usable, and return to the full list."""
    host.get_by_role("combobox", name="Rated", exact=True).select_option("down")
    button(host, "Show").click()
    host.get_by_role("link", name=QUESTION).click()
    expect(section(host, "What it answered")).to_contain_text(WRONG)
    button(host, "Usable").click()
    expect(button(host, "Usable")).to_have_attribute("aria-pressed", "true")
    host.get_by_role("link", name="Back to the list").click()
    expect(host.locator(".ratings")).to_contain_text("Usable")
    host.get_by_role("link", name="Show all").click()


def work_and_rate(first: Page, second: Page, link: str) -> None:
    """The first guest corrects an answer and likes its next version, the second likes theirs."""
    begin(first, link, "Ann")
    ask_the_task(first, WRONG)
    dislike_and_correct(first)
    under(answer(first), "Retry").click()
    expect(answer(first)).to_contain_text(RIGHT)
    like(first)
    begin(second, link, "Bob")
    ask_the_task(second, "Paris, on the Seine.")
    like(second)


def test_a_campaign_with_two_guests_from_its_link_to_report_and_pairs(
    accounts: StoreAccounts, site: Site, visitor: Visitor, tmp_path: Path
) -> None:
    engine = ScriptedEngine([Script((text,)) for text in (WRONG, RIGHT, LONG)])
    address = site(engine, accounts.store, sign_in=accounts.sign_in)
    host = visitor(address, run_coroutine(accounts.add("root")))
    link = plan(host, address)

    first, second = visitor(address), visitor(address)
    work_and_rate(first, second, link)
    expect_figures(host, came=2, consented=2, questions=2, up=2, down=1, finished=0)
    answer_survey(first, 4, REASON)
    answer_survey(second, 2, "Slow")
    expect_figures(host, finished=2)

    of_first = (COMMENT, CORRECTION, WRONG, RIGHT, REASON)
    report = open_report(host, visitor, tmp_path)
    expect_report(report, holds=(*of_first, "Wrong facts", "Slow"))
    host.get_by_role("link", name="See the rated answers").click()
    expect_pairs(host, engine)
    review(host)

    take_back(first)
    host.reload()
    expect(host.get_by_role("link", name=QUESTION)).to_have_count(1)
    expect_no_pairs(host)
    left = take(host, "json").decode()
    assert LONG in left
    assert not any(text in left for text in of_first)
    host.goto(f"{address}/campaigns")
    host.get_by_role("link", name=TITLE).click()
    expect_figures(host, came=1, consented=1, questions=1, up=1, down=0, finished=1)
    report = open_report(host, visitor, tmp_path)
    expect_report(report, holds=("Slow",), lacks=of_first)


def test_a_blind_comparison_with_two_guests_from_its_link_to_win_rate_and_pairs(
    accounts: StoreAccounts, site: Site, visitor: Visitor, tmp_path: Path
) -> None:
    texts = ("One of Ann.", "Two of Ann.", "One of Bob.", "Two of Bob.")
    engine = ScriptedEngine([Script((text,)) for text in texts])
    address = site(engine, accounts.store, sign_in=accounts.sign_in)
    host = visitor(address, run_coroutine(accounts.add("root")))
    link = plan(host, address, blind=True)

    first, second = visitor(address), visitor(address)
    begin(first, link, "Ann")
    ann = compare(first, "1 · A is better")
    begin(second, link, "Bob")
    bob = compare(second, "2 · B is better")
    expect_figures(host, came=2, consented=2, questions=2, votes=2)
    answer_survey(first, 4, REASON)
    answer_survey(second, 2, "Slow")
    expect_figures(host, finished=2)
    assert {*ann, *bob} == set(texts)

    expect_report(open_report(host, visitor, tmp_path), holds=("95",))
    host.get_by_role("link", name="Export the data").click()
    voted = [(pair["source"], pair["chosen"], pair["rejected"]) for pair in pairs(host)]
    assert voted == [
        ("vote", answer_messages(ann[0]), answer_messages(ann[1])),
        ("vote", answer_messages(bob[1]), answer_messages(bob[0])),
    ]
    assert all(pair["prompt"] == turns(engine.prompts[0]) for pair in pairs(host))

    take_back(first)
    (left,) = pairs(host)
    assert left["chosen"] == answer_messages(bob[1])
