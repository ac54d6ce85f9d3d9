"""The dashboard in a browser: what it draws, how it is filtered, and for whom it is."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from store import RoutingStore, open_store
from tests.browser.conftest import Open, Site
from tests.browser.test_campaigns import done
from tests.contract.folk import ANN, BOB, CY, MADE
from tests.contract.usage import fill
from tests.fakes import ScriptedEngine
from tests.migrated import migrated

pytestmark = pytest.mark.browser

PLOTS = 12


@pytest.fixture
def address(tmp_path: Path, site: Site) -> Iterator[str]:
    store = open_store(migrated(tmp_path))
    done(store.open())
    done(furnish(store))
    yield site(ScriptedEngine(), store)
    done(store.close())


async def furnish(store: RoutingStore) -> None:
    for person in (ANN, BOB, CY):
        await store.people.add_person(person, None, MADE)
    await fill(store, datetime.now(UTC))


def drawn(page: Page) -> None:
    """Every plot has bars or lines in it."""
    expect(page.locator("#plots .marks svg, #plots svg.marks")).to_have_count(PLOTS)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_figure_is_drawn_in_both_themes_and_fits_a_phone(
    address: str, tab: Open, theme: str
) -> None:
    page = tab(address, path="/dashboard?period=all", color_scheme=theme)
    drawn(page)
    expect(page.locator("#sums")).to_contain_text("Questions")
    ink = page.locator("#plot-messages svg text").first.evaluate("e => e.getAttribute('fill')")
    paper = page.evaluate("getComputedStyle(document.body).getPropertyValue('--body-text-color')")
    assert ink.strip() == paper.strip()
    page.set_viewport_size({"width": 390, "height": 800})
    drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_is_chosen_is_drawn_and_stays_after_a_reload(address: str, tab: Open) -> None:
    page = tab(address, path="/dashboard")
    drawn(page)
    before = page.locator("#sums dd").first.inner_text()
    page.locator("#period").get_by_text("Month").click()
    expect(page.locator("#sums dd").first).not_to_have_text(before)
    page.locator("#campaign input").click()
    page.get_by_role("option", name="Which is better?").first.click()
    expect(page).to_have_url(re.compile("campaign=(bobs|cys)&period=month"))
    page.get_by_role("radio", name="中").check()
    expect(page.locator("#sums")).to_contain_text("提问")
    page.reload()
    expect(page.locator("h1")).to_have_text("仪表盘")
    expect(page.locator("#period input:checked")).to_have_value("month")


def test_a_campaign_that_is_not_there_is_said_in_words(address: str, tab: Open) -> None:
    page = tab(address, path="/dashboard?campaign=nothing")
    expect(page.get_by_role("alert")).to_contain_text("does not exist")
