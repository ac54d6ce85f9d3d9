"""From an empty start page to the first vote of a guest, as somebody who has read nothing."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from store import RoutingStore, open_store
from tests.browser.chromium import new_context
from tests.browser.conftest import Site
from tests.browser.coroutines import run_coroutine
from tests.fakes import Script, ScriptedEngine
from tests.hosting import StoreAccounts
from tests.migrated import migrated

pytestmark = pytest.mark.browser

MOST_CLICKS = 4
"""From the link to the first vote."""


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[StoreAccounts]:
    store: RoutingStore = open_store(migrated(tmp_path))
    run_coroutine(store.open())
    yield StoreAccounts(store)
    run_coroutine(store.close())


class Clicks:
    """Counts the clicks of one person."""

    def __init__(self) -> None:
        self.count = 0

    def on(self, target: Locator) -> None:
        self.count += 1
        target.click()


def write_plan(host: Page) -> None:
    """A comparison that is half written, survives a reload, and is named what it lacks."""
    host.get_by_role("combobox", name="Kind", exact=True).select_option("blind")
    host.get_by_role("button", name="Add a question").click()
    host.get_by_label("Thank-you text", exact=True).fill("So long")
    host.get_by_role("button", name="Insert a sample text").click()
    expect(host.get_by_role("status")).to_contain_text("Saved as a draft")
    expect(host).to_have_url(re.compile(r"/campaigns/\w+/edit$"))
    host.reload()
    expect(host.locator("[name=thanks]")).to_have_value("So long")
    expect(host.get_by_label("What testers agree to")).to_have_value(re.compile("voluntary"))
    host.get_by_role("button", name="Open for testers").click()
    expect(host.locator(".beside")).to_have_text(["“Title” is missing.", "“Question” is missing."])
    expect(host.get_by_label("Title", exact=True)).to_be_focused()
    host.get_by_label("Title", exact=True).fill("Capitals")
    host.get_by_label("Question", exact=True).fill("How was it?")
    host.get_by_role("button", name="Open for testers").click()
    expect(host.get_by_role("heading", name="Capitals")).to_be_visible()


def make_link(host: Page) -> str:
    """A guest link, which is in the list at once, with its QR code."""
    host.get_by_role("button", name="Create link").click()
    made = host.locator(".made input")
    expect(made).to_have_value(re.compile(r"^http://.*/guest#[\w-]{43}$"))
    expect(host.get_by_role("img", name="QR code of the link")).to_be_visible()
    rows = host.locator('[data-renewed="links"] tbody tr')
    expect(rows).to_have_count(1)
    expect(rows.locator("time")).not_to_contain_text("T")
    return made.input_value()


def vote(guest: Page, link: str) -> int:
    """Take part and vote; the number of clicks."""
    clicks = Clicks()
    guest.goto(link)
    guest.get_by_label("Nickname").fill("Ann")
    clicks.on(guest.get_by_role("button", name="Enter"))
    expect(guest.get_by_text("Taking part is voluntary")).to_be_visible()
    clicks.on(guest.get_by_role("button", name="I agree"))
    guest.get_by_label("Your question, for both").fill("Capital of France?")
    clicks.on(guest.get_by_role("button", name="Ask both"))
    clicks.on(guest.get_by_role("button", name="1 · A is better"))
    expect(guest.locator("[data-voted]")).to_be_visible()
    guest.reload()
    expect(guest.locator("[data-left]")).to_contain_text("questions left, until")
    return clicks.count


def test_a_newcomer_invites_a_guest_who_votes_after_four_clicks(
    accounts: StoreAccounts, site: Site, browser: Browser
) -> None:
    address = site(
        ScriptedEngine([Script(("Paris.",)), Script(("Lyon.",))]),
        accounts.store,
        sign_in=accounts.sign_in,
    )
    cookie = {"name": "qwen_chat_session", "value": run_coroutine(accounts.add("root"))}
    hosts, guests = (new_context(browser, locale="en-US") for _ in range(2))
    try:
        hosts.add_cookies([cookie | {"url": address}])  # type: ignore[list-item]  # a plain dict
        host = hosts.new_page()
        host.goto(f"{address}/campaigns")
        host.get_by_role("link", name="New campaign").click()
        write_plan(host)
        assert vote(guests.new_page(), make_link(host)) <= MOST_CLICKS
        expect(host.locator('[data-figure="votes"]')).to_have_text("1")
    finally:
        hosts.close()
        guests.close()
