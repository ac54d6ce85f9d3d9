"""Accounts in a browser: set-up, invitation, guests, disabled users, requests of other origins."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from chat.accounts.models import AccountRole
from tests.browser.chromium import new_context
from tests.browser.conftest import Site
from tests.browser.coroutines import run_coroutine
from tests.browser.steps import answer, ask_and_wait, button, listed
from tests.fakes import Script, ScriptedEngine
from tests.house import PASSWORD, House

pytestmark = pytest.mark.browser

Visitor = Callable[[], BrowserContext]


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def address(house: House, site: Site) -> str:
    engine = ScriptedEngine([Script(["Hello ", "there"])])
    return site(engine, house.store, sign_in=house.sign_in())


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """Makes browsers that know nothing of each other."""
    contexts: list[BrowserContext] = []

    def arrive() -> BrowserContext:
        contexts.append(new_context(browser, locale="en-US"))
        return contexts[-1]

    yield arrive
    for context in contexts:
        context.close()


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def join(page: Page, name: str, *, as_what: str) -> None:
    page.get_by_role("textbox", name="Name").fill(name)
    page.locator("input[type=password]:visible").fill(PASSWORD)
    button(page, as_what).click()
    expect(page.locator("#tools [data-lang]")).to_be_attached()


def link(address: str, page: str) -> re.Pattern[str]:
    return re.compile(rf"^{re.escape(address)}/{page}#[\w-]{{43}}$")


def complaints_of(page: Page) -> list[str]:
    console_errors: list[str] = []
    page.on(
        "console", lambda line: console_errors.append(line.text) if line.type == "error" else None
    )
    page.on("pageerror", lambda error: console_errors.append(str(error)))
    return console_errors


def test_one_link_makes_the_administrator_and_another_a_member(
    house: House, address: str, visitor: Visitor
) -> None:
    ann, bob = visitor().new_page(), visitor().new_page()
    complaints = complaints_of(ann)
    ann.goto(f"{address}/welcome#{run_coroutine(house.accounts.one_time_links.set_up())}")
    join(ann, "ann", as_what="Create administrator")
    expect(ann.locator("#person")).to_contain_text("ann")
    ask_and_wait(ann, "the secret of ann")

    ann.goto(f"{address}/people")
    ann.get_by_role("button", name="Invite").click()
    invitation = ann.locator(".made input")
    expect(invitation).to_have_value(link(address, "welcome"))
    bob.goto(invitation.input_value())
    join(bob, "bob", as_what="Create account")
    expect(bob.locator("#person")).to_contain_text("bob")
    expect(listed(bob)).to_have_count(0)
    assert complaints == []


def test_a_member_invites_guests_that_need_only_a_nickname(
    house: House, address: str, visitor: Visitor
) -> None:
    token = run_coroutine(house.add("bob"))
    context = visitor()
    context.add_cookies([{"name": "qwen_chat_session", "value": token, "url": address}])
    bob, gus = context.new_page(), visitor().new_page()
    complaints = complaints_of(gus)
    bob.goto(f"{address}/guests")
    bob.get_by_label("Purpose").fill("compare with ACME")
    bob.get_by_label("Welcome").fill("open day")
    bob.get_by_role("button", name="Create link").click()
    made = bob.locator(".made input")
    expect(made).to_have_value(link(address, "guest"))
    gus.goto(made.input_value())
    expect(gus.get_by_text("open day")).to_be_visible()
    expect(gus.get_by_text("ACME")).to_have_count(0)
    gus.get_by_label("Nickname").fill("Gus")
    gus.get_by_role("button", name="Enter").click()
    expect(gus.locator("#person")).to_contain_text("Gus")
    gus.locator('[data-do="account"]').first.click()
    expect(gus.locator("#account-menu")).to_contain_text("Questions left: 100, until")
    gus.keyboard.press("Escape")
    ask_and_wait(gus, "a guest's question")
    expect(answer(gus)).to_contain_text("Hello there")
    assert complaints == []


def test_signing_in_reports_errors_and_leads_back(
    house: House, address: str, visitor: Visitor
) -> None:
    run_coroutine(house.add("ann"))
    page = visitor().new_page()
    page.goto(f"{address}/account")
    expect(page).to_have_url(f"{address}/sign-in?next=/account")
    sign_in(page, "ann", "wrong password")
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    sign_in(page, "ann")
    expect(page).to_have_url(f"{address}/account")
    button(page, "Sign out").click()
    expect(page).to_have_url(f"{address}/sign-in")
    page.goto(address)
    expect(page).to_have_url(f"{address}/sign-in?next=/")


def test_the_pages_speak_chinese_when_asked_to(
    house: House, address: str, visitor: Visitor
) -> None:
    run_coroutine(house.add("ann"))
    page = visitor().new_page()
    page.goto(f"{address}/sign-in")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="登录")).to_be_visible()
    page.reload()
    expect(page.get_by_label("密码")).to_be_visible()


def test_disabling_a_user_signs_out_an_open_page_within_seconds(
    house: House, address: str, visitor: Visitor
) -> None:
    run_coroutine(house.add("ann"))
    token = run_coroutine(house.add("bob", AccountRole.MEMBER))
    context = visitor()
    context.add_cookies([{"name": "qwen_chat_session", "value": token, "url": address}])
    page = context.new_page()
    page.goto(address)
    expect(page.locator("#person")).to_contain_text("bob")
    users_by_name = {user.name: user for user in house.users.by_id.values()}
    run_coroutine(house.accounts.users.disable(users_by_name["ann"], users_by_name["bob"].id))
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=5000)


@contextmanager
def another_origin(page: str) -> Iterator[str]:
    """A site on another port: the same site to cookies, another origin to us."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *arguments: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


ATTACK = """<!doctype html><form action="{0}/api/account/sign-out-everywhere" method="post"
target="frame"><input name="a" value="b"></form><iframe name="frame"></iframe><script>
(async () => {{
  const told = [];
  for (const path of ["sign-out", "sign-out-everywhere", "delete"]) {{
    for (const kind of ["application/json", "text/plain", null]) {{
      const asked = {{ method: "POST", credentials: "include", body: kind ? "{{}}" : undefined }};
      if (kind) asked.headers = {{ "Content-Type": kind }};
      told.push(await fetch(`{0}/api/account/${{path}}`, asked).then((a) => a.status, () => "no"));
      asked.mode = "no-cors";
      await fetch(`{0}/api/account/${{path}}`, asked).catch(() => "no");
    }}
    navigator.sendBeacon(`{0}/api/account/${{path}}`, "{{}}");
  }}
  const reading = fetch("{0}/api/account", {{ credentials: "include" }});
  told.push(await reading.then((a) => a.text(), () => "no"));
  document.forms[0].submit();
  setTimeout(() => (document.title = told.join()), 500);
}})();</script>"""


def test_a_page_of_another_origin_can_neither_do_nor_read_anything(
    house: House, address: str, visitor: Visitor
) -> None:
    token = run_coroutine(house.add("ann"))
    context = visitor()
    context.add_cookies(
        [{"name": "qwen_chat_session", "value": token, "url": address, "sameSite": "Lax"}]
    )
    page = context.new_page()
    with another_origin(ATTACK.format(address)) as evil:
        page.goto(evil)
        expect(page).to_have_title(",".join(["no"] * 10))
    assert run_coroutine(house.accounts.sessions.find(token))
    page.goto(f"{address}/account")
    expect(page.get_by_text("You are ann")).to_be_visible()
