"""A user over a limit: a sentence in the page's language, and the text stays in the box."""

import pytest
from playwright.sync_api import Browser, Page, expect

from chat.accounts.models import AccountRole, Allowance
from chat.accounts.quotas import Quotas
from tests.browser.chromium import new_context
from tests.browser.conftest import Site
from tests.browser.coroutines import run_coroutine
from tests.browser.steps import answer, ask, ask_and_wait, box, button, listed, question, under
from tests.fakes import ScriptedEngine
from tests.house import House
from tests.users import CountedRates

pytestmark = pytest.mark.browser

PLENTY = Allowance(running=2, waiting=2)


def quotas(house: House, per_address: int) -> Quotas:
    allowances = dict.fromkeys(AccountRole, PLENTY)
    return Quotas(house.users, CountedRates(), allowances, per_address=per_address)


def arrive(browser: Browser, address: str, token: str, locale: str = "en-US") -> Page:
    context = new_context(browser, locale=locale)
    context.add_cookies([{"name": "qwen_chat_session", "value": token, "url": address}])
    page = context.new_page()
    page.goto(address)
    expect(page.locator("#tools [data-lang]")).to_be_attached()
    return page


def test_all_requests_from_one_address_share_its_limit(browser: Browser, site: Site) -> None:
    house = House()
    address = site(
        ScriptedEngine(), house.store, sign_in=house.sign_in(), quotas=quotas(house, per_address=3)
    )
    ann = arrive(browser, address, run_coroutine(house.add("ann")))
    bob = arrive(browser, address, run_coroutine(house.add("bob")), locale="zh-CN")
    ask_and_wait(ann, "one")
    under(answer(ann), "Retry").click()
    expect(answer(ann).locator(".versions")).to_have_text("‹2/2›")
    question(ann).hover()
    under(question(ann), "Edit question").click()
    ann.locator("#transcript form textarea").fill("another")
    button(ann, "Save and send").click()
    expect(question(ann)).to_contain_text("another")
    expect(under(answer(ann), "Retry")).to_be_visible()
    typed = bob.locator("#message textarea")
    typed.fill("我的问题")
    typed.press("Enter")
    expect(bob.get_by_text("一分钟内的问题太多（最多 3 个）")).to_be_visible()
    expect(typed).to_have_value("我的问题")
    ann.context.close()
    bob.context.close()


def test_a_guest_at_the_limit_of_the_link_sees_an_error(browser: Browser, site: Site) -> None:
    house = House()
    address = site(
        ScriptedEngine(), house.store, sign_in=house.sign_in(), quotas=quotas(house, per_address=99)
    )
    ann = arrive(browser, address, run_coroutine(house.add("ann")))
    ann.context.close()
    host = next(iter(house.users.by_id.values()))
    _, link = run_coroutine(
        house.accounts.guests.add_link(
            host,
            label="day",
            days=1,
            max_guests=1,
            max_messages=1,
            max_tokens=9999,
            preset_id=None,
        )
    )
    token = run_coroutine(house.accounts.guests.enter(link, "Gus", address="", device=""))
    gus = arrive(browser, address, token)
    ask_and_wait(gus, "my only one")
    ask(gus, "one more")
    expect(gus.get_by_text("You have used the one question of this guest link.")).to_be_visible()
    expect(box(gus)).to_have_value("one more")
    expect(listed(gus)).to_have_count(1)
    house.clock.advance(days=2)
    gus.reload()
    expect(gus.get_by_role("heading", name="Sign in")).to_be_visible()
    gus.context.close()
