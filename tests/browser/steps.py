"""Actions of users on the page, by the texts of the page."""

from playwright.sync_api import Locator, Page, expect


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message", exact=True)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


TOUCHES = "matchMedia('(hover: none) and (pointer: coarse)').matches"
"""Whether Enter makes a line, as on the keyboard of a phone."""


def ask(page: Page, question: str) -> None:
    box(page).fill(question)
    if page.evaluate(TOUCHES):
        button(page, "Send").click()
    else:
        box(page).press("Enter")


def answer(page: Page) -> Locator:
    """The newest answer with its footer."""
    return page.locator("#transcript .bot-row").last


def question(page: Page) -> Locator:
    """The newest question with its footer."""
    return page.locator("#transcript .user-row").last


def under(message: Locator, name: str) -> Locator:
    """A button under a message."""
    return message.get_by_role("button", name=name, exact=True)


def ask_and_wait(page: Page, text: str) -> None:
    ask(page, text)
    expect(question(page)).to_contain_text(text)
    expect(under(answer(page), "Retry")).to_be_visible()


def listed(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Conversations").get_by_role("link")
