"""The dashboard in a browser: what it draws, how it is filtered, and for whom it is."""

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from store import RoutingStore, open_store
from tests.browser.conftest import Open, Site
from tests.browser.coroutines import run_coroutine
from tests.contract.feedback_rows import add_rows
from tests.contract.token_usage import add_campaign_data, conversation
from tests.contract.users import ANN, BOB, CY, JOINED
from tests.fakes import ScriptedEngine
from tests.migrated import migrated

pytestmark = pytest.mark.browser

PLOTS = 12


@pytest.fixture
def address(tmp_path: Path, site: Site) -> Iterator[str]:
    store = open_store(migrated(tmp_path))
    run_coroutine(store.open())
    run_coroutine(furnish(store))
    yield site(ScriptedEngine(), store)
    run_coroutine(store.close())


async def furnish(store: RoutingStore) -> None:
    for user in (ANN, BOB, CY):
        await store.accounts.add_user(user, None, JOINED)
    await add_campaign_data(store, datetime.now(UTC))


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


def test_a_missing_campaign_is_reported_as_a_sentence(address: str, tab: Open) -> None:
    page = tab(address, path="/dashboard?campaign=nothing")
    expect(page.get_by_role("alert")).to_contain_text("does not exist")


async def answer(store: RoutingStore, number: int, minutes_ago: int) -> None:
    asked_at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    await add_rows(store, *conversation(random.Random(number), number, ANN.id, "", asked_at))


def test_a_single_answer_is_a_dot_and_a_second_one_makes_a_line(
    tmp_path: Path, site: Site, tab: Open
) -> None:
    store = open_store(tmp_path)
    run_coroutine(store.open())
    run_coroutine(answer(store, 1, minutes_ago=10))
    page = tab(site(ScriptedEngine(), store), path="/dashboard?period=hour")
    dots = page.locator("#plot-queue svg .mark-symbol.plot_marks path")
    expect(dots).to_have_count(2)
    dot, plot = dots.first.bounding_box(), page.locator("#plot-queue svg").bounding_box()
    assert dot
    assert plot
    assert dot["width"] > 4
    assert plot["y"] < dot["y"]
    run_coroutine(answer(store, 2, minutes_ago=20))
    page.locator("#refresh").click()
    expect(page.locator("#plot-queue svg .mark-line.plot_marks path")).to_have_count(2)
    run_coroutine(store.close())
