"""Keys in a browser: made, copied once, used by a program, revoked; by keyboard and on a phone."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from chat.accounts.models import AccountRole
from tests.browser.chromium import new_context
from tests.browser.conftest import Site
from tests.browser.coroutines import run_coroutine
from tests.fakes import ScriptedEngine
from tests.house import House

pytestmark = pytest.mark.browser

DESTROYS = "rgb(185, 58, 52)"
"""The colour of a button that destroys something, in the light theme."""

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def address(house: House, site: Site) -> str:
    return site(ScriptedEngine(), house.store, sign_in=house.sign_in())


@pytest.fixture
def keys(house: House, address: str, browser: Browser) -> Iterator[Page]:
    """The page of keys of an administrator's phone."""
    context = new_context(browser, locale="en-US", viewport=PHONE)
    context.add_cookies(
        [{"name": "qwen_chat_session", "value": run_coroutine(house.add("ann")), "url": address}]
    )
    page = context.new_page()
    page.goto(f"{address}/keys")
    yield page
    context.close()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def make_by_keyboard(keys: Page) -> str:
    """The displayed secret of a new key with the scope metrics only."""
    keys.get_by_label("Purpose").focus()
    keys.keyboard.type("prometheus")
    for pressed in ("Tab", "Space", "Tab", "Space", "Tab"):
        keys.keyboard.press(pressed)
    keys.keyboard.type("90")
    keys.keyboard.press("Enter")
    made = keys.locator(".made input")
    expect(made).to_have_value(re.compile(r"^sk-[\w-]{43}$"))
    return made.input_value()


def test_a_key_is_displayed_once_to_be_copied(keys: Page) -> None:
    secret = make_by_keyboard(keys)
    keys.get_by_role("button", name="Copy").press("Enter")
    expect(keys.get_by_role("button", name="Copied")).to_be_visible()
    keys.get_by_label("Purpose").focus()
    keys.keyboard.press("ControlOrMeta+V")
    expect(keys.get_by_label("Purpose")).to_have_value(secret[:60])
    assert fits(keys)
    keys.reload()
    expect(keys.locator("td code")).to_have_text(f"{secret[:8]}…")
    assert secret not in keys.content()
    assert fits(keys)


def test_a_key_opens_the_figures_until_it_is_revoked(address: str, keys: Page) -> None:
    complaints: list[str] = []
    keys.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    headers = {"Authorization": f"Bearer {make_by_keyboard(keys)}"}
    assert httpx.get(f"{address}/v1/models", headers=headers).status_code == 403
    keys.reload()
    keys.get_by_role("button", name="Revoke").press("Enter")
    sure = keys.get_by_role("button", name="Yes, revoke: it stops working now")
    expect(sure).to_be_focused()
    expect(sure).to_have_css("color", DESTROYS)
    assert httpx.get(f"{address}/metrics", headers=headers).status_code == 200
    keys.keyboard.press("Enter")
    expect(keys.get_by_text("revoked")).to_be_visible()
    assert httpx.get(f"{address}/metrics", headers=headers).status_code == 401
    assert complaints == []


def test_the_page_of_keys_reports_errors_in_chinese(keys: Page) -> None:
    keys.get_by_role("button", name="中文").click()
    expect(keys.get_by_role("heading", name="API 密钥", exact=True).first).to_be_visible()
    keys.get_by_label("用途").fill("脚本")
    keys.get_by_label("有效天数（留空：永久）").fill("9999")
    keys.get_by_role("button", name="生成密钥").click()
    expect(keys.get_by_role("alert")).to_have_text("有一个数字太小或太大。")
    assert fits(keys)


def test_a_member_sees_no_scopes_to_choose_from(
    house: House, address: str, browser: Browser, keys: Page
) -> None:
    context = new_context(browser, locale="en-US")
    token = run_coroutine(house.add("bob", AccountRole.MEMBER))
    context.add_cookies([{"name": "qwen_chat_session", "value": token, "url": address}])
    page = context.new_page()
    page.goto(f"{address}/account")
    page.get_by_role("link", name="API keys").click()
    expect(page.get_by_role("checkbox")).to_have_count(0)
    page.get_by_label("Purpose").fill("script")
    page.get_by_role("button", name="Create key").click()
    expect(page.locator(".made input")).to_be_visible()
    context.close()
