"""The HTML of every page: no value becomes markup, and no address leaves the app."""

import re
from html.parser import HTMLParser

import pytest

from i18n import Language
from pages.html import PageLocale
from tests.page_values import PageValues

PLAIN = "zqx"
"""A text that occurs in no text of the pages."""

HOSTILE = (
    "\"><img src=x onerror=alert(1)>'{0}",
    "' onmouseover='alert(1)",
    "</textarea></select></title><script>alert(1)</script>",
    "<!-- <b>",
    "&lt;b&gt;&amp;&#60;",
    "{{ 7 * 7 }}{% if %}{# x #}",
    "{name}{count:one|many}%(x)s%s",
    "javascript:alert(1)//<svg onload=alert(1)>",
    "\u202ertl\u202c<i>",
)


class ParsedPage(HTMLParser):
    """The elements with the names of their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def occurrences(value: str, page: ParsedPage) -> int:
    """Stop sequences of a sampling are shown as Python writes a tuple, so as `repr`."""
    return sum(page.text.count(spelling) for spelling in {value, repr(value)[1:-1]})


def parsed_pages(language: Language, text: str) -> dict[str, ParsedPage]:
    values = PageValues(PageLocale(language, "/chat"), text)
    return {name.replace(text, ""): ParsedPage(html) for name, html in values.pages()}


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_text_in_every_value_of_every_page_stays_text(
    language: Language, hostile: str
) -> None:
    plain, attacked = parsed_pages(language, PLAIN), parsed_pages(language, hostile)
    assert plain.keys() == attacked.keys()
    for name, page in plain.items():
        assert attacked[name].elements == page.elements, name
        assert occurrences(hostile, attacked[name]) == occurrences(PLAIN, page), name


def test_the_values_reach_every_page_that_shows_some() -> None:
    with_values = [
        name for name, page in parsed_pages(Language.EN, PLAIN).items() if PLAIN in page.text
    ]
    assert len(with_values) > 100


def test_every_address_stays_below_the_path_of_the_proxy() -> None:
    for name, page in PageValues(PageLocale(Language.EN, "/chat"), HOSTILE[0]).pages():
        addresses = re.findall(r'(?:href|src|data-post|data-secret)="([^"]*)"', page)
        assert addresses or "<html" not in page, name
        assert all(address.startswith("/chat/") for address in addresses), name
